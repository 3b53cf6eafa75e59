import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import type { ChainProcess } from '../chain/index.ts'

const firstDelayMs = 250
const longestDelayMs = 30_000
/** A process that ran this long was well: its next death starts the back-off anew. */
const wellAfterMs = 10_000
/** How long a draining process may take before it is ended by force. */
const drainMs = 45_000

export interface SupervisorEvents {
  started(name: string, pid: number): void
  died(name: string, how: string, restartInMs: number): void
  stopped(name: string): void
}

interface Running {
  readonly process: ChainProcess
  child: ChildProcess | undefined
  delayMs: number
  startedAt: number
  timer: NodeJS.Timeout | undefined
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

  start(processes: readonly ChainProcess[]): void {
    for (const process of processes) {
      const running = {
        process,
        child: undefined,
        delayMs: firstDelayMs,
        startedAt: 0,
        timer: undefined,
      }
      this.#running.push(running)
      this.#spawn(running)
    }
  }

  /** Stop in the order given in reverse: who gives before who takes; each may finish its work. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const { timer } of this.#running) clearTimeout(timer)
    for (const running of [...this.#running].reverse()) {
      const { child, process } = running
      if (child !== undefined && child.exitCode === null && child.signalCode === null) {
        const exited = once(child, 'exit')
        child.kill('SIGTERM')
        const force = setTimeout(() => child.kill('SIGKILL'), drainMs)
        await exited
        clearTimeout(force)
      }
      this.#events.stopped(process.name)
    }
  }

  #spawn(running: Running): void {
    if (this.#stopping) return
    const { process: what } = running
    const child = spawn(join(this.#binDir, what.command), what.args, {
      // The fourth is the lifeline: the child reads end of file from it when this process is gone.
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
      env: this.#environment,
      // A Ctrl-C on the terminal must reach this process alone, which then stops the chain in order.
      detached: true,
    })
    running.child = child
    running.startedAt = performance.now()
    child.once('spawn', () => {
      this.#events.started(what.name, child.pid ?? 0)
    })
    let ended = false
    const end = (how: string): void => {
      if (ended) return
      ended = true
      if (this.#stopping) return
      if (performance.now() - running.startedAt > wellAfterMs) running.delayMs = firstDelayMs
      this.#events.died(what.name, how, running.delayMs)
      running.timer = setTimeout(() => {
        this.#spawn(running)
      }, running.delayMs)
      running.delayMs = Math.min(running.delayMs * 2, longestDelayMs)
    }
    child.once('error', (error) => {
      end(error.message)
    })
    child.once('exit', (code, signal) => {
      end(signal === null ? `exit code ${String(code)}` : `signal ${signal}`)
    })
  }
}
