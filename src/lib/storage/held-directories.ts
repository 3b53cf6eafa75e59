import { closeSync } from 'node:fs'
import { syncDirectory } from './durable.ts'
import type { OpenDirectory, RealDirectories } from './real-directories.ts'
import type { Syncs } from './syncs.ts'

/** Of as many series objects come in at a time. */
const mostHeld = 64
/** What was not used for so long, or up to twice as long, is closed: nobody's unmounting has to wait for us. */
const idleMs = 1000

interface Held extends OpenDirectory {
  /** What runs in it: it is not closed before. */
  users: number
  isIdle: boolean
  isOver: boolean
}

/**
 * Real directories that stay open from one object to the next: to open, prove and close one costs three times
 * what it costs to ask whether an open one still is where its path says. That is asked at each use; one that was
 * moved or removed meanwhile is not used any more.
 */
export class HeldDirectories {
  readonly #real: RealDirectories
  readonly #held = new Map<string, Held>()
  #clock: NodeJS.Timeout | undefined

  constructor(real: RealDirectories) {
    this.#real = real
  }

  /** As `RealDirectories.within`. */
  within<Result>(path: string, work: (directory: string) => Result): Result {
    const held = this.#take(path)
    if (held === undefined) return this.#real.within(path, work)
    held.users += 1
    try {
      return work(held.name)
    } finally {
      leave(held)
    }
  }

  /**
   * As `syncDirectory`, of a real one.
   * @throws the error of the operating system; the refusal of the real directories
   */
  async sync(path: string, syncs: Syncs): Promise<void> {
    const held = this.#take(path)
    if (held === undefined) return syncDirectory(path, syncs)
    held.users += 1
    try {
      await syncs.sync(held.fd, 'all')
    } finally {
      leave(held)
    }
  }

  #take(path: string): Held | undefined {
    const known = this.#held.get(path)
    if (known !== undefined) {
      known.isIdle = false
      if (this.#real.isStill(path, known)) return known
      this.#letGo(path, known)
    }
    const opened = this.#real.open(path)
    if (opened === undefined) return undefined
    if (this.#held.size >= mostHeld) {
      for (const [oldest, one] of this.#held) {
        this.#letGo(oldest, one)
        break
      }
    }
    const held = { ...opened, users: 0, isIdle: false, isOver: false }
    this.#held.set(path, held)
    this.#clock ??= setInterval(() => {
      this.#closeIdle()
    }, idleMs).unref()
    return held
  }

  #closeIdle(): void {
    for (const [path, held] of this.#held) {
      if (held.isIdle) this.#letGo(path, held)
      held.isIdle = true
    }
    if (this.#held.size > 0) return
    clearInterval(this.#clock)
    this.#clock = undefined
  }

  #letGo(path: string, held: Held): void {
    this.#held.delete(path)
    held.isOver = true
    closeIfLeft(held)
  }
}

function leave(held: Held): void {
  held.users -= 1
  closeIfLeft(held)
}

function closeIfLeft({ fd, users, isOver }: Held): void {
  if (isOver && users === 0) closeSync(fd)
}
