import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Parser, type ReadEntry } from 'tar'
import type { Allowance } from './allowance.ts'
import { escapes, hostileName, notARegularFile, refused, type Member } from './member.ts'
import { beginsLikeTar } from './signatures.ts'
import { damaged, packageTrouble } from './trouble.ts'

const chunkBytes = 1 << 18
/** One header (pax(1)). */
const headerBytes = 512
const noBytes = Buffer.alloc(0)

const files: ReadonlySet<string> = new Set(['File', 'OldFile', 'ContiguousFile'])
const folders: ReadonlySet<string> = new Set(['Directory', 'GNUDumpDir'])
const special: Readonly<Record<string, string>> = {
  Link: 'a hard link',
  SymbolicLink: 'a symbolic link',
  CharacterDevice: 'a device',
  BlockDevice: 'a device',
  FIFO: 'a named pipe',
}

/** A tar file has no directory: its members are known when they come, and its damage when it is reached. */
export async function* readTar(
  fd: number,
  isGzip: boolean,
  allowance: Allowance,
): AsyncGenerator<Member, void, undefined> {
  const entries = new TarEntries(bytesOf(fd, isGzip), allowance)
  try {
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
      const member = memberOf(entry, entries)
      if (member !== undefined) yield member
      await passOver(entry)
    }
  } finally {
    await entries.close()
  }
}

async function* bytesOf(fd: number, isGzip: boolean): AsyncGenerator<Buffer, void, undefined> {
  const bytes = createReadStream('', { fd, autoClose: false, start: 0, highWaterMark: chunkBytes })
  // What goes wrong on the way comes up where the output is read.
  const plain: AsyncIterable<Buffer> = isGzip
    ? pipeline(bytes, createGunzip({ chunkSize: chunkBytes }), () => undefined)
    : bytes
  let head: Buffer | undefined = noBytes
  for await (const chunk of plain) {
    if (head === undefined) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < headerBytes) continue
    // Also because the library would inflate once more what is gzip in gzip, and nobody would count that.
    if (!beginsLikeTar(head)) throw noTar()
    yield head
    head = undefined
  }
  if (head !== undefined) throw noTar()
}

function memberOf(entry: ReadEntry, entries: TarEntries): Member | undefined {
  const { path: name, type } = entry
  if (folders.has(type)) return undefined
  if (escapes(name)) return refused(name, hostileName())
  if (files.has(type)) return { name, content: () => contentOf(entry, entries) }
  const what = special[type]
  return refused(name, what === undefined ? unsupported(type) : notARegularFile(what))
}

async function* contentOf(
  entry: ReadEntry,
  entries: TarEntries,
): AsyncGenerator<Buffer, void, undefined> {
  let size = 0
  for await (const chunk of entry) {
    size += chunk.length
    yield chunk
  }
  if (size < entry.size) throw entries.trouble ?? damaged('the package ends within it')
}

/** What nobody has read of it. */
async function passOver(entry: ReadEntry): Promise<void> {
  entry.resume()
  await entry.promise()
}

/** The library's parser pushes; here its entries are asked for, one at a time. */
class TarEntries {
  readonly #parser = new Parser()
  readonly #allowance: Allowance
  readonly #entries: ReadEntry[] = []
  readonly #feeding: Promise<void>
  #hasEnd = false
  #isOver = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined
  #goOn: (() => void) | undefined

  constructor(bytes: AsyncIterable<Buffer>, allowance: Allowance) {
    this.#allowance = allowance
    const parser = this.#parser
    parser.on('entry', (entry: ReadEntry) => this.#add(entry))
    // Of a type that the library throws away: that must not go unsaid.
    parser.on('ignoredEntry', (entry: ReadEntry) => {
      if (entry.meta) this.#fail(damaged('a header is longer than any name'))
      else this.#add(entry)
    })
    parser.on('warn', (_code: string, message: string) => this.#fail(senseless(message)))
    parser.on('error', (error: unknown) => this.#fail(error))
    // Two blocks of zeros (pax(1)): without them it was cut off, be it between two members.
    parser.on('eof', () => (this.#hasEnd = true))
    parser.on('end', () => {
      if (!this.#hasEnd) this.#fail(damaged('its end is missing'))
      this.#isOver = true
      this.#wake?.()
    })
    parser.on('drain', () => this.#goOn?.())
    this.#feeding = this.#feed(bytes)
  }

  /**
   * The next entry, to be read to its end before the one after it is asked for; undefined at the end.
   * @throws what is wrong with the package, behind the entries before it
   */
  async next(): Promise<ReadEntry | undefined> {
    for (;;) {
      const entry = this.#entries.shift()
      if (entry !== undefined) {
        this.#allowance.countMember()
        return entry
      }
      if (this.#failure !== undefined) throw this.#failure.error
      if (this.#isOver) return undefined
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Why there is no more, where that is not for its end. */
  get trouble(): Error | undefined {
    const error = this.#failure?.error
    return error instanceof Error ? error : undefined
  }

  /** Nothing more is read when it resolves. */
  async close(): Promise<void> {
    this.#fail(new Error('closed'))
    await this.#feeding
  }

  async #feed(bytes: AsyncIterable<Buffer>): Promise<void> {
    try {
      for await (const chunk of bytes) {
        // Behind the end is padding, of whatever length, which the library would keep.
        if (this.#failure !== undefined || this.#hasEnd) break
        this.#allowance.countBytes(chunk.length)
        if (this.#parser.write(chunk)) continue
        await new Promise<void>((resolve) => (this.#goOn = resolve))
      }
    } catch (error) {
      this.#fail(explained(error))
    }
    // So that whoever reads the last entry comes to its end, though it be too early.
    this.#parser.end()
  }

  #add(entry: ReadEntry): void {
    this.#entries.push(entry)
    this.#wake?.()
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake?.()
    this.#goOn?.()
  }
}

/** What the library says of a header, or of the end. */
function senseless(message: string): Error {
  const isCut = message.startsWith('Truncated')
  return damaged(isCut ? 'it is cut off' : `a header makes no sense (${message.slice(0, 80)})`)
}

function noTar(): Error {
  return packageTrouble(
    'E_PACKAGE_UNSUPPORTED',
    'what is compressed in it is no tar file',
    'decompress it by hand (gzip -dk FILE) and import what comes out',
  )
}

function unsupported(type: string): Error {
  return packageTrouble(
    'E_PACKAGE_UNSUPPORTED',
    `it holds something of type ${type}`,
    'pack it again with tar --format=posix and without --sparse',
  )
}

function explained(error: unknown): unknown {
  const isZlib = error instanceof Error && 'code' in error && /^Z_/.test(String(error.code))
  return isZlib ? damaged(`it does not decompress (${error.message})`) : error
}
