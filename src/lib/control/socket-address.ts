import { open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'

/** sun_path of unix(7) has 108 bytes, with the last one zero. */
const longestPath = 107

/** The address of a Unix socket; one that lies too deep is reached through its open directory. */
export async function socketAddress(path: string): Promise<AsyncDisposable & { path: string }> {
  if (Buffer.byteLength(path) <= longestPath) {
    return { path, [Symbol.asyncDispose]: async () => undefined }
  }
  const directory = await open(dirname(path), 'r')
  return {
    path: `/proc/self/fd/${String(directory.fd)}/${basename(path)}`,
    [Symbol.asyncDispose]: () => directory.close(),
  }
}
