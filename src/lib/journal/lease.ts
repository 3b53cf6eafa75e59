import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ExitCode, FionaError } from '../error/index.ts'
import {
  createExclusively,
  makeDirectories,
  removeDeadTemporaries,
  writeFileAtomic,
  livenessOf,
  ownIdentity,
  parseIdentity,
  type ProcessIdentity,
} from '../storage/index.ts'

/** A holder that cannot be looked at (another machine, another container) shows that it lives so often. */
const renewMs = 10_000
const silentForMs = 35_000
const pollMs = 100

export interface LeaseOptions {
  /** What is leased, for messages: `stage organize`. */
  readonly what: string
  /** What whoever is refused can do. */
  readonly hint?: string
  /** How long to wait for a living holder before giving up. */
  readonly waitMs: number
  readonly signal?: AbortSignal | undefined
  /** Called once when there is somebody to wait for. */
  readonly onWait?: (holder: string) => void
}

interface Holder {
  readonly generation: number
  readonly identity: ProcessIdentity | undefined
  readonly token: string | undefined
  readonly isReleased: boolean
}

/**
 * One holder at a time, whoever is killed how. The lease is the file with the highest generation number
 * (`<path>-<n>`); its content says which process holds it. Nobody removes a dead holder's file to take
 * its place (two could do so in turn): a successor makes the next generation exclusively, which one alone
 * can. So no lease outlives its process, and none is held twice.
 */
export class Lease {
  /** Unguessable; marks what belongs to this holder, such as its child processes. */
  readonly token: string
  /** The tokens of dead holders: what they left behind may still be there. */
  readonly predecessors: readonly string[]
  #path: string
  #generation: number
  #what: string
  #renewal: NodeJS.Timeout

  private constructor(
    path: string,
    generation: number,
    token: string,
    predecessors: readonly string[],
    what: string,
  ) {
    this.#path = path
    this.#generation = generation
    this.token = token
    this.predecessors = predecessors
    this.#what = what
    this.#renewal = setInterval(() => {
      const now = new Date()
      // A failed renewal is noticed by `assertHeld`, which looks at the same file.
      utimes(fileOf(path, generation), now, now).catch(() => undefined)
    }, renewMs)
    this.#renewal.unref()
  }

  /**
   * @throws FionaError E_LEASE_HELD (exit 75) when a living process holds it longer than `waitMs`
   */
  static async acquire(path: string, options: LeaseOptions): Promise<Lease> {
    await makeDirectories(dirname(path))
    await removeDeadTemporaries(dirname(path))
    const token = randomUUID()
    const giveUpAt = performance.now() + options.waitMs
    const silence = new Silence()
    for (let isWaiting = false; ;) {
      const holders = await holdersOf(path)
      const latest = holders.at(-1)
      if (
        latest === undefined ||
        (await isFree(latest, fileOf(path, latest.generation), silence))
      ) {
        const generation = (latest?.generation ?? 0) + 1
        const claim = `${JSON.stringify({ v: 1, token, ...ownIdentity() })}\n`
        if (!(await createExclusively(fileOf(path, generation), claim))) continue
        // Between the look and the claim others may have come, gone, and tidied this number away.
        if ((await holdersOf(path)).at(-1)?.generation !== generation) {
          await rm(fileOf(path, generation), { force: true })
          continue
        }
        const predecessors = holders.flatMap((holder) =>
          holder.isReleased || holder.token === undefined ? [] : [holder.token],
        )
        return new Lease(path, generation, token, predecessors, options.what)
      }
      const who = describe(latest)
      if (options.signal?.aborted === true || performance.now() >= giveUpAt) {
        throw new FionaError('E_LEASE_HELD', `${options.what} is already running: ${who}`, {
          hint: options.hint,
          exitCode: ExitCode.tryAgain,
          retryable: true,
        })
      }
      if (!isWaiting) options.onWait?.(who)
      isWaiting = true
      await delay(Math.min(pollMs, Math.max(1, giveUpAt - performance.now())))
    }
  }

  /** Call when nothing is left of the predecessors: until then their tokens are kept for who comes next. */
  async forgetPredecessors(): Promise<void> {
    for (const { generation } of await holdersOf(this.#path)) {
      if (generation < this.#generation) {
        await rm(fileOf(this.#path, generation), { force: true })
      }
    }
  }

  /**
   * Whether this process may still act as the holder. Only one that was silent for long (a machine
   * that was suspended, a network file system that was away) can have lost the lease.
   * @throws FionaError E_LEASE_LOST (exit 75)
   */
  assertHeld(): void {
    // Asked at each commit: two turns in the thread pool would cost many times what the looks do.
    const isThere = existsSync(fileOf(this.#path, this.#generation))
    const isSucceeded = existsSync(fileOf(this.#path, this.#generation + 1))
    if (isThere && !isSucceeded) return
    throw new FionaError('E_LEASE_LOST', `${this.#what} was taken over by another process`, {
      hint: 'this one ends; what it had not committed is done again by the other',
      exitCode: ExitCode.tryAgain,
      retryable: true,
    })
  }

  /** The file stays, marked as free, so that generations never begin anew. */
  async release(): Promise<void> {
    clearInterval(this.#renewal)
    if (existsSync(fileOf(this.#path, this.#generation + 1))) return
    await writeFileAtomic(
      fileOf(this.#path, this.#generation),
      `${JSON.stringify({ v: 1, released: true })}\n`,
      { durable: false },
    )
  }
}

/** Remembers since when a holder's file has not changed; by our own clock, whatever the other's says. */
class Silence {
  #version = ''
  #since = 0

  lasts(version: string): boolean {
    if (version !== this.#version) {
      this.#version = version
      this.#since = performance.now()
    }
    return performance.now() - this.#since > silentForMs
  }
}

async function isFree(holder: Holder, file: string, silence: Silence): Promise<boolean> {
  if (holder.isReleased) return true
  const liveness = holder.identity === undefined ? 'unknown' : livenessOf(holder.identity)
  if (liveness !== 'unknown') return liveness === 'dead'
  const renewed = await stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
  return silence.lasts(`${holder.generation} ${renewed}`)
}

/** In the order of their generations. */
async function holdersOf(path: string): Promise<Holder[]> {
  const prefix = `${basename(path)}-`
  const generations = (await readdir(dirname(path)))
    .flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))
    .filter((text) => /^[1-9]\d{0,14}$/.test(text))
    .map(Number)
    .sort((a, b) => a - b)
  return Promise.all(generations.map((generation) => readHolder(path, generation)))
}

async function readHolder(path: string, generation: number): Promise<Holder> {
  try {
    const value = JSON.parse(await readFile(fileOf(path, generation), 'utf8')) as {
      token?: unknown
      released?: unknown
    }
    return {
      generation,
      identity: parseIdentity(value),
      token: typeof value.token === 'string' ? value.token : undefined,
      isReleased: value.released === true,
    }
  } catch {
    // Removed by a successor since (the next look tells), or lost its content with the power.
    return { generation, identity: undefined, token: undefined, isReleased: false }
  }
}

function describe({ identity }: Holder): string {
  return identity === undefined
    ? 'by whom is not known'
    : `process ${identity.pid} on ${identity.host}`
}

function fileOf(path: string, generation: number): string {
  return join(dirname(path), `${basename(path)}-${generation}`)
}
