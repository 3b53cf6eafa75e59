import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { FionaError } from '../../error/index.ts'
import type { Changed, Decision, RequestSource, SourceContext, StudyInQuestion } from '../source.ts'
import { identityOf, keyKeywords, type KeyKeyword, type Row } from './read-table.ts'
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
}

interface Kept extends Row {
  /** ms since 1970; a row holds before that. */
  readonly expiresAt: number
}

/**
 * A coupling table that may be changed while it is in force. It is looked at again and again by name; a change is taken when the file has
 * rested for a second and all of it is right, and told when it is not.
 */
export class TableSource implements RequestSource {
  readonly name: string
  readonly #options: TableOptions
  readonly #table: string
  #rows: readonly Kept[] = []
  /** By the first key that a row has. */
  #index = new Map<string, readonly Kept[]>()
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
    const now = this.#options.clock()
    return this.#rowsOf(study)
      .filter(({ expiresAt }) => now < expiresAt)
      .map(({ line, project, participant, event }) => ({
        project,
        participant: participant.toLowerCase() === 'autoid' ? { allocate: undefined } : participant,
        ...(event === undefined ? {} : { event }),
        requestedBy: `${this.#table}, line ${String(line)}`,
      }))
  }

  whyNot(study: StudyInQuestion): string {
    const [expired] = this.#rowsOf(study)
    if (expired !== undefined) return `${this.#table}, line ${String(expired.line)}, has expired`
    this.#folded ??= foldedOf(this.#rows)
    for (const keyword of keyKeywords) {
      for (const value of study.values(keyword)) {
        const row = this.#folded.get(folded(keyword, value))
        if (row === undefined) continue
        return `${this.#table}, line ${String(row.line)}, does not fit it: another ${keyword} but for capitals, blanks or zeros, or a second key that is another`
      }
    }
    return `no row of ${this.#table} is of it`
  }

  #rowsOf(study: StudyInQuestion): readonly Kept[] {
    return keyKeywords.flatMap((keyword) =>
      study
        .values(keyword)
        .flatMap((value) => this.#index.get(entryOf(keyword, value)) ?? [])
        .filter(({ keys }) =>
          keyKeywords.every((one) => {
            const wanted = keys[one]
            return wanted === undefined || study.values(one).includes(wanted)
          }),
        ),
    )
  }

  /** @returns the keys of all rows that are new or gone */
  #take(rows: readonly Row[]): Changed {
    const { expireDays, firstSeen } = this.#options
    const seen =
      expireDays === undefined
        ? []
        : firstSeen(
            this.name,
            rows.map((row) => identityOf(row)),
          )
    const before = new Map(this.#rows.map((row) => [identityOf(row), row]))
    const changed: Row[] = []
    this.#rows = rows.map((row, at) => {
      if (!before.delete(identityOf(row))) changed.push(row)
      const since = row.date === undefined ? (seen[at] ?? 0) : Date.parse(`${row.date}T00:00:00`)
      return {
        ...row,
        expiresAt: expireDays === undefined ? Infinity : since + expireDays * dayMs,
      }
    })
    const index = new Map<string, Kept[]>()
    for (const row of this.#rows) {
      const keyword = keyKeywords.find((one) => row.keys[one] !== undefined)
      if (keyword === undefined) continue
      const entry = entryOf(keyword, row.keys[keyword] ?? '')
      const others = index.get(entry)
      if (others === undefined) index.set(entry, [row])
      else others.push(row)
    }
    this.#index = index
    this.#folded = undefined
    return keysOf([...changed, ...before.values()])
  }

  async #watch({ changed, trouble }: SourceContext, signal: AbortSignal): Promise<void> {
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
      const now = performance.now()
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
        changed(this.#take(rows))
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

function keysOf(rows: readonly Row[]): Changed {
  const of = (keyword: KeyKeyword) => new Set(rows.flatMap(({ keys }) => keys[keyword] ?? []))
  return {
    StudyInstanceUID: of('StudyInstanceUID'),
    AccessionNumber: of('AccessionNumber'),
    PatientID: of('PatientID'),
  }
}

function foldedOf(rows: readonly Row[]): ReadonlyMap<string, Row> {
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
