import { close, fdatasync, fstatSync, openSync, statSync } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { FionaError } from '../../error/index.ts'
import { faultPoint } from '../../fault/index.ts'
import { nowIso } from '../../record/index.ts'
import {
  inside,
  makeDirectories,
  removeDeadTemporaries,
  syncDirectory,
  writeAll,
} from '../../storage/index.ts'
import { type Ended, type Known, type Refused, apply } from './entries.ts'
import {
  folderOf,
  type LedgerPaths,
  ledgerPaths,
  packLedger,
  readLedger,
  unreadable,
} from './ledger-file.ts'
import type { EndOfDelivery, Ledger, Ledgers } from './ledger.ts'
import { StudyIndex } from './study-index.ts'

const fdatasyncAsync = promisify(fdatasync)
const closeAsync = promisify(close)

/** What a ledger knows. */
export interface PastDelivery {
  /** Of the destination: `folderOf` its URL. */
  readonly folder: string
  readonly requestId: string
  readonly known: Known
}

/**
 * On disk: `<directory>/<destination>/<requestId>.ndjson`, a line for each object taken or refused, and for how the delivery
 * ended. Written at once, so that the death of the process loses nothing. A line that a failing machine left torn is
 * passed over: its object is sent again. When a delivery has ended, its lines are packed (`.ndjson.gz`) unless they are few.
 */
export class DiskLedgers implements Ledgers {
  readonly #directory: string
  readonly #studies: StudyIndex
  /** By URL of the destination. */
  readonly #folders = new Map<string, string>()
  #temporaries: Promise<string> | undefined

  constructor(directory: string) {
    this.#directory = directory
    this.#studies = new StudyIndex(inside(directory, 'studies.ndjson'))
  }

  /** To look only. */
  async known(destinationUrl: string, requestId: string): Promise<Known> {
    const { words, trouble } = await readLedger(this.#pathsOf(destinationUrl, requestId))
    return knownBy(words, trouble)
  }

  /** Something may be noted of it. */
  has(destinationUrl: string, requestId: string): boolean {
    const { lines, packed } = this.#pathsOf(destinationUrl, requestId)
    return (bytesOf(lines) ?? 0) > 0 || bytesOf(packed) !== undefined
  }

  /**
   * To look only: a request, or the requests of a study, at whatever destination. Of ledgers whose delivery has not ended
   * yet, or had ended before versions that note it, only those of a request are found.
   * @param what a requestId, or a StudyInstanceUID of the research side
   */
  async knownOf(what: string): Promise<PastDelivery[]> {
    const requests = new Set([what, ...(await this.#studies.requestsOf(what))])
    const found: PastDelivery[] = []
    for (const folder of await foldersIn(this.#directory)) {
      for (const requestId of requests) {
        const paths = ledgerPaths(this.#directory, folder, requestId)
        const { words, trouble } = await readLedger(paths)
        if (words.isEmpty && trouble === undefined) continue
        found.push({ folder, requestId, known: knownBy(words, trouble) })
      }
    }
    return found
  }

  /** @throws FionaError E_LEDGER: what was delivered is not known, and must not be guessed */
  async open(destinationUrl: string, requestId: string): Promise<Ledger> {
    const paths = this.#pathsOf(destinationUrl, requestId)
    const { words, bytes, endsWithin, trouble } = await readLedger(paths)
    if (trouble !== undefined) throw trouble
    const { delivered: entries, refused } = words
    const lines = await linesAt(paths.lines, bytes === 0, endsWithin)
    return {
      find: (name) => entries.get(name),
      add: (delivered) => {
        faultPoint('ledger.before-add')
        entries.set(delivered.name, delivered)
        refused.delete(delivered.name)
        lines.append(delivered)
        faultPoint('ledger.added')
      },
      commit: (name, committed) => {
        apply({ name, committed }, entries)
        lines.append({ name, committed })
      },
      withdraw: (name) => {
        entries.delete(name)
        lines.append({ name, withdrawn: nowIso() })
      },
      refuse: (name, error, time) => {
        const before = refused.get(name)?.refused
        if (before?.code === error.code && before.message === error.message) return
        const entry = { name, refused: troubleIn(error), time }
        refused.set(name, entry)
        lines.append(entry)
      },
      sync: () => lines.sync(),
      close: () => lines.close(),
    }
  }

  async ended(end: EndOfDelivery): Promise<void> {
    const { requestId, StudyInstanceUID } = end.record
    const paths = this.#pathsOf(end.destination.url, requestId)
    const { words, bytes, endsWithin } = await readLedger(paths)
    // Before the ledger says so: else nobody would find it.
    if (words.ended === undefined) await this.#studies.add(StudyInstanceUID, requestId)
    const lines = await linesAt(paths.lines, bytes === 0, endsWithin)
    try {
      lines.append({ ended: endOf(end) })
      await lines.sync()
    } finally {
      await lines.close()
    }
    faultPoint('ledger.ended')
    await packLedger(paths, await this.#placeForTemporaries())
  }

  #pathsOf(destinationUrl: string, requestId: string): LedgerPaths {
    let folder = this.#folders.get(destinationUrl)
    if (folder === undefined) {
      this.#folders.set(destinationUrl, (folder = folderOf(destinationUrl)))
    }
    return ledgerPaths(this.#directory, folder, requestId)
  }

  /** Not among a million ledgers, where nobody would look for what the dead have left. */
  #placeForTemporaries(): Promise<string> {
    const directory = inside(this.#directory, 'packing')
    this.#temporaries ??= makeDirectories(directory)
      .then(() => removeDeadTemporaries(directory))
      .then(() => directory)
    return this.#temporaries
  }
}

/** The end of a ledger, while it is written to. */
class LedgerLines {
  readonly #path: string
  #fd: number
  #needsSync = false
  #isClosed = false
  /** What follows a torn line begins on a line of its own; a disk that is full tears one, too. */
  #isTorn: boolean

  constructor(path: string, isTorn: boolean) {
    this.#path = path
    this.#isTorn = isTorn
    this.#fd = openSync(path, 'a', 0o640)
  }

  append(entry: object): void {
    // Its number may be another file's by now.
    if (this.#isClosed) throw new Error(`${this.#path} was closed before its last line`)
    const line = `${JSON.stringify(entry)}\n`
    this.#write(line)
    // Another process has packed it meanwhile, and removed what we write to.
    if (fstatSync(this.#fd).nlink > 0) return
    const former = this.#fd
    this.#fd = openSync(this.#path, 'a', 0o640)
    close(former)
    this.#write(line)
  }

  async sync(): Promise<void> {
    if (!this.#needsSync) return
    this.#needsSync = false
    await fdatasyncAsync(this.#fd)
    faultPoint('ledger.synced')
  }

  close(): Promise<void> {
    this.#isClosed = true
    return closeAsync(this.#fd)
  }

  #write(text: string): void {
    const line = Buffer.from(this.#isTorn ? `\n${text}` : text)
    this.#isTorn = true
    writeAll(this.#fd, line)
    this.#isTorn = false
    this.#needsSync = true
  }
}

/** A person may ask of ten thousand, and turns through the thread pool take many times as long. */
function bytesOf(path: string): number | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })?.size
  } catch {
    // Who reads it is told why.
    return Infinity
  }
}

/** @throws FionaError E_LEDGER when it is not for us to write */
async function linesAt(path: string, isNew: boolean, isTorn: boolean): Promise<LedgerLines> {
  try {
    if (isNew) await create(path)
    return new LedgerLines(path, isTorn)
  } catch (error) {
    throw unreadable(path, error)
  }
}

function knownBy({ delivered, refused, ended }: Known, trouble: FionaError | undefined): Known {
  return { delivered, refused, ended, trouble }
}

async function create(path: string): Promise<void> {
  await makeDirectories(dirname(path))
  await (await open(path, 'a', 0o640)).close()
  faultPoint('ledger.made')
  await syncDirectory(dirname(path))
}

/** Of destinations: `folderOf` names them. */
async function foldersIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  })
  const isFolder = /-[0-9a-f]{12}$/
  return entries.flatMap((one) => (one.isDirectory() && isFolder.test(one.name) ? [one.name] : []))
}

function endOf({ destination, record, transfer, error }: EndOfDelivery): Ended {
  const { project, participant, StudyInstanceUID, revision, requestId, excluded } = record
  const { time = nowIso(), status, instances, attempts, verified, committed } = transfer
  return {
    time,
    destination: destination.name,
    url: destination.url,
    requestId,
    ...(project === undefined ? {} : { project }),
    participant,
    StudyInstanceUID,
    revision,
    status,
    instances,
    attempts,
    verify: destination.verify,
    verified,
    committed,
    ...(excluded === undefined ? {} : { excluded }),
    ...(error === undefined ? {} : { error: troubleIn(error) }),
  }
}

/** As it is written: of an error its words alone. */
function troubleIn({ code, message, hint }: Refused['refused']): NonNullable<Ended['error']> {
  return { code, message, ...(hint === undefined ? {} : { hint }) }
}
