import { closeSync, openSync, renameSync, rmSync, statfsSync } from 'node:fs'
import { link, mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { faultPoint } from '../fault/index.ts'
import { Syncs } from './syncs.ts'
import { temporaryPath } from './temporary-name.ts'
import { writeAll } from './write-all.ts'

const inThePool = new Syncs()

/** fsync of a directory: makes the names in it durable (a rename alone is not, see fsync(2)). */
export async function syncDirectory(path: string, syncs = inThePool): Promise<void> {
  // Only the sync takes long; opening and closing in the thread pool would cost more than they do here.
  const fd = openSync(path, 'r')
  try {
    await syncs.sync(fd, 'all')
  } finally {
    closeSync(fd)
  }
}

/** fsync of a file that is there. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * `mkdir -p`, durable: each directory that was made is synced into its parent. An existing directory is no
 * error. Made one by one: Node's own recursive mkdir never ends where a name can be neither found nor made
 * (below /proc, say), takes no signal meanwhile, and calls a full or read-only disk ENOENT.
 * @throws the error of mkdir(2); ENOTDIR where something else has the name
 */
export async function makeDirectories(
  path: string,
  options: { readonly durable?: boolean; readonly mode?: number } = {},
): Promise<void> {
  const missing: string[] = []
  let at = resolve(path)
  while (!(await isDirectory(at))) {
    missing.push(at)
    at = dirname(at)
  }
  for (const directory of missing.reverse()) {
    // Another process may have made it meanwhile; then its parent still is to be synced.
    await mkdir(directory, { mode: options.mode ?? 0o750 }).catch(async (error: unknown) => {
      if (!(await isDirectory(directory))) throw error
    })
    faultPoint('directory.made')
    if (options.durable !== false) await syncDirectory(dirname(directory))
  }
}

/** The root of a file system always is one: whoever asks upwards comes to an end. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && path !== dirname(path)) return false
    throw error
  }
  throw Object.assign(new Error(`ENOTDIR: not a directory, mkdir '${path}'`), {
    code: 'ENOTDIR',
    path,
    syscall: 'mkdir',
  })
}

/**
 * A file that is either the old one or the whole new one, whatever happens in between. Only syncs go through the thread
 * pool: the other calls take the kernel less time than a turn there takes us.
 * @param options.durable `content`: a power loss may bring the old one back, but never half of the new one
 * @param options.isStill asked when all but the name is done, for who must not replace what another process wrote
 *   meanwhile: false ends it with ESTALE, and the old one stays
 * @param options.temporaries where it lies until it is whole, on the same disk; beside its place unless told
 */
export async function writeFileAtomic(
  path: string,
  data: string | Buffer | Iterable<Buffer>,
  options: {
    readonly mode?: number
    readonly durable?: boolean | 'content'
    readonly isStill?: () => boolean
    readonly temporaries?: string
  } = {},
): Promise<void> {
  const { mode = 0o640, durable = true, isStill, temporaries = dirname(path) } = options
  const temporary = temporaryPath(temporaries)
  const fd = openSync(temporary, 'wx', mode)
  faultPoint('atomic.opened')
  try {
    try {
      const isWhole = typeof data === 'string' || Buffer.isBuffer(data)
      for (const part of isWhole ? [data] : data)
        writeAll(fd, typeof part === 'string' ? Buffer.from(part) : part)
      faultPoint('atomic.written')
      if (durable !== false) await inThePool.sync(fd, 'all')
      faultPoint('atomic.synced')
    } finally {
      closeSync(fd)
    }
    if (isStill?.() === false) {
      throw Object.assign(new Error(`ESTALE: ${path} was replaced`), { code: 'ESTALE', path })
    }
    renameSync(temporary, path)
    faultPoint('atomic.renamed')
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  if (durable === true) await syncDirectory(dirname(path))
}

/**
 * A file that must not be there yet, whole from its first moment: of several that try, one wins. Unless
 * `durable`, a power loss may take it: right for claims between processes, which it takes, too.
 * @returns false when the name is taken
 */
export async function createExclusively(
  path: string,
  data: string | Buffer,
  options: { readonly mode?: number; readonly durable?: boolean } = {},
): Promise<boolean> {
  const temporary = temporaryPath(dirname(path))
  const handle = await open(temporary, 'wx', options.mode ?? 0o640)
  try {
    try {
      await handle.writeFile(data)
      if (options.durable === true) await handle.sync()
    } finally {
      await handle.close()
    }
    faultPoint('exclusive.written')
    await link(temporary, path)
    faultPoint('exclusive.linked')
    if (options.durable === true) await syncDirectory(dirname(path))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
}

/**
 * Bytes a service without special rights can still write on the file system that holds `path`. Synchronous:
 * it takes some microseconds, and whoever must answer a peer now cannot wait for a thread.
 */
export function freeBytes(path: string): number {
  for (let at = resolve(path); ; at = dirname(at)) {
    try {
      const { bavail, bsize } = statfsSync(at)
      return bavail * bsize
    } catch (error) {
      // What is not there yet will be made on the file system of the directory above.
      if (at === dirname(at)) throw error
    }
  }
}
