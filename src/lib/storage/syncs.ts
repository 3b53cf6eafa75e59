import { fdatasync, fdatasyncSync, fsync, fsyncSync } from 'node:fs'
import { promisify } from 'node:util'

/** `data` leaves out what is not needed to read the file back, its times for instance. */
type What = 'all' | 'data'

interface Ways {
  readonly inPool: (fd: number, what: What) => Promise<void>
  readonly here: (fd: number, what: What) => void
  /** Monotonic, ms. */
  readonly now: () => number
}

const pool = { all: promisify(fsync), data: promisify(fdatasync) }
const thread = { all: fsyncSync, data: fdatasyncSync }
const real: Ways = {
  inPool: (fd, what) => pool[what](fd),
  here: (fd, what) => {
    thread[what](fd)
  },
  now: () => performance.now(),
}

/** A sync that took longer would be felt by whoever waits for this thread. */
const quickMs = 2
/** So many in a row must have been quick before one is waited for here. */
const quickOnes = 16

/**
 * fsync(2) and fdatasync(2) where they cost least. A turn through the thread pool wakes two threads, and on
 * an idle machine that takes as long as a good disk takes to sync: with one object in hand and a disk that
 * has been quick, this thread waits itself. With more to do, or once one was slow, the pool does it, so a
 * slow disk holds up nobody but its sender.
 */
export class Syncs {
  /** Objects that somebody is waiting for. With none, or more than one, this thread does not wait. */
  inHand = 0
  readonly #ways: Ways
  #quick = 0

  constructor(ways = real) {
    this.#ways = ways
  }

  /** @throws the error of the operating system */
  async sync(fd: number, what: What): Promise<void> {
    const { inPool, here, now } = this.#ways
    const isHere = this.inHand === 1 && this.#quick >= quickOnes
    const begunAt = now()
    if (isHere) here(fd, what)
    else await inPool(fd, what)
    this.#quick = now() - begunAt <= quickMs ? this.#quick + 1 : 0
  }
}
