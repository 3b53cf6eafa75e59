import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { posix } from 'node:path'
import { ExitCode, FionaError } from '../../../error/index.ts'
import { faultPoint } from '../../../fault/index.ts'
import { unreadableToSend } from '../../../storage/index.ts'
import type { Throttle } from '../../throttle.ts'
import type { RemoteFiles } from './remote-files.ts'

const blockBytes = 1 << 20
/** To look at less than this costs as much as to send it again. */
const leastResumed = 1 << 20

export interface UploadOptions {
  /** Asked when other bytes lie under the name, with their SHA-256. */
  readonly mayReplace: (sha256: string) => boolean
  readonly throttle: Throttle
  readonly signal: AbortSignal
}

/**
 * A file under a name of the server: as a hidden part file first, which is made durable and then renamed, so
 * that a name appears when its file is whole. A part that an earlier try left is gone on with, if its bytes are
 * those of the file.
 * @returns `different` when other bytes are there that may not be replaced; nothing was changed then
 * @throws FionaError E_FILE_READ; and as `RemoteFiles`
 */
export async function upload(
  files: RemoteFiles,
  source: string,
  target: string,
  options: UploadOptions,
): Promise<{ readonly result: 'placed' | 'identical' | 'different'; readonly sha256: string }> {
  const local = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW).catch(unreadable)
  try {
    const { size } = await local.stat()
    const there = await files.stat(target)
    if (there !== undefined) {
      const sha256 = (await digestLocal(local, size)).digest('hex')
      const found = there.isFile ? await digestThere(files, target, there.size) : ''
      if (found === sha256) return { result: 'identical', sha256 }
      if (!there.isFile || !options.mayReplace(found)) return { result: 'different', sha256 }
    }
    const part = posix.join(posix.dirname(target), `.${posix.basename(target)}.part`)
    const sha256 = await writePart(files, local, size, part, options).catch((error: unknown) =>
      giveBack(files, part, error),
    )
    if (there === undefined) await files.rename(part, target)
    else await files.replace(part, target)
    faultPoint('sftp.renamed')
    return { result: 'placed', sha256 }
  } finally {
    await local.close()
  }
}

async function writePart(
  files: RemoteFiles,
  local: FileHandle,
  size: number,
  part: string,
  { throttle, signal }: UploadOptions,
): Promise<string> {
  const resumed = await whatIsThere(files, local, size, part)
  const handle = await files.open(part, resumed === undefined ? 'w' : 'r+')
  faultPoint('sftp.part-opened')
  try {
    const hash = resumed?.hash ?? createHash('sha256')
    let at = resumed?.bytes ?? 0
    // One block is read while the other is on its way.
    const blocks = [Buffer.allocUnsafe(blockBytes), Buffer.allocUnsafe(blockBytes)]
    let writing = Promise.resolve()
    while (at < size) {
      const block = blocks.reverse()[0] ?? Buffer.of()
      const bytes = await readBlock(local, block.subarray(0, throttle.pieceBytes), at, size)
      hash.update(bytes)
      await writing
      await throttle.take(bytes.length, signal)
      writing = files.write(handle, bytes, at)
      // It is waited for with the next block, or behind the last.
      writing.catch(() => undefined)
      at += bytes.length
    }
    await writing
    faultPoint('sftp.part-written')
    await files.sync(handle)
    faultPoint('sftp.part-synced')
    const stored = await files.stat(part)
    if (stored?.size !== size) throw notWhole(files.peer)
    return hash.digest('hex')
  } finally {
    if (files.failure === undefined) await files.close(handle)
  }
}

/** A server that has no room for all of it needs what the part takes: for smaller objects, or for others. */
async function giveBack(files: RemoteFiles, part: string, error: unknown): Promise<never> {
  if (error instanceof FionaError && error.code === 'E_SFTP' && files.failure === undefined) {
    await files.remove(part).catch(() => undefined)
  }
  throw error
}

/** A part of an earlier try, if it is the beginning of this file. */
async function whatIsThere(
  files: RemoteFiles,
  local: FileHandle,
  size: number,
  part: string,
): Promise<{ readonly bytes: number; readonly hash: Hash } | undefined> {
  const stats = await files.stat(part)
  const bytes = stats?.size ?? 0
  if (stats?.isFile !== true || bytes < leastResumed || bytes > size) return undefined
  const hash = await digestLocal(local, bytes)
  const isSame = hash.copy().digest('hex') === (await digestThere(files, part, bytes))
  return isSame ? { bytes, hash } : undefined
}

/** The first so many bytes of ours. */
function digestLocal(local: FileHandle, bytes: number): Promise<Hash> {
  const block = Buffer.allocUnsafe(blockBytes)
  return digest(bytes, (at) => readBlock(local, block, at, bytes))
}

async function digestThere(files: RemoteFiles, path: string, bytes: number): Promise<string> {
  const handle = await files.open(path, 'r')
  try {
    const block = Buffer.allocUnsafe(32 << 10)
    const hash = await digest(bytes, async (at) =>
      block.subarray(0, await files.read(handle, block, at)),
    )
    return hash.digest('hex')
  } finally {
    if (files.failure === undefined) await files.close(handle)
  }
}

/** @param read what is there from an offset on; nothing at the end */
async function digest(bytes: number, read: (at: number) => Promise<Buffer>): Promise<Hash> {
  const hash = createHash('sha256')
  for (let at = 0; at < bytes;) {
    const piece = await read(at)
    if (piece.length === 0) break
    hash.update(piece)
    at += piece.length
  }
  return hash
}

async function readBlock(
  local: FileHandle,
  block: Buffer,
  at: number,
  end: number,
): Promise<Buffer> {
  const length = Math.min(block.length, end - at)
  const { bytesRead } = await local.read(block, 0, length, at).catch(unreadable)
  if (bytesRead > 0) return block.subarray(0, bytesRead)
  throw unreadableToSend('became shorter while it was sent')
}

function unreadable(cause: unknown): never {
  throw unreadableToSend(`cannot be read (${String((cause as NodeJS.ErrnoException).code)})`, cause)
}

function notWhole(peer: string): FionaError {
  return new FionaError('E_SFTP', `${peer}: a file that was written has another length there`, {
    hint: 'is there space? Does somebody else write there?',
    retryable: true,
    exitCode: ExitCode.cannotCreate,
  })
}
