import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import type { ChainProcess } from '../chain/index.ts'
import type { LastWords } from '../error/index.ts'
import { hearLastWords } from './last-words.ts'
import type { Ending, PartEvent } from './part-event.ts'

/** How often, and how long, a part is given another chance. */
export interface Patience {
  readonly firstDelayMs: number
  readonly longestDelayMs: number
  /** A process that ran this long was well: after its next death it is started again at once, and the back-off begins anew. */
  readonly wellAfterMs: number
}
const usualPatience: Patience = { firstDelayMs: 250, longestDelayMs: 30_000, wellAfterMs: 10_000 }
/** How long a draining process may take before it is ended by force. */
const drainMs = 45_000
/** So many deaths in so long a time are a crash loop. */
const loopDeaths = 5
const loopMs = 60_000
/** Usage and configuration (sysexits): starting again cannot heal these. */
const incurable: readonly (number | null)[] = [64, 78]

export interface PartState {
  readonly name: string
  readonly state: 'running' | 'waiting' | 'failing' | 'stopping' | 'stopped'
  readonly pid?: number
  /** ISO 8601: when this state began. */
  readonly since: string
  readonly restarts: number
  /** How it ended last, and what it said at that. */
  readonly lastError?: string
  /** What it said is to be done. */
  readonly hint?: string
}

interface Running {
  readonly process: ChainProcess
  child: ChildProcess | undefined
  delayMs: number
  startedAt: number
  /** Ends the pause before it is started again, or tells that it has recovered. */
  timer: NodeJS.Timeout | undefined
  isWanted: boolean
  isFailing: boolean
  since: string
  restarts: number
  deaths: number[]
  lastWords: LastWords | undefined
  lastError: string | undefined
  hint: string | undefined
}

/** Keeps a list of processes running until it is told to stop. */
export class Supervisor {
  #running: Running[] = []
  #stopping = false
  #binDir: string
  #environment: NodeJS.ProcessEnv
  #tell: (event: PartEvent) => void
  #patience: Patience
  #stderr: number | 'inherit'

  /**
   * @param options.binDir where the tools' launchers are; it comes first in the children's PATH
   * @param options.stderr what the parts get as theirs; else they share that of this process
   */
  constructor(options: {
    readonly binDir: string
    readonly environment: NodeJS.ProcessEnv
    readonly tell: (event: PartEvent) => void
    readonly patience?: Patience
    readonly stderr?: number | undefined
  }) {
    this.#binDir = options.binDir
    this.#environment = {
      ...process.env,
      ...options.environment,
      PATH: `${options.binDir}${delimiter}${process.env['PATH'] ?? ''}`,
      FIONA_LIFELINE_FD: '3',
    }
    this.#tell = options.tell
    this.#patience = options.patience ?? usualPatience
    this.#stderr = options.stderr ?? 'inherit'
  }

  /** @param except parts that are not to run yet */
  start(processes: readonly ChainProcess[], except: ReadonlySet<string> = new Set()): void {
    for (const process of processes) {
      const running: Running = {
        process,
        child: undefined,
        delayMs: this.#patience.firstDelayMs,
        startedAt: 0,
        timer: undefined,
        isWanted: !except.has(process.name),
        isFailing: false,
        since: new Date().toISOString(),
        restarts: 0,
        deaths: [],
        lastWords: undefined,
        lastError: undefined,
        hint: undefined,
      }
      this.#running.push(running)
      if (running.isWanted) this.#spawn(running)
    }
  }

  parts(): readonly PartState[] {
    return this.#running.map((running) => {
      const { child, since, restarts, lastError, hint, process } = running
      const pid = isAlive(child) ? child?.pid : undefined
      // In a crash loop it lives for a moment each time: only one that stays up is running again.
      const idle = running.isFailing ? 'failing' : 'waiting'
      const active = pid !== undefined && !running.isFailing ? 'running' : idle
      const ending = pid === undefined ? 'stopped' : 'stopping'
      return {
        name: process.name,
        state: running.isWanted && !this.#stopping ? active : ending,
        ...(pid === undefined ? {} : { pid }),
        since,
        restarts,
        ...(lastError === undefined ? {} : { lastError }),
        ...(hint === undefined ? {} : { hint }),
      }
    })
  }

  /** One part that was stopped; one that waits to be started again is started now. */
  startPart(name: string): void {
    const running = this.#part(name)
    if (running.isWanted && isAlive(running.child)) return
    clearTimeout(running.timer)
    running.isWanted = true
    running.isFailing = false
    running.deaths = []
    running.delayMs = this.#patience.firstDelayMs
    this.#spawn(running)
  }

  /** One part, drained; it stays stopped until `startPart`. */
  async stopPart(name: string): Promise<void> {
    const running = this.#part(name)
    const wasWanted = running.isWanted
    running.isWanted = false
    running.isFailing = false
    running.since = new Date().toISOString()
    clearTimeout(running.timer)
    await this.#end(running, wasWanted)
  }

  /** Stop in the order given in reverse: who gives before who takes; each may finish its work. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const { timer } of this.#running) clearTimeout(timer)
    for (const running of [...this.#running].reverse()) {
      await this.#end(running, running.isWanted)
    }
  }

  /** @param isTold false: it was stopped before, and that was told, or will be by who waits for its end */
  async #end(running: Running, isTold: boolean): Promise<void> {
    const part = running.process.name
    if (isTold) this.#tell({ event: 'stopping', part })
    const ending = await end(running)
    if (isTold) running.since = new Date().toISOString()
    if (isTold) this.#tell({ event: 'stopped', part, ...ending })
  }

  #part(name: string): Running {
    const running = this.#running.find(({ process }) => process.name === name)
    if (running === undefined) throw new RangeError(`no part is called ${name}`)
    return running
  }

  #spawn(running: Running): void {
    if (this.#stopping || !running.isWanted) return
    const { process: what } = running
    const part = what.name
    this.#tell({ event: 'starting', part })
    const child = spawn(join(this.#binDir, what.command), what.args, {
      // stderr is this process's own, or a file: it outlives this process, as do the programs of a stage that
      // write to it. The fourth is the lifeline: the child reads end of file from it when this process is gone.
      stdio: ['ignore', 'ignore', this.#stderr, 'pipe'],
      env: this.#environment,
      // A Ctrl-C on the terminal must reach this process alone, which then stops the chain in order.
      detached: true,
    })
    running.child = child
    running.startedAt = performance.now()
    running.since = new Date().toISOString()
    running.lastWords = undefined
    hearLastWords(child, (words) => (running.lastWords = words))
    child.once('spawn', () => {
      this.#tell({ event: 'started', part, pid: child.pid ?? 0 })
      if (running.isFailing && !this.#stopping) this.#awaitRecovery(running)
    })
    let ended = false
    const died = (how: string, ending: Ending): void => {
      if (ended) return
      ended = true
      if (this.#stopping || !running.isWanted || running.child !== child) return
      this.#plan(running, how, ending)
    }
    child.once('error', (error) => {
      died(error.message, { code: null, signal: null })
    })
    const gone = (code: number | null, signal: NodeJS.Signals | null): void => {
      died(signal === null ? `exit code ${String(code)}` : `signal ${signal}`, { code, signal })
    }
    // By `close` its last words have been read; but what it left behind may hold the lifeline open.
    child.once('close', gone)
    child.once('exit', (code, signal) => {
      setTimeout(gone, lastWordsMs, code, signal).unref()
    })
  }

  #awaitRecovery(running: Running): void {
    running.timer = setTimeout(() => {
      // Its death may be known before its last words are.
      if (!isAlive(running.child)) return
      running.isFailing = false
      this.#tell({ event: 'recovered', part: running.process.name })
    }, this.#patience.wellAfterMs)
  }

  #plan(running: Running, how: string, ending: Ending): void {
    const part = running.process.name
    const { firstDelayMs, longestDelayMs, wellAfterMs } = this.#patience
    const now = performance.now()
    clearTimeout(running.timer)
    // At once: its port is closed, or its pipe unread. Whoever is killed as soon as it runs is not well.
    if (now - running.startedAt > wellAfterMs) running.delayMs = 0
    running.deaths = [...running.deaths.filter((at) => now - at < loopMs), now]
    const wasFailing = running.isFailing
    running.isFailing =
      wasFailing || incurable.includes(ending.code) || running.deaths.length >= loopDeaths
    if (running.isFailing) running.delayMs = longestDelayMs
    const words = running.lastWords
    const lastError = words === undefined ? how : `${how}: ${words.error}`
    running.lastError = lastError
    running.hint = words?.hint
    running.since = new Date().toISOString()
    this.#tell({ event: 'died', part, ...ending, lastError })
    if (running.isFailing && !wasFailing) {
      this.#tell({
        ...{ event: 'crashLoop', part, lastError },
        ...(words?.hint === undefined ? {} : { hint: words.hint }),
      })
    }
    this.#tell({ event: 'restarting', part, inSeconds: running.delayMs / 1000 })
    running.timer = setTimeout(() => {
      running.restarts += 1
      this.#spawn(running)
    }, running.delayMs)
    running.delayMs = Math.min(Math.max(running.delayMs * 2, firstDelayMs), longestDelayMs)
  }
}

/** How long the end of a process waits for the end of its lifeline. */
const lastWordsMs = 1000

/** A process that could not be made has an error number of its own as exit code. */
function endingOf(child: ChildProcess | undefined): Ending {
  if (child?.pid === undefined) return { code: null, signal: null }
  return { code: child.exitCode, signal: child.signalCode }
}

function isAlive(child: ChildProcess | undefined): boolean {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** Asks it to end, and waits until it has; of one that had ended before, it only says how. */
async function end({ child }: Running): Promise<Ending> {
  if (child === undefined || !isAlive(child)) return endingOf(child)
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), drainMs)
  await exited
  clearTimeout(force)
  return endingOf(child)
}
