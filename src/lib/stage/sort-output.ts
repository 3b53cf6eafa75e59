import { FionaError } from '../error/index.ts'
import {
  errorRecord,
  LineSplitter,
  maxLineBytes,
  recordTypeOf,
  type AnyRecord,
} from '../record/index.ts'

export type Destination = 'to' | 'errors' | 'held'

export type Piece =
  | { readonly to: Destination; readonly lines: Buffer }
  /** A mark came out; whose it is, the ledger knows. */
  | { readonly mark: number }

export interface SortRules {
  /** Added to error records, so that it is known where they came from. */
  readonly stage: string
  /** The name of the journal that the stage reads, for `retry`; undefined when it has none. */
  readonly journal?: string | undefined
  /** Which records leave the main way. */
  readonly diverted: ReadonlySet<'error' | 'held'>
}

const newline = Buffer.from('\n')

/**
 * What comes out of a pipeline, in order: whole lines for their journals, and marks. A line that is no
 * record (a stray message of some program) becomes an error record: in a journal it would trip every reader.
 */
export class OutputSorter {
  #rules: SortRules
  #splitter = new LineSplitter(maxLineBytes)

  constructor(rules: SortRules) {
    this.#rules = rules
  }

  push(chunk: Buffer): Piece[] {
    return this.#sort(this.#splitter.push(chunk))
  }

  /** What came last was not the end of a line. */
  get isWithinLine(): boolean {
    return this.#splitter.isWithinLine
  }

  /** What stood behind the last newline: only a pipeline that ended well has said it whole. */
  end(): Piece[] {
    const last = this.#splitter.end()
    return last === undefined ? [] : this.#sort([last])
  }

  #sort(lines: Iterable<Buffer | FionaError>): Piece[] {
    const pieces: Piece[] = []
    /** Neighbours for the main journal go out as one. */
    let run: Buffer[] = []
    const endRun = (): void => {
      if (run.length > 0) pieces.push({ to: 'to', lines: Buffer.concat(run) })
      run = []
    }
    for (const line of lines) {
      const piece = this.#sortLine(line)
      if (piece === undefined) run.push(line as Buffer, newline)
      else {
        endRun()
        pieces.push(...piece)
      }
    }
    endRun()
    return pieces
  }

  /** @returns undefined for a line that goes the main way as it is */
  #sortLine(line: Buffer | FionaError): Piece[] | undefined {
    if (line instanceof FionaError) return [this.#stray(line, null)]
    if (line.length === 0) return []
    const type = recordTypeOf(line)
    if (type !== undefined && type !== 'mark' && type !== 'error' && type !== 'held') {
      return undefined
    }
    const record = parse(line)
    if (record === undefined) {
      const why = new FionaError(
        'E_STAGE_OUTPUT',
        'the pipeline printed a line that is no record',
        {
          hint: 'its programs may print records to stdout, and everything else to stderr',
        },
      )
      return [this.#stray(why, line.toString('utf8', 0, 2000))]
    }
    if (record.type === 'mark') {
      const seq = record['seq']
      return typeof seq === 'number' ? [{ mark: seq }] : []
    }
    if (record.type === 'error' && this.#rules.diverted.has('error')) {
      return [{ to: 'errors', lines: lineOf({ ...record, ...originOf(this.#rules) }) }]
    }
    if (record.type === 'held' && this.#rules.diverted.has('held')) {
      return [{ to: 'held', lines: Buffer.concat([line, newline]) }]
    }
    return undefined
  }

  #stray(why: FionaError, text: string | null): Piece {
    const to = errorsGoTo(this.#rules.diverted)
    return { to, lines: stageError(this.#rules, why, text) }
  }
}

/** Where a stage's own errors go: one that reads the errors would feed itself with them without end. */
export function errorsGoTo(diverted: SortRules['diverted']): Destination {
  return diverted.has('error') ? 'errors' : 'to'
}

/** The line of an error record that the stage itself makes. */
export function stageError(rules: SortRules, why: FionaError, input: unknown): Buffer {
  return lineOf({ ...errorRecord('fiona-stage', why, input), ...originOf(rules) })
}

function originOf({ stage, journal }: SortRules): { stage: string; journal?: string } {
  return journal === undefined ? { stage } : { stage, journal }
}

function lineOf(record: AnyRecord): Buffer {
  return Buffer.from(`${JSON.stringify(record)}\n`)
}

function parse(line: Buffer): AnyRecord | undefined {
  try {
    const value: unknown = JSON.parse(line.toString())
    if (typeof value !== 'object' || value === null) return undefined
    return typeof (value as AnyRecord).type === 'string' ? (value as AnyRecord) : undefined
  } catch {
    return undefined
  }
}
