import { hash } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from 'pino'
import {
  namesIn,
  ownIdentity,
  parseIdentity,
  readIfThere,
  writeFileAtomic,
} from '../../storage/index.ts'
import type { Destination } from '../destination.ts'
import type { LaneReport, LaneStatus } from './lane-report.ts'

/** Between two writes, while there is something new. */
const restMs = 1000

export function statusName({ name, url }: Pick<Destination, 'name' | 'url'>): string {
  return `${hash('sha256', JSON.stringify([name, url])).slice(0, 40)}.json`
}

/** What lanes said last, by file name. One that is damaged is passed over: it is written anew. */
export async function readStatuses(directory: string): Promise<Map<string, LaneStatus>> {
  const found = new Map<string, LaneStatus>()
  for (const name of await namesIn(directory)) {
    if (!/^[0-9a-f]{40}\.json$/.test(name)) continue
    const status = parseStatus((await readIfThere(join(directory, name))) ?? '')
    if (status !== undefined) found.set(name, status)
  }
  return found
}

function parseStatus(text: string): LaneStatus | undefined {
  try {
    const status = JSON.parse(text) as Partial<LaneStatus> | null
    const process = parseIdentity(status?.process)
    if (process === undefined || typeof status?.today?.date !== 'string') return undefined
    return status as LaneStatus
  } catch {
    return undefined
  }
}

/** What a lane says of itself, in a file for whoever asks: written when it changes, once a second at most. */
export class StatusFile {
  readonly #path: string
  readonly #destination: Destination
  readonly #report: () => LaneReport
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #isTold = false
  /** Monotonic, ms. */
  #lastAt = -Infinity

  constructor(path: string, destination: Destination, report: () => LaneReport, log: Logger) {
    this.#path = path
    this.#destination = destination
    this.#report = report
    this.#log = log
  }

  changed(): void {
    if (this.#timer !== undefined) return
    const wait = Math.max(0, this.#lastAt + restMs - performance.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#write()
    }, wait)
    this.#timer.unref()
  }

  /** The last word. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#write()
    await this.#writing
  }

  #write(): void {
    this.#lastAt = performance.now()
    this.#writing = this.#writing.then(async () => {
      const { name, url } = this.#destination
      const head = { v: 1, destination: name, url, time: new Date().toISOString() } as const
      const status: LaneStatus = { ...head, process: ownIdentity(), ...this.#report() }
      try {
        await writeFileAtomic(this.#path, `${JSON.stringify(status)}\n`, { durable: false })
      } catch (error) {
        // Deliveries do not depend on it.
        if (!this.#isTold) this.#log.warn({ err: error }, 'the state cannot be written for status')
        this.#isTold = true
      }
    })
  }
}
