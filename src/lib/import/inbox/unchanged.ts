import { lstatSync } from 'node:fs'
import { shownPath, type FilePath } from '../file-path.ts'

/** Files that stay in an inbox although they were looked at are few; a million of them shall not fill the memory. */
const mostRemembered = 50_000
/** What could not be read may be readable by now: a share that hung changes no file. */
const forgottenAfterMs = 3_600_000

/** Files that were looked at and stay: left alone for an hour, as long as they are as they were. */
export class Unchanged {
  readonly #known = new Map<string, { readonly facts: string; readonly sinceMs: number }>()
  readonly #now: () => number

  /** @param now monotonic, in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Does nothing when there is no such file any more. */
  add(path: FilePath): void {
    const facts = factsOf(path)
    if (facts === undefined) return
    const [oldest] = this.#known.keys()
    if (this.#known.size >= mostRemembered && oldest !== undefined) this.#known.delete(oldest)
    this.#known.set(shownPath(path), { facts, sinceMs: this.#now() })
  }

  has(path: FilePath): boolean {
    const known = this.#known.get(shownPath(path))
    if (known === undefined) return false
    const isYoung = this.#now() - known.sinceMs < forgottenAfterMs
    if (isYoung && known.facts === factsOf(path)) return true
    this.#known.delete(shownPath(path))
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
