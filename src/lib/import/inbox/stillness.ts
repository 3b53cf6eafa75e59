import { randomUUID } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, rmSync, type Stats, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { FilePath } from '../file-path.ts'

/**
 * How long a file has been as it is, by the clock of the file system it lies on: of a share that is the
 * server's clock, and ours may differ. Nothing needs to be remembered of files that are not whole yet.
 */
export class Stillness {
  readonly #nowMs: number

  /** @param folder where a file can be made, to see what time it gets */
  constructor(folder: string) {
    this.#nowMs = clockOf(folder)
  }

  /**
   * Milliseconds since the last writing; undefined for what cannot be opened. The file is opened, because NFS
   * asks the server for its facts only then (nfs(5), close-to-open).
   */
  of(path: FilePath): number | undefined {
    try {
      const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
      try {
        return this.#nowMs - lastWriteMs(fstatSync(fd))
      } finally {
        closeSync(fd)
      }
    } catch {
      return undefined
    }
  }

  /** @param changedMs ctime */
  since(changedMs: number): number {
    return this.#nowMs - changedMs
  }
}

/**
 * Each write sets ctime, and nobody can set it back; but so do a rename and a chmod. The mtime is older then, and
 * to be believed when nobody has set it: programs that keep the time of the original make it older than the file
 * itself. So a file that was finished elsewhere and renamed to here is whole at once.
 */
export function lastWriteMs({
  mtimeMs,
  ctimeMs,
  birthtimeMs,
}: Pick<Stats, 'mtimeMs' | 'ctimeMs' | 'birthtimeMs'>): number {
  const isGenuine = birthtimeMs > 0 && mtimeMs >= birthtimeMs && mtimeMs <= ctimeMs
  return isGenuine ? mtimeMs : ctimeMs
}

/** The time that the file system gives a file which is written now. */
function clockOf(folder: string): number {
  const path = join(folder, `.fiona-import-${randomUUID()}.clock`)
  const fd = openSync(path, 'wx', 0o600)
  try {
    writeSync(fd, '.')
    return fstatSync(fd).mtimeMs
  } finally {
    closeSync(fd)
    rmSync(path, { force: true })
  }
}
