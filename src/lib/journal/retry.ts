import { FionaError } from '../error/index.ts'
import { nowIso, type AnyRecord } from '../record/index.ts'
import { whatIsWrong } from './check-lines.ts'
import { leasePath, type Cursor } from './cursor.ts'
import { JournalWriter } from './journal-writer.ts'
import { Lease } from './lease.ts'
import { lineFilter, type LineQuestions } from './line-filter.ts'
import { findJournal, journalDirectory } from './location.ts'
import { endOfJournal, readJournal } from './read-journal.ts'

export interface RetryOptions {
  /** Where the names of journals lead to. */
  readonly dataDir: string
  /** Hand all in here, in place of where the stage that failed had them from. */
  readonly to?: string | undefined
  /** Only what failed in this stage, with this code. */
  readonly stage?: string | undefined
  readonly code?: string | undefined
  /** Of the error records. */
  readonly questions?: Omit<LineQuestions, 'type'> | undefined
  /** Also what has been handed in again before. */
  readonly again?: boolean | undefined
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Why an error stays where it is. */
export type Left =
  /** It has been handed in again before. */
  | 'retried before'
  /** What it holds is a text, or nothing: no journal takes that. */
  | 'holds no record'
  /** It does not tell which journal the record was from, or one that is not there (any more). */
  | 'of unknown origin'

export interface Retried {
  /** How many records went into which journal. */
  readonly retried: Readonly<Record<string, number>>
  readonly left: Readonly<Record<Left, number>>
}

const batchBytes = 4 * 1024 * 1024

/**
 * Hands the records that errors hold in again, each to the journal from which the stage that failed had
 * read it. A note in the journal of the errors (type `retried`) says which error that was, so that each
 * is handed in once. One that fails again is a new error, for the next time: what comes after the
 * beginning of this call is left alone.
 *
 * First the record, then the note: killed in between, it hands in twice, which is harmless.
 * @throws FionaError E_JOURNAL_MISSING for `to`, E_LEASE_HELD when another process does the same
 */
export async function retryErrors(place: string | URL, options: RetryOptions): Promise<Retried> {
  const directory = journalDirectory(place)
  const lease = await Lease.acquire(leasePath(directory, 'retry'), {
    what: `retry of ${directory}`,
    hint: 'wait until the other has done it',
    waitMs: 0,
    signal: options.signal,
  })
  try {
    await lease.forgetPredecessors()
    const end = await endOfJournal(directory)
    return await new Retry(directory, options, await notesOf(directory, end)).run(end)
  } finally {
    await lease.release()
  }
}

class Retry {
  readonly retried: Record<string, number> = {}
  readonly left: Record<Left, number> = {
    'retried before': 0,
    'holds no record': 0,
    'of unknown origin': 0,
  }
  #directory: string
  #options: RetryOptions
  #notes: ReadonlySet<string>
  #writers = new Map<string, JournalWriter>()
  /** Where the journals are that were named so far. */
  #directories = new Map<string, string>()
  #batch: { to: string; line: string; note: string }[] = []
  #batchBytes = 0

  constructor(directory: string, options: RetryOptions, notes: ReadonlySet<string>) {
    this.#directory = directory
    this.#options = options
    this.#notes = notes
  }

  async run(end: Cursor): Promise<Retried> {
    const { again, signal } = this.#options
    try {
      for await (const { key, record } of errorsUpTo(this.#directory, end, this.#options)) {
        if (signal?.aborted === true) break
        if (again !== true && this.#notes.has(key)) this.left['retried before']++
        else await this.#handIn(key, record)
      }
      await this.#flush()
    } finally {
      for (const writer of this.#writers.values()) await writer.close()
    }
    return { retried: this.retried, left: this.left }
  }

  async #handIn(key: string, error: AnyRecord): Promise<void> {
    const line = JSON.stringify(error['record'] ?? null)
    const to = this.#options.to ?? error['journal']
    if (whatIsWrong(line) !== undefined) this.left['holds no record']++
    else if (typeof to !== 'string' || !(await this.#find(to))) this.left['of unknown origin']++
    else {
      this.retried[to] = (this.retried[to] ?? 0) + 1
      if (this.#options.dryRun === true) return
      const note = { type: 'retried', v: 1, time: nowIso(), error: key, to }
      this.#batch.push({ to, line, note: JSON.stringify(note) })
      this.#batchBytes += line.length
      if (this.#batchBytes > batchBytes) await this.#flush()
    }
  }

  /**
   * Looked for before anything is handed in: one error that names a journal which is gone would otherwise
   * end the whole call each time, after the records of others were handed in without a note.
   * @throws FionaError E_JOURNAL_MISSING when it is the caller who named it
   */
  async #find(to: string): Promise<boolean> {
    const { dataDir, to: chosen } = this.#options
    if (this.#directories.has(to)) return true
    // What an error says of itself may lead to a journal of this data directory, never to a place elsewhere.
    if (chosen === undefined && /[/:]/.test(to)) return false
    try {
      this.#directories.set(to, await findJournal(dataDir, to))
      return true
    } catch (error) {
      if (chosen !== undefined || !(error instanceof FionaError)) throw error
      return false
    }
  }

  async #flush(): Promise<void> {
    const batch = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    for (const to of new Set(batch.map((entry) => entry.to))) {
      const lines = batch.flatMap((entry) => (entry.to === to ? [entry.line] : []))
      const directory = this.#directories.get(to)
      if (directory !== undefined) await this.#append(directory, lines)
    }
    await this.#append(
      this.#directory,
      batch.map(({ note }) => note),
    )
  }

  async #append(directory: string, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return
    let writer = this.#writers.get(directory)
    if (writer === undefined) {
      writer = await JournalWriter.open(directory, { writer: 'retry' })
      this.#writers.set(directory, writer)
    }
    await writer.appendLines(Buffer.from(`${lines.join('\n')}\n`))
  }
}

/** The error records that were there at `end`, and answer to what is asked; `key` tells each by its place. */
async function* errorsUpTo(
  directory: string,
  end: Cursor,
  { stage, code, questions = {} }: RetryOptions,
): AsyncGenerator<{ key: string; record: AnyRecord }> {
  const filter = lineFilter({ ...questions, type: 'error' })
  for await (const { key, line } of linesUpTo(directory, end)) {
    if (filter === undefined || filter(line).length === 0) continue
    const record = JSON.parse(line.toString()) as AnyRecord
    if (stage !== undefined && record['stage'] !== stage) continue
    if (code !== undefined && record['code'] !== code) continue
    yield { key, record }
  }
}

async function notesOf(directory: string, end: Cursor): Promise<Set<string>> {
  const filter = lineFilter({ type: 'retried' })
  const notes = new Set<string>()
  for await (const { line } of linesUpTo(directory, end)) {
    if (filter === undefined || filter(line).length === 0) continue
    const { error } = JSON.parse(line.toString()) as { error?: unknown }
    if (typeof error === 'string') notes.add(error)
  }
  return notes
}

async function* linesUpTo(
  directory: string,
  end: Cursor,
): AsyncGenerator<{ key: string; line: Buffer }> {
  for await (const chunk of readJournal(directory)) {
    let start = chunk.end - chunk.lines.length
    for (let at = 0; at < chunk.lines.length;) {
      const behind = chunk.lines.indexOf(0x0a, at) + 1
      if (start >= (end[chunk.segment] ?? 0)) break
      yield { key: `${chunk.segment}:${start}`, line: chunk.lines.subarray(at, behind) }
      start += behind - at
      at = behind
    }
  }
}
