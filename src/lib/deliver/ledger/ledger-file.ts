import { hash } from 'node:crypto'
import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { createGunzip, createGzip } from 'node:zlib'
import { ExitCode, FionaError, troubleOfSurroundings } from '../../error/index.ts'
import { faultPoint } from '../../fault/index.ts'
import { inside, safeComponent, writeFileAtomic } from '../../storage/index.ts'
import { LastWords } from './entries.ts'

const newline = 0x0a
/** Read and packed at once. */
const pieceBytes = 1 << 20

/** What takes up no less room when it is packed: a block of the disk. */
const mostUnpacked = 4096

/** Of one request at one destination: what is written to, and what was packed when a delivery had ended. */
export interface LedgerPaths {
  /** NDJSON, a line for each thing that happened. */
  readonly lines: string
  /** The same lines, the last word about each object alone, gzip. What stands in `lines` came later. */
  readonly packed: string
}

/** A person can read it, and two destinations never share it. */
export function folderOf(url: string): string {
  return `${safeComponent(url.slice(0, 60))}-${hash('sha256', url).slice(0, 12)}`
}

/** @param folder one of `folderOf`, below the directory of ledgers */
export function ledgerPaths(directory: string, folder: string, requestId: string): LedgerPaths {
  const path = inside(directory, folder, `${safeComponent(requestId)}.ndjson`)
  return { lines: path, packed: `${path}.gz` }
}

export interface ReadLedger {
  readonly words: LastWords
  /** How much of `lines` was read. */
  readonly bytes: number
  /** The last line of `lines` is torn. */
  readonly endsWithin: boolean
  /** E_LEDGER: one of the two cannot be read, and nothing of it is in `words`. */
  readonly trouble: FionaError | undefined
}

/**
 * Also while another process packs it: what is packed is opened behind the lines, so that what is gone from one is in the
 * other.
 */
export async function readLedger({ lines, packed }: LedgerPaths): Promise<ReadLedger> {
  const opened: FileHandle[] = []
  const chunksOf = async (path: string): Promise<Readable | undefined> => {
    const file = await open(path, 'r').catch(unlessAbsent)
    if (file === undefined) return undefined
    opened.push(file)
    return file.createReadStream({ autoClose: false, highWaterMark: pieceBytes })
  }
  let words = new LastWords()
  let trouble: FionaError | undefined
  let content: Readable | undefined
  let read = { bytes: 0, endsWithin: false }
  try {
    try {
      content = await chunksOf(lines)
    } catch (error) {
      trouble = unreadable(lines, error)
    }
    try {
      const before = await chunksOf(packed)
      if (before !== undefined) await readInto(words, unzipped(before))
    } catch (error) {
      words = new LastWords()
      trouble = unreadable(packed, error)
    }
    try {
      if (content !== undefined) read = await readInto(words, content)
    } catch (error) {
      trouble = unreadable(lines, error)
    }
  } finally {
    for (const file of opened) await file.close()
  }
  return { words, ...read, trouble }
}

async function* unzipped(packed: Readable): AsyncGenerator<Buffer, void, undefined> {
  const unzip = createGunzip({ chunkSize: pieceBytes })
  packed.on('error', (error) => unzip.destroy(error))
  yield* packed.pipe(unzip) as AsyncIterable<Buffer>
}

async function readInto(
  words: LastWords,
  chunks: AsyncIterable<Buffer>,
): Promise<Pick<ReadLedger, 'bytes' | 'endsWithin'>> {
  let begun: Buffer = Buffer.alloc(0)
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    const end = chunk.lastIndexOf(newline) + 1
    const whole = chunk.subarray(0, end)
    if (end > 0) words.read(Buffer.concat([begun, whole]).toString())
    const rest = chunk.subarray(end)
    begun = end > 0 ? Buffer.from(rest) : Buffer.concat([begun, rest])
  }
  words.read(begun.toString())
  return { bytes, endsWithin: begun.length > 0 }
}

/**
 * Packs a ledger: the last words are written anew, whole, and only then the lines are removed. Killed in between, both are there
 * and say the same. Who writes to it meanwhile sees that the lines have no name any more, and writes again. What cannot be read stays as it is.
 * @param temporaries a directory on the same disk for what is not whole yet
 */
export async function packLedger(paths: LedgerPaths, temporaries: string): Promise<void> {
  const { words, bytes, trouble } = await readLedger(paths)
  if (bytes <= mostUnpacked || trouble !== undefined) return
  const packed: Buffer[] = []
  for await (const chunk of Readable.from(piecesOf(words)).pipe(createGzip())) {
    packed.push(chunk as Buffer)
  }
  await writeFileAtomic(paths.packed, packed, { temporaries })
  faultPoint('ledger.packed')
  const fd = openSync(paths.lines, 'r')
  try {
    // Whoever came with news while that was written keeps them: they are packed the next time.
    if (fstatSync(fd).size !== bytes) return
    rmSync(paths.lines)
    faultPoint('ledger.lines-removed')
    const late = readFileSync(fd).subarray(bytes)
    if (late.length > 0) appendFileSync(paths.lines, late)
  } finally {
    closeSync(fd)
  }
}

function* piecesOf(words: LastWords): Generator<Buffer, void, undefined> {
  let text = ''
  for (const line of words.lines()) {
    text += line
    if (text.length < pieceBytes) continue
    yield Buffer.from(text)
    text = ''
  }
  yield Buffer.from(text)
}

function unlessAbsent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

/** Damaged, or not for us to read or write. @throws what befalls all of the machine */
export function unreadable(path: string, error: unknown): FionaError {
  const { code = '' } = error as NodeJS.ErrnoException
  if (!(error instanceof Error) || code === '' || troubleOfSurroundings(error) !== undefined) {
    throw error
  }
  const isDamaged = code.startsWith('Z_')
  const what = isDamaged ? 'is damaged' : `cannot be read and written (${code})`
  const hint = isDamaged
    ? 'bring it back from a backup; or move it away: all that it says was delivered is sent again then, which destinations take without harm'
    : 'does it belong to another user? fiona-send runs as one user, also by hand'
  return new FionaError('E_LEDGER', `nothing is sent, as the ledger ${path} ${what}`, {
    hint,
    exitCode: ExitCode.io,
    cause: error,
  })
}
