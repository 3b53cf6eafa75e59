import { watch, type FSWatcher } from 'node:fs'

/** Which files changed; `all` when that is not known and every one has to be looked at. */
export type Changes = ReadonlySet<string> | 'all'

/** inotify drops events when its queue is full, and knows nothing of other machines (NFS). */
const safetyRescanMs = 5000
/** Without a watch (the system's limit of watches is reached) looking often is all that is left. */
const blindRescanMs = 250

/** Wakes its owner when something in a directory changes. Watches from the moment it is made. */
export class DirectoryWatch {
  #watcher: FSWatcher | undefined
  #changed = new Set<string>()
  #isUnknown = false
  #wake: (() => void) | undefined

  constructor(directory: string) {
    try {
      this.#watcher = watch(directory, (_, name) => {
        if (name === null) this.#isUnknown = true
        else this.#changed.add(name)
        this.#wake?.()
      })
      this.#watcher.on('error', () => {
        this.close()
      })
    } catch {
      this.#watcher = undefined
    }
  }

  /** What changed since the last call; waits until something did, `signal` fires, or it is time to look anyway. */
  async changes(signal: AbortSignal | undefined): Promise<Changes> {
    let isTime = false
    if (this.#changed.size === 0 && !this.#isUnknown && signal?.aborted !== true) {
      isTime = await this.#wait(signal)
    }
    const changes: Changes = isTime || this.#isUnknown ? 'all' : this.#changed
    this.#changed = new Set()
    this.#isUnknown = false
    return changes
  }

  close(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }

  #wait(signal: AbortSignal | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (isTime: boolean): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', wake)
        this.#wake = undefined
        resolve(isTime)
      }
      const wake = (): void => {
        done(false)
      }
      const timer = setTimeout(
        done,
        this.#watcher === undefined ? blindRescanMs : safetyRescanMs,
        true,
      )
      signal?.addEventListener('abort', wake, { once: true })
      this.#wake = wake
    })
  }
}
