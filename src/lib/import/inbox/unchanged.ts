import { lstatSync } from 'node:fs'
import { shownPath, type FilePath } from '../file-path.ts'

/** Files that stay in an inbox although they were looked at are few; a million of them shall not fill the memory. */
const mostRemembered = 50_000

/** Files that were looked at and stay: left alone as long as they are as they were. */
export class Unchanged {
  readonly #facts = new Map<string, string>()

  /** Does nothing when there is no such file any more. */
  add(path: FilePath): void {
    const facts = factsOf(path)
    if (facts === undefined) return
    const [oldest] = this.#facts.keys()
    if (this.#facts.size >= mostRemembered && oldest !== undefined) this.#facts.delete(oldest)
    this.#facts.set(shownPath(path), facts)
  }

  has(path: FilePath): boolean {
    const known = this.#facts.get(shownPath(path))
    if (known === undefined) return false
    if (known === factsOf(path)) return true
    this.#facts.delete(shownPath(path))
    return false
  }
}

function factsOf(path: FilePath): string | undefined {
  try {
    const { ino, size, ctimeMs } = lstatSync(path)
    return `${String(ino)} ${String(size)} ${String(ctimeMs)}`
  } catch {
    return undefined
  }
}
