import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs'
import { unlink } from 'node:fs/promises'
import { ExitCode, FionaError } from '../error/index.ts'
import { shownPath, type FilePath } from './file-path.ts'
import { changed, notAFile, specialKind, unreadable } from './file-trouble.ts'

/** O_NOFOLLOW: a link here now was none when the path was found. O_NONBLOCK: opening a FIFO must not hang. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Enough to see how a file begins. */
const headBytes = 1100

/**
 * A file to be imported, open: everything is done with what was opened, whatever its name means by then.
 */
export class SourceFile {
  readonly fd: number
  readonly path: FilePath
  readonly size: number
  readonly #found: Stats

  /**
   * @param path a real path
   * @throws FionaError E_FILE_MISSING, E_FILE_READ, E_FILE_TYPE, E_FILE_CHANGED (a link by now)
   */
  constructor(path: FilePath) {
    this.path = path
    try {
      this.fd = openSync(path, flags)
    } catch (error) {
      throw unreadable(path, error)
    }
    try {
      const found = fstatSync(this.fd)
      if (!found.isFile())
        throw notAFile(path, found.isDirectory() ? 'a folder' : specialKind(found))
      this.size = found.size
      this.#found = found
    } catch (error) {
      closeSync(this.fd)
      throw error
    }
  }

  /**
   * The kernel says where the open file lies: it must be the path that was found. A folder above it that was
   * replaced by a link, which O_NOFOLLOW does not see, would show here.
   * @throws FionaError E_FILE_CHANGED
   */
  requirePlace(): void {
    let place: Buffer
    try {
      place = readlinkSync(descriptorPath(this.fd), 'buffer')
    } catch (error) {
      throw notChecked(this.path, error)
    }
    if (!place.equals(Buffer.from(this.path))) throw changed(this.path)
  }

  /** The first bytes, to see what a file is that could not be read as DICOM. */
  head(): Buffer {
    const head = Buffer.alloc(headBytes)
    try {
      return head.subarray(0, readSync(this.fd, head, 0, headBytes, 0))
    } catch (error) {
      throw unreadable(this.path, error)
    }
  }

  /**
   * Remove the name, if it is still that of this very file and nobody has written to it since.
   * @throws FionaError E_FILE_CHANGED, E_FILE_REMOVE
   */
  async remove(): Promise<void> {
    let now: Stats | undefined
    try {
      now = lstatSync(this.path, { throwIfNoEntry: false })
    } catch (error) {
      throw notRemoved(this.path, error)
    }
    if (now === undefined) return
    if (!isUntouched(now, this.#found)) throw changed(this.path)
    await removeName(this.path)
  }

  close(): void {
    closeSync(this.fd)
  }
}

/** A name of the open file itself, for calls that take a path (proc(5)). */
export function descriptorPath(fd: number): string {
  return `/proc/self/fd/${String(fd)}`
}

/** @throws FionaError E_FILE_REMOVE */
export async function removeName(path: FilePath): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw notRemoved(path, error)
  }
}

function isUntouched(now: Stats, before: Stats): boolean {
  return (['dev', 'ino', 'size', 'mtimeMs'] as const).every((fact) => now[fact] === before[fact])
}

function notRemoved(path: FilePath, cause: unknown): FionaError {
  const code = String((cause as NodeJS.ErrnoException).code)
  return new FionaError('E_FILE_REMOVE', `cannot remove ${shownPath(path)} (${code})`, {
    hint: 'the object is in the archive; the source may be removed by hand',
    exitCode: ExitCode.io,
    cause,
  })
}

function notChecked(path: FilePath, cause: unknown): FionaError {
  return new FionaError('E_FILE_READ', `cannot tell where ${shownPath(path)} lies by now`, {
    hint: 'the file system /proc must be mounted',
    exitCode: ExitCode.io,
    cause,
  })
}
