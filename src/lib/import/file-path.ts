import { isUtf8 } from 'node:buffer'

/** A path as the kernel has it. Names are bytes: one that is not UTF-8 is kept as a Buffer. */
export type FilePath = string | Buffer

/** Text where the bytes are UTF-8, which is nearly always. */
export function filePath(bytes: Buffer): FilePath {
  return isUtf8(bytes) ? bytes.toString() : bytes
}

export function joinPath(folder: FilePath, name: FilePath): FilePath {
  if (typeof folder === 'string' && typeof name === 'string') {
    return folder === '/' ? `/${name}` : `${folder}/${name}`
  }
  return Buffer.concat([Buffer.from(folder), Buffer.from('/'), Buffer.from(name)])
}

/** For people: what is not UTF-8 shows as U+FFFD. */
export function shownPath(path: FilePath): string {
  return typeof path === 'string' ? path : path.toString()
}
