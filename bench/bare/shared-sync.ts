import { fsyncSync } from 'node:fs'

/** Places in the memory that the threads share. */
const [leading, wanted, done] = [0, 1, 2]
/** A leader that ended between two looks wakes nobody. */
const lookAgainMs = 20

/** Group commit between threads: who finds nobody at it syncs for all that have written. */
export class SharedSync {
  static readonly bytes = 12
  readonly #words: Int32Array

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory)
  }

  /** Until what this thread has written to the file is on disk. */
  wait(file: number): void {
    const words = this.#words
    const mine = Atomics.add(words, wanted, 1) + 1
    for (;;) {
      const synced = Atomics.load(words, done)
      if (synced >= mine) return
      if (Atomics.compareExchange(words, leading, 0, 1) !== 0) {
        Atomics.wait(words, done, synced, lookAgainMs)
        continue
      }
      const written = Atomics.load(words, wanted)
      if (Atomics.load(words, done) < mine) {
        fsyncSync(file)
        Atomics.store(words, done, written)
      }
      Atomics.store(words, leading, 0)
      Atomics.notify(words, done)
      return
    }
  }
}
