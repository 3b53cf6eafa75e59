// `fiona up`, started again whenever it was killed, and all processes that belong to it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { binDir } from '../fixtures/peers.ts'
import { processIds } from '../../src/lib/process/index.ts'

export interface Living {
  readonly pid: number
  /** Its command line, without the paths of programs. */
  readonly what: string
}

export class ChainUnderFire {
  readonly #root: string
  readonly #configPath: string
  readonly #faults: string
  readonly #environment: NodeJS.ProcessEnv
  #child: ChildProcess | undefined
  starts = 0

  /** @param root holds everything of this run; `faults` in it must be there */
  constructor(root: string, configPath: string, environment: NodeJS.ProcessEnv = {}) {
    this.#root = root
    this.#configPath = configPath
    this.#faults = join(root, 'faults')
    this.#environment = environment
  }

  get isUp(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** @param points `name[:nth]`, each of which kills once */
  start(points: readonly string[]): void {
    const log = openSync(join(this.#root, 'chain.log'), 'a')
    this.#child = spawn(join(binDir, 'fiona'), ['up', '--config', this.#configPath], {
      stdio: ['ignore', 'ignore', log],
      env: {
        ...process.env,
        ...this.#environment,
        FIONA_CONFIG: undefined,
        FIONA_FAULT_DIRECTORY: this.#faults,
        FIONA_FAULT_POINT: points.join(','),
      },
    })
    closeSync(log)
    this.starts++
  }

  async kill(): Promise<void> {
    if (!this.isUp || this.#child === undefined) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  /** In order. @returns its exit code, or the signal that ended it, be it before this */
  async stop(): Promise<number | NodeJS.Signals | null> {
    const child = this.#child
    if (child === undefined) return null
    if (this.isUp) {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    }
    return child.exitCode ?? child.signalCode
  }

  /** Whatever has our environment, children of dead parents included. */
  living(): Living[] {
    const mark = `FIONA_FAULT_DIRECTORY=${this.#faults}\0`
    return processIds().flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${String(pid)}/environ`, 'latin1').includes(mark)) return []
        const words = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').split('\0')
        const what = words.map((word) => word.replace(/^\/.*\//, '')).join(' ')
        return what.trim() === '' ? [] : [{ pid, what: what.trim() }]
      } catch {
        return []
      }
    })
  }

  /** Points that have killed. */
  fired(): string[] {
    return readdirSync(this.#faults)
  }
}
