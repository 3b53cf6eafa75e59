import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { FionaError } from '../../error/index.ts'
import type { Decision, RequestSource, SourceContext, StudyInQuestion } from '../source.ts'
import { identityOf, keyKeywords, type KeyKeyword, type Row } from './row.ts'
import { RowIndex } from './row-index.ts'
import { readTableFile, tableName } from './table-file.ts'

const lookEveryMs = 1000
/** A last line without its end may be half of one, with half of a name: so long it has to rest before it counts as whole. */
const mayBeHalfMs = 30_000
const dayMs = 86_400_000

/** Since when each row is there: remembered, where rows expire. In the order of the rows; ms since 1970. */
export type FirstSeen = (source: string, identities: readonly string[]) => readonly number[]

export interface TableOptions {
  readonly name: string
  readonly file: string
  readonly expireDays?: number | undefined
  readonly firstSeen: FirstSeen
  /** ms since 1970 */
  readonly clock: () => number
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

/** Of more rows nobody is told which nearly fits: that takes an index as large again. */
const mostFolded = 200_000

/**
 * A coupling table that may be changed while it is in force. It is looked at again and again by name; a change is taken when the file has
 * rested for a second and all of it is right, and told when it is not.
 */
export class TableSource implements RequestSource {
  readonly name: string
  readonly #options: TableOptions
  readonly #table: string
  #rows = new RowIndex()
  /** Where rows expire: since when those are there that do not say so themselves; ms since 1970. */
  #seen: ReadonlyMap<Row, number> = new Map()
  /** The same without capitals and blanks, made when first asked for. */
  #folded: ReadonlyMap<string, Row> | undefined
  #state = ''
  #watching: Promise<void> | undefined
  readonly #closing = new AbortController()

  constructor(options: TableOptions) {
    this.#options = options
    this.name = options.name
    this.#table = tableName(options.file)
  }

  /** @throws FionaError E_TABLE: without a table there is nothing to go on with */
  async open(context: SourceContext): Promise<void> {
    const { file } = this.#options
    // One that is just being written is waited for.
    for (;;) {
      const state = await stateOf(file)
      const now = this.#options.clock()
      const read = await readTableFile(file).catch((error: unknown) => {
        if (isFresh(state, now, lookEveryMs)) return undefined
        throw error
      })
      const isWhole = read !== undefined && (read.endsWithLine || !isFresh(state, now, mayBeHalfMs))
      if (isWhole && (await stateOf(file)).text === state.text) {
        this.#state = state.text
        this.#take(read.rows)
        break
      }
      await delay(lookEveryMs, undefined, { signal: context.signal })
    }
    const signal = AbortSignal.any([context.signal, this.#closing.signal])
    this.#watching = this.#watch(context, signal)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#watching
  }

  decide(study: StudyInQuestion): readonly Decision[] {
    return this.#rows
      .of(study)
      .filter((row) => this.#holds(row))
      .map(({ line, project, participant, event }) => ({
        project,
        participant: participant.toLowerCase() === 'autoid' ? { allocate: undefined } : participant,
        ...(event === undefined ? {} : { event }),
        requestedBy: `${this.#table}, line ${String(line)}`,
      }))
  }

  whyNot(study: StudyInQuestion): string {
    const [expired] = this.#rows.of(study)
    if (expired !== undefined) return `${this.#table}, line ${String(expired.line)}, has expired`
    this.#folded ??= this.#rows.size > mostFolded ? new Map() : foldedOf(this.#rows)
    for (const keyword of keyKeywords) {
      for (const value of study.values(keyword)) {
        const row = this.#folded.get(folded(keyword, value))
        if (row === undefined) continue
        return `${this.#table}, line ${String(row.line)}, does not fit it: another ${keyword} but for capitals, blanks or zeros, or a second key that is another`
      }
    }
    return `no row of ${this.#table} is of it`
  }

  #holds(row: Row): boolean {
    const { expireDays, clock } = this.#options
    if (expireDays === undefined) return true
    const since =
      row.date === undefined ? (this.#seen.get(row) ?? 0) : Date.parse(`${row.date}T00:00:00`)
    return clock() < since + expireDays * dayMs
  }

  #take(rows: RowIndex): void {
    const { expireDays, firstSeen } = this.#options
    const undated =
      expireDays === undefined ? [] : [...rows].filter(({ date }) => date === undefined)
    const times =
      expireDays === undefined
        ? []
        : firstSeen(
            this.name,
            undated.map((row) => identityOf(row)),
          )
    this.#seen = new Map(undated.map((row, at) => [row, times[at] ?? 0]))
    this.#rows = rows
    this.#folded = undefined
  }

  async #watch({ changed, trouble }: SourceContext, signal: AbortSignal): Promise<void> {
    const { now: monotonic = () => performance.now() } = this.#options
    let last = this.#state
    let restsSince = 0
    let half = ''
    for (;;) {
      try {
        await delay(lookEveryMs, undefined, { signal, ref: false })
      } catch {
        return
      }
      const { text } = await stateOf(this.#options.file)
      const now = monotonic()
      const hasRested = text === last
      if (!hasRested) restsSince = now
      last = text
      if (!hasRested || text === this.#state) continue
      const isLongAtRest = now - restsSince >= mayBeHalfMs
      if (text === half && !isLongAtRest) continue
      try {
        const { rows, endsWithLine } = await readTableFile(this.#options.file)
        if ((await stateOf(this.#options.file)).text !== text) continue
        if (!endsWithLine && !isLongAtRest) {
          half = text
          continue
        }
        this.#state = text
        const which = await rows.changedSince(this.#rows)
        this.#take(rows)
        changed(which)
        trouble(undefined)
      } catch (error) {
        if (!(error instanceof FionaError)) {
          // A descriptor was missing, or the like: the next look finds it as changed as it is now.
          continue
        }
        this.#state = text
        trouble(error)
      }
    }
  }
}

function foldedOf(rows: Iterable<Row>): ReadonlyMap<string, Row> {
  const found = new Map<string, Row>()
  for (const row of rows) {
    for (const keyword of keyKeywords) {
      const value = row.keys[keyword]
      if (value !== undefined) found.set(folded(keyword, value), row)
    }
  }
  return found
}

/** As a spreadsheet would change it: without leading zeros, too. */
function folded(keyword: KeyKeyword, value: string): string {
  return entryOf(
    keyword,
    value
      .toLowerCase()
      .replace(/\s+/g, '')
      .replace(/^0+(?=.)/, ''),
  )
}

function entryOf(keyword: KeyKeyword, value: string): string {
  return `${keyword} ${value}`
}

interface State {
  /** Tells one state of the file from another. */
  readonly text: string
  readonly changedMs: number
}

async function stateOf(path: string): Promise<State> {
  try {
    const { ino, size, mtimeNs, ctimeNs, ctimeMs } = await stat(path, { bigint: true })
    return { text: [ino, size, mtimeNs, ctimeNs].join(' '), changedMs: Number(ctimeMs) }
  } catch (error) {
    return { text: String((error as NodeJS.ErrnoException).code), changedMs: 0 }
  }
}

/** Somebody may be about to write the rest of it. */
function isFresh({ changedMs }: State, now: number, ms: number): boolean {
  return Math.abs(now - changedMs) < ms
}
