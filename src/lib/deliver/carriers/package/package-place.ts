import { constants } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { dirname, posix } from 'node:path'
import {
  copyIntoPlace,
  inside,
  makeDirectories,
  removeDeadTemporaries,
} from '../../../storage/index.ts'
import type { Destination, FolderTarget, SftpTarget } from '../../destination.ts'
import type { Throttle } from '../../throttle.ts'
import { folderTrouble } from '../folder/folder-trouble.ts'
import { RemoteFiles } from '../sftp/remote-files.ts'
import { upload } from '../sftp/upload.ts'

/** Where packages are put, all in one folder. */
export interface PackagePlace {
  /**
   * A copy of a local file, whole under its name and durable; in place of whatever lies there, for a package is made
   * anew when its series has more objects, or did not arrive as it was sent.
   * @throws FionaError, retryable where it may go better later
   */
  put(path: string, name: string, signal: AbortSignal): Promise<void>
  /** What the people there answer, piece by piece; undefined where there is no such file. */
  read(name: string): Promise<AsyncIterable<Buffer> | undefined>
  rest(): Promise<void>
}

export function placeOf(destination: Destination, throttle: Throttle): PackagePlace | undefined {
  const { target } = destination
  if (target.kind === 'folder') return new FolderPlace(target, throttle)
  return target.kind === 'sftp' ? new SftpPlace(destination, target, throttle) : undefined
}

class FolderPlace implements PackagePlace {
  readonly #directory: string
  readonly #throttle: Throttle
  #isPrepared = false

  constructor({ directory }: FolderTarget, throttle: Throttle) {
    this.#directory = directory
    this.#throttle = throttle
  }

  async put(path: string, name: string, signal: AbortSignal): Promise<void> {
    const target = inside(this.#directory, name)
    try {
      if (!this.#isPrepared) {
        await makeDirectories(dirname(target))
        await removeDeadTemporaries(dirname(target))
        this.#isPrepared = true
      }
      await this.#throttle.take((await stat(path)).size, signal)
      await copyIntoPlace(path, target, () => true)
    } catch (error) {
      throw folderTrouble(error)
    }
  }

  async read(name: string): Promise<AsyncIterable<Buffer> | undefined> {
    const file = await open(inside(this.#directory, name), constants.O_RDONLY).catch(
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw folderTrouble(error)
      },
    )
    return file === undefined ? undefined : piecesOf(file)
  }

  async rest(): Promise<void> {
    this.#isPrepared = false
  }
}

class SftpPlace implements PackagePlace {
  readonly #destination: Destination
  readonly #target: SftpTarget
  readonly #throttle: Throttle
  #files: RemoteFiles | undefined

  constructor(destination: Destination, target: SftpTarget, throttle: Throttle) {
    this.#destination = destination
    this.#target = target
    this.#throttle = throttle
  }

  async put(path: string, name: string, signal: AbortSignal): Promise<void> {
    const files = await this.#connect(signal)
    const stop = (): void => {
      files.stop()
    }
    signal.addEventListener('abort', stop, { once: true })
    try {
      const options = { mayReplace: () => true, throttle: this.#throttle, signal }
      await upload(files, path, this.#pathOf(name), options)
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  async read(name: string): Promise<AsyncIterable<Buffer> | undefined> {
    const files = await this.#connect(new AbortController().signal)
    const path = this.#pathOf(name)
    const there = await files.stat(path)
    return there?.isFile === true ? remotePiecesOf(files, path) : undefined
  }

  async rest(): Promise<void> {
    this.#files?.end()
    this.#files = undefined
  }

  #pathOf(name: string): string {
    return posix.join(this.#target.directory, name)
  }

  async #connect(signal: AbortSignal): Promise<RemoteFiles> {
    if (this.#files !== undefined && this.#files.failure === undefined) return this.#files
    const { directory } = this.#target
    const files = await RemoteFiles.open(this.#target, this.#destination.timeoutSeconds, signal)
    try {
      let path = directory.startsWith('/') ? '/' : ''
      for (const part of directory.split('/').filter((one) => one !== '')) {
        path = path === '' ? part : posix.join(path, part)
        await files.makeDirectory(path)
      }
    } catch (error) {
      // Kept, it would be taken for one that has all directories.
      files.end()
      throw error
    }
    this.#files = files
    return files
  }
}

const chunkBytes = 64 << 10

async function* piecesOf(file: FileHandle): AsyncGenerator<Buffer, void, undefined> {
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

async function* remotePiecesOf(
  files: RemoteFiles,
  path: string,
): AsyncGenerator<Buffer, void, undefined> {
  const handle = await files.open(path, 'r')
  try {
    for (let at = 0; ;) {
      const block = Buffer.allocUnsafe(chunkBytes)
      const count = await files.read(handle, block, at)
      if (count === 0) return
      yield block.subarray(0, count)
      at += count
    }
  } finally {
    if (files.failure === undefined) await files.close(handle)
  }
}
