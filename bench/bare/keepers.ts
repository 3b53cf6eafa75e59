// What becomes of an object: written and no more, or all that a receiver owes its sender, with nothing looked at.
import { createHash, type Hash } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import type { Keeper } from './association.ts'
import type { SharedSync } from './shared-sync.ts'

let files = 0

/** Socket to file, and where asked for one fsync of the file. */
export class PlainFiles implements Keeper {
  readonly #directory: string
  readonly #syncs: boolean
  #file = -1

  constructor(directory: string, syncs: boolean) {
    this.#directory = directory
    this.#syncs = syncs
  }

  begin(): void {
    this.#file = openSync(join(this.#directory, `${String(threadId)}-${String(files++)}`), 'w')
  }

  bytes(fragment: Buffer): void {
    writeSync(this.#file, fragment)
  }

  end(): void {
    if (this.#syncs) fsyncSync(this.#file)
    closeSync(this.#file)
  }
}

/** Of one directory: about as many objects as a series has. */
const objectsEach = 100
const record = 'x'.repeat(900)

/** The digest, the file, its name and a line of a journal, each synced before what follows it. */
export class WholeDuties implements Keeper {
  readonly #directory: string
  readonly #journal: number
  readonly #journalSync: SharedSync
  #series = ''
  #stored = 0
  #name = ''
  #file = -1
  #digest: Hash = createHash('sha256')

  constructor(directory: string, journal: number, journalSync: SharedSync) {
    this.#directory = directory
    this.#journal = journal
    this.#journalSync = journalSync
  }

  begin(): void {
    this.#name = `${String(threadId)}-${String(files++)}`
    if (this.#stored++ % objectsEach === 0) {
      this.#series = join(this.#directory, `series-${this.#name}`)
      mkdirSync(this.#series)
    }
    this.#digest = createHash('sha256')
    this.#file = openSync(join(this.#directory, this.#name), 'w')
  }

  bytes(fragment: Buffer): void {
    this.#digest.update(fragment)
    writeSync(this.#file, fragment)
  }

  end(): void {
    fsyncSync(this.#file)
    closeSync(this.#file)
    renameSync(join(this.#directory, this.#name), join(this.#series, this.#name))
    const series = openSync(this.#series, 'r')
    fsyncSync(series)
    closeSync(series)
    writeSync(this.#journal, `${this.#digest.digest('hex')} ${record}\n`)
    this.#journalSync.wait(this.#journal)
  }
}
