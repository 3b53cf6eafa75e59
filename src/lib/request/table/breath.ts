import { setImmediate } from 'node:timers/promises'

/** So many steps take some milliseconds. */
const stepsBetween = 2000

/** Long work on one thread, in pieces: whoever else waits for it, a record or a signal, has its turn between them. */
export class Breath {
  #steps = 0

  /** Asked after each step. */
  get isDue(): boolean {
    this.#steps += 1
    return this.#steps % stepsBetween === 0
  }

  take(): Promise<void> {
    return setImmediate()
  }
}
