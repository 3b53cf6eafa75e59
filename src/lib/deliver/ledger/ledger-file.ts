import { hash } from 'node:crypto'
import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, rmSync } from 'node:fs'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { ExitCode, FionaError } from '../../error/index.ts'
import { faultPoint } from '../../fault/index.ts'
import { bytesIfThere, inside, safeComponent, writeFileAtomic } from '../../storage/index.ts'
import { LastWords } from './entries.ts'

const zip = promisify(gzip)
const unzip = promisify(gunzip)
const newline = 0x0a

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
}

/**
 * Also while another process packs it: what is packed is read behind the lines, so that what is gone from one is in the
 * other.
 * @throws FionaError E_STATE_FORMAT when what was packed is damaged
 */
export async function readLedger({ lines, packed }: LedgerPaths): Promise<ReadLedger> {
  const words = new LastWords()
  const content = await bytesIfThere(lines)
  const before = await bytesIfThere(packed)
  if (before !== undefined) words.read(await unpacked(before, packed))
  if (content !== undefined) words.read(content.toString())
  const bytes = content?.length ?? 0
  return { words, bytes, endsWithin: bytes > 0 && content?.at(-1) !== newline }
}

/**
 * Packs a ledger: the last words are written anew, whole, and only then the lines are removed. Killed in between, both are there
 * and say the same. Who writes to it meanwhile sees that the lines have no name any more, and writes again.
 * @param temporaries a directory on the same disk for what is not whole yet
 */
export async function packLedger(paths: LedgerPaths, temporaries: string): Promise<void> {
  const { words, bytes } = await readLedger(paths)
  if (bytes <= mostUnpacked) return
  const text = [...words.lines()].join('')
  await writeFileAtomic(paths.packed, await zip(text), { temporaries })
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

async function unpacked(content: Buffer, path: string): Promise<string> {
  try {
    return (await unzip(content)).toString()
  } catch (error) {
    throw new FionaError('E_STATE_FORMAT', `${path} is damaged`, {
      hint: 'remove it: what it says was delivered is sent again, which does no harm',
      exitCode: ExitCode.badInput,
      cause: error,
    })
  }
}
