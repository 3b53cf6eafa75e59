import { watch, type FSWatcher } from 'node:fs'
import { isUnfinishedName } from './unfinished-name.ts'

/**
 * Wakes its owner when something appears in a folder. inotify(7) sees only this machine's doings and not what is
 * in folders below, so nobody may wait for it alone.
 */
export class FolderNews {
  #watcher: FSWatcher | undefined
  #hasNews = false
  #wake: (() => void) | undefined

  constructor(folder: string) {
    try {
      this.#watcher = watch(folder, (_, name) => {
        if (name !== null && isUnfinishedName(name)) return
        this.#hasNews = true
        this.#wake?.()
      })
      this.#watcher.on('error', () => this.close())
    } catch {
      // The system's limit of watches is reached: looking now and then must do.
      this.#watcher = undefined
    }
  }

  /** Until there is news, `longestMs` have passed, or the signal. */
  async wait(longestMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasNews && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          this.#wake = undefined
          resolve()
        }
        const timer = setTimeout(done, longestMs)
        signal.addEventListener('abort', done, { once: true })
        this.#wake = done
      })
    }
    this.#hasNews = false
  }

  close(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }
}
