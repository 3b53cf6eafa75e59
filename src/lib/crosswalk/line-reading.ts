import type { FileHandle } from 'node:fs/promises'

const usualChunk = 1 << 20
const newline = 0x0a
const usualLine = 1024
const longestLine = 1 << 25

/** Some whole lines of a file, where each begins, and where the last of them ends. */
export interface Lines {
  readonly texts: readonly string[]
  readonly starts: readonly number[]
  readonly end: number
}

/**
 * Whole lines of a file from a position on. What has no end yet is left. Many at a time: to wait for each of millions
 * would take longer than to read them.
 */
export async function* linesFrom(
  handle: FileHandle,
  from: number,
  chunkBytes = usualChunk,
): AsyncGenerator<Lines, void, undefined> {
  const chunk = Buffer.allocUnsafe(chunkBytes)
  let rest: Buffer = Buffer.alloc(0)
  let end = from
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes, end + rest.length)
    if (bytesRead === 0) return
    const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)])
    const whole = bytes.lastIndexOf(newline) + 1
    rest = bytes.subarray(whole)
    if (whole === 0) continue
    const starts = [end]
    for (let at = bytes.indexOf(newline) + 1; at < whole; at = bytes.indexOf(newline, at) + 1) {
      starts.push(end + at)
    }
    end += whole
    yield { texts: bytes.toString('utf8', 0, whole - 1).split('\n'), starts, end }
  }
}

/** The line that begins there; undefined where none ends behind it. */
export async function lineAt(handle: FileHandle, start: number): Promise<string | undefined> {
  for (let length = usualLine; length <= longestLine; length *= 8) {
    const bytes = Buffer.allocUnsafe(length)
    const { bytesRead } = await handle.read(bytes, 0, length, start)
    const end = bytes.subarray(0, bytesRead).indexOf(newline)
    if (end >= 0) return bytes.toString('utf8', 0, end)
    if (bytesRead < length) return undefined
  }
  return undefined
}
