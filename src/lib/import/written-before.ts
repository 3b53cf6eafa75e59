import { createReadStream, lstatSync, renameSync, rmSync } from 'node:fs'

/**
 * Lines that somebody wrote before there was a pipe: a shell then made a file in its place. They are
 * taken in like all others; the file is put aside first, and removed when what it says is done, so that
 * a process killed in between does it again.
 */
export class WrittenBefore {
  readonly #pipe: string
  readonly #aside: string

  constructor(pipe: string) {
    this.#pipe = pipe
    this.#aside = `${pipe}.written-before`
  }

  /** Of a former process first. */
  isThere(): boolean {
    if (isPlainFile(this.#aside)) return true
    if (!isPlainFile(this.#pipe)) return false
    renameSync(this.#pipe, this.#aside)
    return true
  }

  lines(): AsyncIterable<Buffer> {
    return createReadStream(this.#aside)
  }

  done(): void {
    rmSync(this.#aside)
  }
}

/** No link of either kind: that could lead to lines which nobody wrote for us. */
function isPlainFile(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false })
  return found?.isFile() === true && found.nlink === 1
}
