import { hash } from 'node:crypto'
import { close, fdatasync, openSync, writeSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { FionaError } from '../error/index.ts'
import { faultPoint } from '../fault/index.ts'
import { nowIso } from '../record/index.ts'
import { inside, makeDirectories, safeComponent, syncDirectory } from '../storage/index.ts'
import type { StudyFile } from './list-objects.ts'

/** One object that a destination has. */
export interface Delivered {
  /** Below the study's directory. */
  readonly name: string
  /** Absent in ledgers of earlier versions. */
  readonly SOPClassUID?: string
  readonly SOPInstanceUID: string
  readonly size: number
  readonly mtimeMs: number
  /** Of the file. */
  readonly sha256: string
  readonly time: string
  /** When the destination took responsibility for it (PS3.4 J). */
  readonly committed?: string
}

interface Committed {
  readonly name: string
  readonly committed: string
}

interface Withdrawn {
  readonly name: string
  readonly withdrawn: string
}

/** An object that was not taken, by the peer or by us. */
export interface Refused {
  readonly name: string
  readonly refused: { readonly code: string; readonly message: string }
  readonly time: string
}

/** What is known of one request at one destination. */
export interface Known {
  readonly delivered: ReadonlyMap<string, Delivered>
  readonly refused: ReadonlyMap<string, Refused>
}

/** What one destination has of one request. */
export interface Ledger {
  /** The last delivery of the file of that name. */
  find(name: string): Delivered | undefined
  /** Survives the death of the process when this returns; that of the machine after `sync`. */
  add(delivered: Delivered): void
  /** The destination has taken responsibility for what was delivered last. */
  commit(name: string, time: string): void
  /** The destination turned out not to have it. */
  withdraw(name: string): void
  /** It was not taken; written when that is something else than the last time. */
  refuse(name: string, error: Pick<FionaError, 'code' | 'message'>, time: string): void
  sync(): Promise<void>
  close(): Promise<void>
}

/** Where ledgers are kept. */
export interface Ledgers {
  open(destinationUrl: string, requestId: string): Promise<Ledger>
}

/** The very file that was delivered, as far as can be told without reading it. */
export function isUntouched(file: StudyFile, delivered: Delivered | undefined): boolean {
  return delivered?.size === file.size && delivered.mtimeMs === file.mtimeMs
}

/** Requests whose ledgers are kept in memory, by hand: the latest. */
const mostInMemory = 1000

/** By hand: while the process lives. */
export class MemoryLedgers implements Ledgers {
  readonly #ledgers = new Map<string, Map<string, Delivered>>()

  async open(destinationUrl: string, requestId: string): Promise<Ledger> {
    const key = `${destinationUrl} ${requestId}`
    const entries = this.#ledgers.get(key) ?? new Map<string, Delivered>()
    this.#ledgers.delete(key)
    this.#ledgers.set(key, entries)
    const [oldest] = this.#ledgers.keys()
    if (this.#ledgers.size > mostInMemory && oldest !== undefined) this.#ledgers.delete(oldest)
    return {
      find: (name) => entries.get(name),
      add: (delivered) => void entries.set(delivered.name, delivered),
      commit: (name, committed) => {
        apply({ name, committed }, entries)
      },
      withdraw: (name) => void entries.delete(name),
      // For persons who ask, and nobody can ask this process.
      refuse: () => undefined,
      sync: () => Promise.resolve(),
      close: () => Promise.resolve(),
    }
  }
}

const newline = 0x0a
const fdatasyncAsync = promisify(fdatasync)
const closeAsync = promisify(close)

/**
 * On disk: `<directory>/<destination>/<requestId>.ndjson`, a line for each object delivered. Written at
 * once, so that the death of the process loses nothing. A line that a failing machine left torn is
 * passed over: its object is sent again.
 */
export class DiskLedgers implements Ledgers {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  /** To look only. */
  async known(destinationUrl: string, requestId: string): Promise<Known> {
    const { entries, refused } = await read(this.#pathOf(destinationUrl, requestId))
    return { delivered: entries, refused }
  }

  #pathOf(destinationUrl: string, requestId: string): string {
    const file = `${safeComponent(requestId)}.ndjson`
    return inside(this.#directory, folderOf(destinationUrl), file)
  }

  async open(destinationUrl: string, requestId: string): Promise<Ledger> {
    const path = this.#pathOf(destinationUrl, requestId)
    const { entries, refused, endsWithin } = await read(path)
    if (entries.size + refused.size === 0 && !endsWithin) await create(path)
    const fd = openSync(path, 'a', 0o640)
    let needsSync = false
    let isClosed = false
    // What follows a torn line begins on a line of its own; a disk that is full tears one, too.
    let isTorn = endsWithin
    const append = (text: string): void => {
      // Its number may be another file's by now.
      if (isClosed) throw new Error(`${path} was closed before its last line`)
      const line = Buffer.from(isTorn ? `\n${text}` : text)
      isTorn = true
      for (let at = 0; at < line.length;) at += writeSync(fd, line, at)
      isTorn = false
      needsSync = true
    }
    return {
      find: (name) => entries.get(name),
      add: (delivered) => {
        faultPoint('ledger.before-add')
        entries.set(delivered.name, delivered)
        refused.delete(delivered.name)
        append(`${JSON.stringify(delivered)}\n`)
        faultPoint('ledger.added')
      },
      commit: (name, committed) => {
        apply({ name, committed }, entries)
        append(`${JSON.stringify({ name, committed })}\n`)
      },
      withdraw: (name) => {
        entries.delete(name)
        append(`${JSON.stringify({ name, withdrawn: nowIso() })}\n`)
      },
      refuse: (name, { code, message }, time) => {
        const before = refused.get(name)?.refused
        if (before?.code === code && before.message === message) return
        const entry = { name, refused: { code, message }, time }
        refused.set(name, entry)
        append(`${JSON.stringify(entry)}\n`)
      },
      sync: async () => {
        if (!needsSync) return
        needsSync = false
        await fdatasyncAsync(fd)
        faultPoint('ledger.synced')
      },
      close: () => {
        isClosed = true
        return closeAsync(fd)
      },
    }
  }
}

async function create(path: string): Promise<void> {
  await makeDirectories(dirname(path))
  await (await open(path, 'a', 0o640)).close()
  faultPoint('ledger.made')
  await syncDirectory(dirname(path))
}

/** A person can read it, and two destinations never share it. */
function folderOf(url: string): string {
  return `${safeComponent(url.slice(0, 60))}-${hash('sha256', url).slice(0, 12)}`
}

async function read(path: string): Promise<{
  entries: Map<string, Delivered>
  refused: Map<string, Refused>
  endsWithin: boolean
}> {
  const refused = new Map<string, Refused>()
  const entries = new Map<string, Delivered>()
  const content = await readFile(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  if (content === undefined) return { entries, refused, endsWithin: false }
  for (const line of content.toString().split('\n')) {
    const entry = parse(line)
    if (entry === undefined) continue
    if ('refused' in entry) refused.set(entry.name, entry)
    else {
      apply(entry, entries)
      if (entries.has(entry.name)) refused.delete(entry.name)
    }
  }
  return { entries, refused, endsWithin: content.length > 0 && content.at(-1) !== newline }
}

type Entry = Delivered | Committed | Withdrawn

function apply(entry: Entry, entries: Map<string, Delivered>): void {
  if ('withdrawn' in entry) entries.delete(entry.name)
  else if ('sha256' in entry) entries.set(entry.name, entry)
  else {
    const delivered = entries.get(entry.name)
    if (delivered !== undefined) entries.set(entry.name, { ...delivered, ...entry })
  }
}

function parse(line: string): Entry | Refused | undefined {
  try {
    const entry = JSON.parse(line) as Partial<Delivered & Withdrawn & Refused> | null
    const isEntry = [entry?.sha256, entry?.withdrawn, entry?.committed, entry?.refused].some(
      (one) => one !== undefined,
    )
    return typeof entry?.name === 'string' && isEntry ? (entry as Entry | Refused) : undefined
  } catch {
    return undefined
  }
}
