import { join } from 'node:path'
import type { Logger } from 'pino'
import { ownIdentity, writeFileAtomic } from '../storage/index.ts'

/** Studies that wait for somebody, as a running fiona-request knows them. */
export interface Undecided {
  readonly state: string
  readonly studies: number
  /** ms since 1970: the longest of them. */
  readonly since: number
}

/**
 * Where `fiona-ctl status` finds how many studies wait for a person. The truth is the database, which is nobody else's to
 * open; this says what it was a moment ago.
 */
export class StatusFile {
  readonly #path: string
  readonly #log: Pick<Logger, 'debug'>
  #last = ''
  #writing: Promise<void> = Promise.resolve()

  /** @param directory of the state of requests */
  constructor(directory: string, log: Pick<Logger, 'debug'>) {
    this.#path = join(directory, 'status.json')
    this.#log = log
  }

  keep(undecided: readonly Undecided[]): void {
    const facts = JSON.stringify(undecided)
    if (facts === this.#last) return
    this.#last = facts
    const held = undecided.map(({ state, studies, since }) => ({
      state,
      studies,
      since: new Date(since).toISOString(),
    }))
    const text = `${JSON.stringify({ v: 1, process: ownIdentity(), held })}\n`
    this.#writing = this.#writing
      .then(() => writeFileAtomic(this.#path, text, { mode: 0o640, durable: false }))
      .catch((error: unknown) => {
        // It is for people who look, and goes on without.
        this.#log.debug({ err: error }, 'how many studies wait cannot be told')
      })
  }

  close(): Promise<void> {
    return this.#writing
  }
}
