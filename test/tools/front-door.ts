/** A front door of its own for a test: the real service at a named pipe, its log line by line. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { env, journal, tool, until } from './import-site.ts'

export class Site {
  readonly root = mkdtempSync(join(tmpdir(), 'fiona-doors-'))
  readonly pipe = join(this.root, 'run/test.pipe')
  readonly args: readonly string[]
  #child: ChildProcess | undefined

  constructor(args: readonly string[] = ['--journal', 'received']) {
    this.args = args
    mkdirSync(join(this.root, 'data'))
  }
  async open(more: NodeJS.ProcessEnv = {}): Promise<void> {
    const args = ['--data-dir', join(this.root, 'data'), '--front-door', this.pipe, ...this.args]
    const child = spawn(tool, args, {
      env: { ...process.env, ...env, ...more },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    const seen: string[] = []
    for await (const line of createInterface({ input: child.stderr })) {
      seen.push(line)
      if (line.includes('front door is open')) return void child.stderr.resume()
    }
    throw new Error(seen.join('\n'))
  }
  async stop(signal: NodeJS.Signals): Promise<unknown> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined) return undefined
    const closed = once(child, 'close')
    child.kill(signal)
    return (await closed)[0]
  }
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }
  /** How many bytes it has ever read and put on disk. */
  spooled(): number {
    const folder = join(this.root, 'data/state/front-door/test.pipe')
    const last = readdirSync(folder)
      .filter((name) => name.endsWith('.lines'))
      .sort()
      .at(-1)
    if (last === undefined) return 0
    return (
      Number.parseInt(last, 10) +
      (statSync(join(folder, last), { throwIfNoEntry: false })?.size ?? 0)
    )
  }
  async records(name: string, isEnough: (records: AnyRecord[]) => boolean): Promise<AnyRecord[]> {
    let found: AnyRecord[] = []
    await until(async () => {
      found = await journal(this.root, name).catch(() => [])
      return isEnough(found)
    })
    return found
  }
  async remove(): Promise<void> {
    await this.stop('SIGKILL')
    rmSync(this.root, { recursive: true, force: true })
  }
}
