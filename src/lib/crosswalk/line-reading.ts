import type { FileHandle } from 'node:fs/promises'

const chunkBytes = 1 << 20
const newline = 0x0a

/** Some whole lines of a file, and where the last of them ends. */
export interface Lines {
  readonly texts: readonly string[]
  readonly end: number
}

/**
 * Whole lines of a file from a position on. What has no end yet is left. Many at a time: to wait for each of millions
 * would take longer than to read them.
 */
export async function* linesFrom(
  handle: FileHandle,
  from: number,
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
    end += whole
    yield { texts: bytes.toString('utf8', 0, whole - 1).split('\n'), end }
  }
}
