import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { delimiter, join } from 'node:path'
import type { ChainProcess } from '../chain/index.ts'

const firstDelayMs = 250
const longestDelayMs = 30_000
/** A process that ran this long was well: its next death starts the back-off anew. */
const wellAfterMs = 10_000
/** How long a draining process may take before it is ended by force. */
const drainMs = 45_000
/** So many deaths in so long a time are a crash loop. */
const loopDeaths = 5
const loopMs = 60_000
/** Usage and configuration (sysexits): starting again cannot heal these. */
const incurable: readonly (number | null)[] = [64, 78]
const longestLine = 2000

export interface SupervisorEvents {
  started(name: string, pid: number): void
  died(name: string, how: string, restartInMs: number): void
  stopped(name: string): void
  /** Said once, until it has been well again. */
  failing?(name: string, how: string, lastWords: string | undefined): void
}

export interface PartState {
  readonly name: string
  readonly state: 'running' | 'waiting' | 'failing' | 'stopped'
  readonly pid?: number
  /** ISO 8601: when this state began. */
  readonly since: string
  readonly restarts: number
  /** How it ended last, and what it said at that. */
  readonly lastError?: string
}

interface Running {
  readonly process: ChainProcess
  child: ChildProcess | undefined
  delayMs: number
  startedAt: number
  timer: NodeJS.Timeout | undefined
  isWanted: boolean
  isFailing: boolean
  since: string
  restarts: number
  deaths: number[]
  lastWords: string | undefined
  lastError: string | undefined
}

/** Keeps a list of processes running until it is told to stop. */
export class Supervisor {
  #running: Running[] = []
  #stopping = false
  #binDir: string
  #environment: NodeJS.ProcessEnv
  #events: SupervisorEvents

  /** @param binDir where the tools' launchers are; it comes first in the children's PATH */
  constructor(options: {
    readonly binDir: string
    readonly environment: NodeJS.ProcessEnv
    readonly events: SupervisorEvents
  }) {
    this.#binDir = options.binDir
    this.#environment = {
      ...process.env,
      ...options.environment,
      PATH: `${options.binDir}${delimiter}${process.env['PATH'] ?? ''}`,
      FIONA_LIFELINE_FD: '3',
    }
    this.#events = options.events
  }

  /** @param except parts that are not to run yet */
  start(processes: readonly ChainProcess[], except: ReadonlySet<string> = new Set()): void {
    for (const process of processes) {
      const running: Running = {
        process,
        child: undefined,
        delayMs: firstDelayMs,
        startedAt: 0,
        timer: undefined,
        isWanted: !except.has(process.name),
        isFailing: false,
        since: new Date().toISOString(),
        restarts: 0,
        deaths: [],
        lastWords: undefined,
        lastError: undefined,
      }
      this.#running.push(running)
      if (running.isWanted) this.#spawn(running)
    }
  }

  parts(): readonly PartState[] {
    return this.#running.map((running) => {
      const { child, since, restarts, lastError, process } = running
      const pid = isAlive(child) ? child?.pid : undefined
      // In a crash loop it lives for a moment each time: only one that stays up is running again.
      const isWell = performance.now() - running.startedAt > wellAfterMs || !running.isFailing
      const idle = running.isFailing ? 'failing' : 'waiting'
      const active = pid !== undefined && isWell ? 'running' : idle
      return {
        name: process.name,
        state: running.isWanted ? active : 'stopped',
        ...(pid === undefined ? {} : { pid }),
        since,
        restarts,
        ...(lastError === undefined ? {} : { lastError }),
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
    running.delayMs = firstDelayMs
    this.#spawn(running)
  }

  /** One part, drained; it stays stopped until `startPart`. */
  async stopPart(name: string): Promise<void> {
    const running = this.#part(name)
    running.isWanted = false
    running.isFailing = false
    running.since = new Date().toISOString()
    clearTimeout(running.timer)
    await end(running)
    this.#events.stopped(name)
  }

  /** Stop in the order given in reverse: who gives before who takes; each may finish its work. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const { timer } of this.#running) clearTimeout(timer)
    for (const running of [...this.#running].reverse()) {
      await end(running)
      this.#events.stopped(running.process.name)
    }
  }

  #part(name: string): Running {
    const running = this.#running.find(({ process }) => process.name === name)
    if (running === undefined) throw new RangeError(`no part is called ${name}`)
    return running
  }

  #spawn(running: Running): void {
    if (this.#stopping || !running.isWanted) return
    const { process: what } = running
    const child = spawn(join(this.#binDir, what.command), what.args, {
      // stderr is this process's own: it outlives this process, as do the programs of a stage that write
      // to it. The fourth is the lifeline: the child reads end of file from it when this process is gone.
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
      env: this.#environment,
      // A Ctrl-C on the terminal must reach this process alone, which then stops the chain in order.
      detached: true,
    })
    running.child = child
    running.startedAt = performance.now()
    running.since = new Date().toISOString()
    running.lastWords = undefined
    hearLastWords(child, (line) => (running.lastWords = line))
    child.once('spawn', () => {
      this.#events.started(what.name, child.pid ?? 0)
    })
    let ended = false
    const died = (how: string, code: number | null): void => {
      if (ended) return
      ended = true
      if (this.#stopping || !running.isWanted || running.child !== child) return
      this.#plan(running, how, code)
    }
    child.once('error', (error) => {
      died(error.message, null)
    })
    const gone = (code: number | null, signal: NodeJS.Signals | null): void => {
      died(signal === null ? `exit code ${String(code)}` : `signal ${signal}`, code)
    }
    // By `close` its last words have been read; but what it left behind may hold the lifeline open.
    child.once('close', gone)
    child.once('exit', (code, signal) => {
      setTimeout(gone, lastWordsMs, code, signal).unref()
    })
  }

  #plan(running: Running, how: string, code: number | null): void {
    const { name } = running.process
    const now = performance.now()
    if (now - running.startedAt > wellAfterMs) running.delayMs = firstDelayMs
    running.deaths = [...running.deaths.filter((at) => now - at < loopMs), now]
    const wasFailing = running.isFailing && now - running.startedAt <= wellAfterMs
    running.isFailing =
      wasFailing || incurable.includes(code) || running.deaths.length >= loopDeaths
    if (running.isFailing) running.delayMs = longestDelayMs
    const words = running.lastWords
    running.lastError = words === undefined ? how : `${how}: ${words}`
    running.since = new Date().toISOString()
    this.#events.died(name, how, running.delayMs)
    if (running.isFailing && !wasFailing) this.#events.failing?.(name, how, words)
    running.timer = setTimeout(() => {
      running.restarts += 1
      this.#spawn(running)
    }, running.delayMs)
    running.delayMs = Math.min(running.delayMs * 2, longestDelayMs)
  }
}

/** How long the end of a process waits for the end of its lifeline. */
const lastWordsMs = 1000

/** Why a tool cannot go on comes over its lifeline, besides stderr (lib/cli). */
function hearLastWords(child: ChildProcess, hear: (line: string) => void): void {
  const lifeline = child.stdio[3] as Socket | null | undefined
  let text = ''
  lifeline?.setEncoding('utf8')
  lifeline?.on('error', () => undefined)
  lifeline?.on('data', (chunk: string) => {
    if (text.length >= longestLine) return
    text = (text + chunk).slice(0, longestLine)
    hear(text.trim())
  })
}

function isAlive(child: ChildProcess | undefined): boolean {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null
}

async function end({ child }: Running): Promise<void> {
  if (child === undefined || !isAlive(child)) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const force = setTimeout(() => child.kill('SIGKILL'), drainMs)
  await exited
  clearTimeout(force)
}
