import { syncDirectory } from './durable.ts'

interface Round {
  readonly running: Promise<void>
  /** Begins when the running one has ended, for whoever came meanwhile. */
  next: Promise<void> | undefined
}

/**
 * Group commit for the names in directories: who asks while a sync of the same directory is under way
 * shares the one after it, for the one under way may have begun before the name was there.
 */
export class DirectorySyncs {
  readonly #rounds = new Map<string, Round>()
  readonly #sync: (path: string) => Promise<void>

  constructor(sync: (path: string) => Promise<void> = syncDirectory) {
    this.#sync = sync
  }

  /** Every name that is in the directory now is durable when this resolves. */
  sync(path: string): Promise<void> {
    const round = this.#rounds.get(path)
    if (round === undefined) return this.#begin(path)
    round.next ??= round.running.then(
      () => this.#begin(path),
      () => this.#begin(path),
    )
    return round.next
  }

  #begin(path: string): Promise<void> {
    const running = this.#sync(path).finally(() => {
      if (this.#rounds.get(path) === round && round.next === undefined) this.#rounds.delete(path)
    })
    const round: Round = { running, next: undefined }
    this.#rounds.set(path, round)
    return running
  }
}
