import { createReadStream, rmSync } from 'node:fs'
import { filesPutAside, putFileAside } from '../storage/index.ts'

/**
 * Lines that somebody wrote before there was a pipe: a shell then made a file in its place. They are
 * taken in like all others; the file is put aside first, and removed when what it says is done, so that
 * a process killed in between does it again.
 */
export class WrittenBefore {
  readonly #pipe: string
  #aside = ''

  constructor(pipe: string) {
    this.#pipe = pipe
  }

  /** Of a former process first. */
  isThere(): boolean {
    putFileAside(this.#pipe)
    const [oldest] = filesPutAside(this.#pipe)
    this.#aside = oldest ?? ''
    return oldest !== undefined
  }

  lines(): AsyncIterable<Buffer> {
    return createReadStream(this.#aside)
  }

  done(): void {
    rmSync(this.#aside)
  }
}
