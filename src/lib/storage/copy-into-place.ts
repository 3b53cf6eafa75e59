import { createHash } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { link, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { faultPoint } from '../fault/index.ts'
import { syncDirectory } from './durable.ts'
import { temporaryPath } from './temporary-name.ts'

const chunkBytes = 1 << 20
/** What link(2) says on file systems that know no hard links (CIFS, exFAT): there a rename must do. */
const withoutLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

export interface Copied {
  /** Of the source's bytes. */
  readonly sha256: string
  /**
   * `identical`: these very bytes were there already. `different`: others were, and nothing was
   * changed.
   */
  readonly result: 'placed' | 'replaced' | 'identical' | 'different'
}

/**
 * A copy under another name, durable when it resolves: temporary name, write, fsync, link (never over
 * another file unless told), fsync of the directory, which must exist. A source that is a symbolic
 * link is refused (ELOOP).
 * @param mayReplace asked only when other bytes lie there, with their SHA-256
 */
export async function copyIntoPlace(
  source: string,
  target: string,
  mayReplace: (sha256: string) => boolean = () => false,
): Promise<Copied> {
  const temporary = temporaryPath(dirname(target))
  const from = await open(source, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    const sha256 = await copy(from, temporary)
    faultPoint('copy.synced')
    const result = await place(temporary, target, sha256, mayReplace)
    faultPoint('copy.placed')
    // Of an identical file too: whoever put it there may have died before he synced.
    if (result !== 'different') await syncDirectory(dirname(target))
    return { sha256, result }
  } finally {
    await from.close()
    await rm(temporary, { force: true })
  }
}

async function copy(from: FileHandle, path: string): Promise<string> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const to = await open(path, flags, 0o640)
  faultPoint('copy.opened')
  try {
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(chunkBytes)
    for (let at = 0; ;) {
      const { bytesRead } = await from.read(buffer, 0, chunkBytes, at)
      if (bytesRead === 0) break
      const chunk = buffer.subarray(0, bytesRead)
      hash.update(chunk)
      for (let done = 0; done < bytesRead;) {
        done += (await to.write(chunk, done, bytesRead - done, at + done)).bytesWritten
      }
      at += bytesRead
    }
    faultPoint('copy.written')
    await to.sync()
    return hash.digest('hex')
  } finally {
    await to.close()
  }
}

async function place(
  temporary: string,
  target: string,
  sha256: string,
  mayReplace: (sha256: string) => boolean,
): Promise<Copied['result']> {
  try {
    await link(temporary, target)
    return 'placed'
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (withoutLinks.has(code) && !existsSync(target)) {
      await rename(temporary, target)
      return 'placed'
    }
    if (code !== 'EEXIST' && !withoutLinks.has(code)) throw error
  }
  const there = await syncedDigest(target)
  if (there === sha256) return 'identical'
  if (!mayReplace(there)) return 'different'
  await rename(temporary, target)
  return 'replaced'
}

async function syncedDigest(path: string): Promise<string> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    await handle.sync()
    const hash = createHash('sha256')
    const stream = handle.createReadStream({ highWaterMark: chunkBytes, autoClose: false })
    for await (const chunk of stream) hash.update(chunk as Buffer)
    return hash.digest('hex')
  } finally {
    await handle.close()
  }
}
