import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../storage/index.ts'
import { readRows, type Row } from './answer.ts'

/**
 * What was read of a REDCap project last, on disk: a start while REDCap is down goes on with what was known. It is a
 * cache, and made anew whenever REDCap answers.
 */
export class Mirror {
  readonly #path: string | undefined
  #rows: readonly Row[] = []
  #text: string | undefined

  constructor(directory: string | undefined, name: string) {
    this.#path = directory === undefined ? undefined : join(directory, `${name}.json`)
  }

  get rows(): readonly Row[] {
    return this.#rows
  }

  /** Something was read, now or by a process before. */
  get isKnown(): boolean {
    return this.#text !== undefined
  }

  async load(): Promise<void> {
    if (this.#path === undefined) return
    try {
      const text = await readFile(this.#path, 'utf8')
      this.#rows = readRows(this.#path, JSON.parse(text)).rows
      this.#text = text
    } catch {
      // None yet, or one that a person has damaged: the next reading makes it.
    }
  }

  /** @returns whether it is other than before */
  async replace(rows: readonly Row[]): Promise<boolean> {
    const text = `[${rows.map((row) => JSON.stringify(Object.fromEntries(row))).join(',\n')}]\n`
    if (text === this.#text) return false
    if (this.#path !== undefined) await writeFileAtomic(this.#path, text, { mode: 0o600 })
    this.#rows = rows
    this.#text = text
    return true
  }
}
