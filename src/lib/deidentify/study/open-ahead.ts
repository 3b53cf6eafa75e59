import { closeSync, constants, fstatSync, openSync, read } from 'node:fs'
import { promisify } from 'node:util'
import { DicomFile } from '../../dicom/index.ts'

const readAsync = promisify(read)

/** A larger one is read piece by piece, when its pieces are needed. */
const largestWhole = 2 << 20
const mostAhead = 3

interface Opened<Source> {
  readonly source: Source
  /** For the time until the next one is asked for. @throws what DicomFile.open throws */
  readonly open: () => DicomFile
}

/**
 * Objects one after the other, small ones from memory: while one is worked on, the thread pool reads the next ones,
 * which a receiver may have written past the kernel's cache. What cannot be read so is opened by its path when its
 * turn comes, and that says what is wrong with it.
 * @param idle memory that nobody uses, for those who do this time and again
 */
export async function* openAhead<Source extends { readonly path: string }>(
  sources: readonly Source[],
  idle: Buffer[] = [],
): AsyncGenerator<Opened<Source>, void, undefined> {
  const ahead: Promise<Buffer | undefined>[] = []
  let next = 0
  try {
    for (const source of sources) {
      while (next < sources.length && ahead.length < mostAhead) {
        ahead.push(readWhole((sources[next++] as Source).path, idle))
      }
      const bytes = await ahead.shift()
      yield {
        source,
        open: () =>
          bytes === undefined ? DicomFile.open(source.path) : DicomFile.fromBuffer(bytes),
      }
      if (bytes !== undefined) idle.push(Buffer.from(bytes.buffer))
    }
  } finally {
    // Nobody closes their files otherwise.
    await Promise.all(ahead)
  }
}

/** Only the bytes may have to be waited for: a way through the thread pool takes longer than to open a file. */
async function readWhole(path: string, idle: Buffer[]): Promise<Buffer | undefined> {
  let fd: number | undefined
  try {
    // O_NONBLOCK: opening a FIFO that nobody writes to must not hang; it means nothing for files.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stat = fstatSync(fd)
    if (!stat.isFile() || stat.size > largestWhole) return undefined
    const memory = idle.pop() ?? Buffer.allocUnsafeSlow(largestWhole)
    let size = 0
    for (let count = -1; count !== 0 && size < stat.size; size += count) {
      count = (await readAsync(fd, memory, size, stat.size - size, size)).bytesRead
    }
    return memory.subarray(0, size)
  } catch {
    return undefined
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
