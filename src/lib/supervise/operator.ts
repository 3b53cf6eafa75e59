import { setTimeout as delay } from 'node:timers/promises'
import { partNames, partsOf, portsOf } from '../chain/index.ts'
import { LiveScreen } from '../cli/index.ts'
import type { Config } from '../config/index.ts'
import {
  type ChainLog,
  diskTrouble,
  type PartReport,
  type StageReport,
  stageReports,
  troubleOf,
  withPipelines,
} from '../control/index.ts'
import type { AnyRecord } from '../record/index.ts'
import { freeBytes } from '../storage/index.ts'
import type { Audience } from './audience.ts'
import { introduction } from './introduction.ts'
import { LogTrouble } from './log-trouble.ts'
import type { Site } from './prepare-site.ts'
import { leastColumns, rowsBesideParts, siteLines, type SiteView } from './site-view.ts'
import { Tally } from './tally.ts'

/** What stages have before them is read from the journals: at most so often, and a twentieth of the time. */
const refreshMs = 2000
const refreshShare = 20

/** The terminal, where it can show a chain of so many parts; undefined where lines one below the other are better. */
export function screenFor(config: Config): LiveScreen | undefined {
  const rows = partNames(partsOf(config)).length + rowsBesideParts
  return LiveScreen.open(process.stdout, { rows, columns: leastColumns })
}

/** Somebody at a terminal who wants to see how the chain is: one screen, drawn over and over. */
export class Operator implements Audience {
  readonly #screen: LiveScreen
  readonly #log: ChainLog | undefined
  readonly #trouble: LogTrouble | undefined
  readonly #tally = new Tally(() => performance.now())
  readonly #since = new Date().toISOString()
  readonly #ended = new AbortController()
  #config: Config | undefined
  #introduction: readonly string[] = []
  #parts: () => readonly PartReport[] = () => []
  #stages: readonly StageReport[] = []
  #disk = { freeBytes: 0, reserveBytes: 0 }
  /** Why what stages have before them is not known. */
  #unknown: readonly string[] = []
  #state: SiteView['state'] = 'running'
  #refreshing: Promise<void> | undefined

  /** @param log what the parts write into; undefined where they write to a stderr that is no terminal */
  constructor(screen: LiveScreen, log: ChainLog | undefined) {
    this.#screen = screen
    this.#log = log
    this.#trouble = log === undefined ? undefined : new LogTrouble(log.fd, log.size)
  }

  async starting(config: Config, site: Site): Promise<void> {
    this.#config = config
    this.#introduction = introduction(config, site)
    this.#disk = diskOf(config)
    this.#screen.show((size) => siteLines(this.#view(config), size))
  }

  running(parts: () => readonly PartReport[]): void {
    this.#parts = parts
    if (this.#config !== undefined) this.#refreshing = this.#refresh(this.#config)
  }

  happened(): void {
    // The next frame shows it.
  }

  readonly record = (journal: string, record: AnyRecord): void => {
    this.#tally.add(journal, record)
  }

  stopping(): void {
    this.#state = 'stopping'
  }

  async stopped(): Promise<void> {
    this.#ended.abort()
    await this.#refreshing
    this.#state = 'stopped'
    await this.#screen.close()
  }

  async #refresh(config: Config): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      const began = performance.now()
      try {
        this.#disk = diskOf(config)
        this.#stages = await stageReports(config)
        this.#unknown = []
      } catch (error) {
        this.#unknown = [`what stages have before them is not known: ${(error as Error).message}`]
      }
      const pauseMs = Math.max(refreshMs, (performance.now() - began) * refreshShare)
      await delay(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  }

  #wrong(parts: readonly PartReport[]): readonly string[] {
    const disk = diskTrouble(this.#disk)
    return [
      ...parts.flatMap((part) => troubleOf(part) ?? []),
      ...(disk === undefined ? [] : [disk]),
      ...this.#unknown,
    ]
  }

  #view(config: Config): SiteView {
    if (this.#log !== undefined) this.#trouble?.look(this.#log.size, new Date().toISOString())
    const parts = withPipelines(this.#parts(), this.#stages)
    return {
      dataDir: config.dataDir,
      since: this.#since,
      state: this.#state,
      parts,
      stages: this.#stages,
      ports: new Map(portsOf(config).map(({ part, port }) => [part, port])),
      counts: this.#tally.counts,
      disk: this.#disk,
      wrong: this.#state === 'running' ? this.#wrong(parts) : [],
      trouble: this.#trouble?.last ?? [],
      introduction: this.#introduction,
      logPath: this.#log?.path,
    }
  }
}

function diskOf({ dataDir, receiver }: Config): SiteView['disk'] {
  return { freeBytes: freeBytes(dataDir), reserveBytes: receiver.reserveBytes }
}
