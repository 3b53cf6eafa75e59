import { createReadStream, readSync } from 'node:fs'
import { pipeline } from 'node:stream'
import { crc32, createInflateRaw, inflateRawSync } from 'node:zlib'
import { fromRandomAccessReaderPromise, getFileNameLowLevel, type Entry, type ZipFile } from 'yauzl'
import { bomb, type Allowance } from './allowance.ts'
import { escapes, hostileName, notARegularFile, refused, type Member } from './member.ts'
import { damaged, packageTrouble } from './trouble.ts'
import { WindowReader } from './window-reader.ts'

const stored = 0
const deflated = 8
const chunkBytes = 1 << 18
/** Of the package and of what comes out: up to here streams cost several times what the bytes do. */
const smallBytes = { packed: 1 << 17, unpacked: 1 << 20 }
/** A local file header without its name and extra field (APPNOTE 4.3.7). */
const leastHeaderBytes = 30

/**
 * By its central directory, which is read twice: first to see whether anything of the package is to be
 * touched at all. Where sizes stand, before the data or behind it, is all the same then.
 */
export async function* readZip(
  fd: number,
  size: number,
  allowance: Allowance,
): AsyncGenerator<Member, void, undefined> {
  await checkDirectory(fd, size, allowance)
  const zip = await open(fd, size)
  for await (const entry of entriesOf(zip)) {
    const name = nameOf(entry)
    if (name.endsWith('/')) continue
    const trouble = troubleOf(entry, name)
    yield trouble === undefined
      ? { name, content: () => contentOf(fd, zip, entry, allowance) }
      : refused(name, trouble)
  }
}

/**
 * Nothing is imported from a package that is encrypted, or whose members lie over each other: that is how one
 * kernel of data is made to come out a thousand times.
 */
async function checkDirectory(fd: number, size: number, allowance: Allowance): Promise<void> {
  const zip = await open(fd, size)
  let places = new Float64Array(1024)
  let count = 0
  for await (const entry of entriesOf(zip)) {
    allowance.countMember()
    if (entry.isEncrypted()) throw encrypted()
    if (2 * count + 2 > places.length) places = grown(places)
    places[2 * count] = entry.relativeOffsetOfLocalHeader
    places[2 * count + 1] = entry.compressedSize
    count++
  }
  if (haveOverlap(places.subarray(0, 2 * count))) throw bomb('its members lie over each other')
}

/** @param places offset and length of each */
function haveOverlap(places: Float64Array): boolean {
  const order = new Uint32Array(places.length / 2).map((_, index) => index)
  const offsetOf = (index: number): number => places[2 * index] ?? 0
  order.sort((a, b) => offsetOf(a) - offsetOf(b))
  let end = 0
  for (const index of order) {
    if (offsetOf(index) < end) return true
    end = offsetOf(index) + leastHeaderBytes + (places[2 * index + 1] ?? 0)
  }
  return false
}

function grown(places: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * places.length)
  larger.set(places)
  return larger
}

async function open(fd: number, size: number): Promise<ZipFile> {
  // Names are bytes until we have looked at them: the library's own check would end at the first bad one.
  const options = { autoClose: false, decodeStrings: false }
  try {
    return await fromRandomAccessReaderPromise(new WindowReader(fd, size), size, options)
  } catch (error) {
    throw explained(error)
  }
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry, void, undefined> {
  try {
    yield* zip.eachEntry()
  } catch (error) {
    throw explained(error)
  }
}

function nameOf(entry: Entry): string {
  const { generalPurposeBitFlag, fileNameRaw, extraFields } = entry
  return getFileNameLowLevel(generalPurposeBitFlag, fileNameRaw, extraFields, true)
}

function troubleOf(entry: Entry, name: string): Error | undefined {
  if (escapes(name)) return hostileName()
  const kind = unixKind(entry)
  if (kind !== undefined) return notARegularFile(kind)
  const { compressionMethod } = entry
  if (compressionMethod !== stored && compressionMethod !== deflated) {
    return packageTrouble(
      'E_PACKAGE_UNSUPPORTED',
      `it is compressed by method ${String(compressionMethod)}`,
      'pack it again with deflate, as every zip program can',
    )
  }
  return undefined
}

/** Where the package was made on Unix, the upper half of the attributes is st_mode (APPNOTE 4.4.15). */
function unixKind({ versionMadeBy, externalFileAttributes }: Entry): string | undefined {
  const madeOn = versionMadeBy >>> 8
  const [unix, macOS] = [3, 19]
  if (madeOn !== unix && madeOn !== macOS) return undefined
  const kind = (externalFileAttributes >>> 16) & 0o170000
  if (kind === 0o120000) return 'a symbolic link'
  return kind === 0 || kind === 0o100000 ? undefined : 'a device, pipe or socket'
}

async function* contentOf(
  fd: number,
  zip: ZipFile,
  entry: Entry,
  allowance: Allowance,
): AsyncGenerator<Buffer, void, undefined> {
  let size = 0
  let crc = 0
  try {
    for await (const chunk of await inflated(fd, zip, entry)) {
      size += chunk.length
      if (size > entry.uncompressedSize) throw damaged('it is larger than the package says')
      allowance.countBytes(chunk.length)
      crc = crc32(chunk, crc)
      yield chunk
    }
  } catch (error) {
    throw explained(error)
  }
  if (size < entry.uncompressedSize) throw damaged('it is smaller than the package says')
  if (crc !== entry.crc32) throw damaged('its checksum (CRC-32) is wrong')
}

async function inflated(fd: number, zip: ZipFile, entry: Entry): Promise<AsyncIterable<Buffer>> {
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true })
  const { compressedSize, uncompressedSize } = entry
  if (compressedSize <= smallBytes.packed && uncompressedSize <= smallBytes.unpacked) {
    return oneChunk(inflatedAtOnce(fd, fileDataStart, entry))
  }
  const bytes = createReadStream('', {
    fd,
    autoClose: false,
    start: fileDataStart,
    end: fileDataStart + entry.compressedSize - 1,
    highWaterMark: chunkBytes,
  })
  if (entry.compressionMethod === stored) return bytes
  const inflate = createInflateRaw({ chunkSize: chunkBytes })
  // What goes wrong on the way comes up where the output is read.
  return pipeline(bytes, inflate, () => undefined)
}

function inflatedAtOnce(fd: number, start: number, entry: Entry): Buffer {
  const { compressedSize, uncompressedSize, compressionMethod } = entry
  const packed = Buffer.allocUnsafe(compressedSize)
  for (let done = 0; done < compressedSize;) {
    const count = readSync(fd, packed, done, compressedSize - done, start + done)
    if (count === 0) throw damaged('the package became shorter while it was read')
    done += count
  }
  if (compressionMethod === stored) return packed
  try {
    return inflateRawSync(packed, { maxOutputLength: uncompressedSize + 1 })
  } catch (error) {
    throw error instanceof RangeError ? damaged('it is larger than the package says') : error
  }
}

async function* oneChunk(chunk: Buffer): AsyncGenerator<Buffer> {
  if (chunk.length > 0) yield chunk
}

function encrypted(): Error {
  return packageTrouble(
    'E_PACKAGE_ENCRYPTED',
    'it is encrypted; nothing of it was imported',
    'decrypt it first (7z x FILE), and import the folder',
  )
}

/** The library's errors are plain ones, and mostly say that the bytes make no sense. */
function explained(error: unknown): unknown {
  if (!(error instanceof Error) || ('code' in error && !/^Z_/.test(String(error.code))))
    return error
  if (error.message.includes('strong encryption')) return encrypted()
  const isSplit = error.message.startsWith('multi-disk')
  const hint = 'put its parts together first (zip -s 0 FILE --out WHOLE.zip)'
  if (isSplit) return packageTrouble('E_PACKAGE_UNSUPPORTED', 'it is one part of several', hint)
  const [sentence = ''] = error.message.split(/[.:]/)
  return damaged(`it is damaged or cut off (${sentence.slice(0, 80)})`)
}
