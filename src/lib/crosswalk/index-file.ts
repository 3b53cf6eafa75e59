import { type FileHandle, chown } from 'node:fs/promises'
import { hash, randomUUID } from 'node:crypto'
import { writeFileAtomic } from '../storage/index.ts'
import { openPrivate } from './crosswalk-file.ts'
import { IndexRecords, offsetsIn, pageOf, recordBytes } from './index-records.ts'
import { type Seal, sealBytes } from './seal.ts'

const magic = Buffer.from('FIONAXW1')
const mostHeader = 1 << 24
/** Of the end of the part that is indexed: another file, or a part cut off and written anew, ends otherwise. */
const endBytes = 512

export function indexPath(crosswalk: string): string {
  return `${crosswalk}.index`
}

interface Header {
  readonly v: 1
  /** Different for each index that was ever written: no page of one is taken for a page of another. */
  readonly made: string
  /** Up to here the crosswalk is in it. */
  readonly end: number
  /** Digest of what stands before `end`. */
  readonly before: string
  /** How many different links, and bytes of each page. */
  readonly links: number
  readonly pages: readonly number[]
}

/**
 * Where in a crosswalk a line begins, by what may be asked for it. A cache: sealed page by page with the crosswalk's key,
 * made anew from the crosswalk whenever it does not belong to it. What is asked for is known by keyed tokens, so no
 * value stands in it, and without the key not even how often one comes.
 */
export class IndexFile {
  readonly #handle: FileHandle
  readonly #seal: Seal
  readonly #header: Header
  /** Where each page begins. */
  readonly #starts: readonly number[]

  private constructor(handle: FileHandle, seal: Seal, header: Header, start: number) {
    this.#handle = handle
    this.#seal = seal
    this.#header = header
    let at = start
    this.#starts = header.pages.map((size) => {
      const begin = at
      at += size + sealBytes
      return begin
    })
  }

  /** @returns undefined when there is none, or none of this crosswalk and key */
  static async open(
    path: string,
    seal: Seal,
    crosswalk: FileHandle,
  ): Promise<IndexFile | undefined> {
    const handle = await openPrivate(path, 'read').catch(() => undefined)
    if (handle === undefined) return undefined
    const read = await readHeader(handle, seal)
    if (
      read === undefined ||
      read.header.before !== (await digestBefore(crosswalk, read.header.end))
    ) {
      await handle.close()
      return undefined
    }
    return new IndexFile(handle, seal, read.header, read.end)
  }

  get end(): number {
    return this.#header.end
  }

  get links(): number {
    return this.#header.links
  }

  /** @returns undefined when the index is damaged */
  async offsetsOf(token: Buffer): Promise<number[] | undefined> {
    const page = await this.#page(pageOf(token, 0, Math.log2(this.#starts.length)))
    return page && offsetsIn(page, token)
  }

  /** @returns undefined when the index is damaged */
  async records(): Promise<IndexRecords | undefined> {
    const pages: Buffer[] = []
    for (const number of this.#starts.keys()) {
      const page = await this.#page(number)
      if (page === undefined) return undefined
      pages.push(page)
    }
    return new IndexRecords(Buffer.concat(pages))
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async #page(number: number): Promise<Buffer | undefined> {
    const [start = 0, size = 0] = [this.#starts[number], this.#header.pages[number]]
    const sealed = await readWhole(this.#handle, start, size + sealBytes)
    return sealed && this.#seal.openIndex(aboutPage(this.#header.made, number), sealed)
  }
}

/** @param end up to here the crosswalk is in `records` */
export async function writeIndex(
  path: string,
  seal: Seal,
  crosswalk: FileHandle,
  { end, links, records }: { end: number; links: number; records: IndexRecords },
): Promise<void> {
  const before = await digestBefore(crosswalk, end)
  if (before === undefined) return
  const pages = records.pages()
  const made = randomUUID()
  const header: Header = {
    v: 1,
    made,
    end,
    before,
    links,
    pages: pages.map(({ length }) => length),
  }
  const sealed = seal.sealIndex('header', Buffer.from(JSON.stringify(header)))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(sealed.length)
  const parts = function* () {
    yield Buffer.concat([magic, length, sealed])
    for (const [number, page] of pages.entries())
      yield seal.sealIndex(aboutPage(made, number), page)
  }
  // It can be made again: nobody has to wait until it is on stable storage.
  await writeFileAtomic(path, parts(), { mode: 0o600, durable: false })
  // Made by root, it would be closed to the user of the service.
  const { uid, gid } = await crosswalk.stat()
  if (process.getuid?.() === 0) await chown(path, uid, gid)
}

function aboutPage(made: string, number: number): string {
  return `page ${String(number)} of ${made}`
}

async function readHeader(
  handle: FileHandle,
  seal: Seal,
): Promise<{ header: Header; end: number } | undefined> {
  const start = magic.length + 4
  const first = await readWhole(handle, 0, start)
  if (first === undefined || !first.subarray(0, magic.length).equals(magic)) return undefined
  const length = first.readUInt32BE(magic.length)
  if (length > mostHeader) return undefined
  const sealed = await readWhole(handle, start, length)
  const text = sealed && seal.openIndex('header', sealed)
  if (text === undefined) return undefined
  // Whoever has the key wrote it.
  const header = JSON.parse(text.toString('utf8')) as Header
  return header.pages.every((size) => size % recordBytes === 0)
    ? { header, end: start + length }
    : undefined
}

async function digestBefore(handle: FileHandle, end: number): Promise<string | undefined> {
  const start = Math.max(0, end - endBytes)
  const bytes = await readWhole(handle, start, end - start)
  return bytes && hash('sha256', bytes)
}

async function readWhole(
  handle: FileHandle,
  start: number,
  length: number,
): Promise<Buffer | undefined> {
  const bytes = Buffer.allocUnsafe(length)
  let read = 0
  while (read < length) {
    const { bytesRead } = await handle.read(bytes, read, length - read, start + read)
    if (bytesRead === 0) return undefined
    read += bytesRead
  }
  return bytes
}
