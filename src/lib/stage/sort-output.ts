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
  | {
      readonly to: Destination
      readonly lines: Buffer
      /** An error record in place of a line that was none. */
      readonly isStray?: boolean
    }
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
const newlineByte = 0x0a

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

  /** Most pieces are slices of `chunk`: it must not be written to any more. */
  push(chunk: Buffer): Piece[] {
    const pieces: Piece[] = []
    const start = this.#splitter.isWithinLine ? chunk.indexOf(newlineByte) + 1 : 0
    const end = chunk.lastIndexOf(newlineByte) + 1
    this.#split(chunk.subarray(0, start), pieces)
    this.#sortWhole(chunk, start, end, pieces)
    this.#split(chunk.subarray(end), pieces)
    return pieces
  }

  /** What came last was not the end of a line. */
  get isWithinLine(): boolean {
    return this.#splitter.isWithinLine
  }

  /** What stood behind the last newline: only a pipeline that ended well has said it whole. */
  end(): Piece[] {
    const pieces: Piece[] = []
    const last = this.#splitter.end()
    if (last !== undefined) this.#sort(last, pieces)
    return pieces
  }

  /** Whole lines. Neighbours for the main journal stay one piece, and are not copied. */
  #sortWhole(chunk: Buffer, start: number, end: number, pieces: Piece[]): void {
    let run = start
    for (let at = start; at < end;) {
      const behind = chunk.indexOf(newlineByte, at) + 1
      if (!this.#isPlain(chunk, at, behind - 1)) {
        if (at > run) pieces.push({ to: 'to', lines: chunk.subarray(run, at) })
        this.#split(chunk.subarray(at, behind), pieces)
        run = behind
      }
      at = behind
    }
    if (end > run) pieces.push({ to: 'to', lines: chunk.subarray(run, end) })
  }

  /** A record that goes the main way, as can be seen without parsing it. */
  #isPlain(chunk: Buffer, start: number, end: number): boolean {
    const type = recordTypeOf(chunk, start, end)
    if (type === undefined || type === 'mark' || end - start > maxLineBytes) return false
    return type !== 'error' && type !== 'held'
  }

  #split(part: Buffer, pieces: Piece[]): void {
    if (part.length === 0) return
    for (const line of this.#splitter.push(part)) this.#sort(line, pieces)
  }

  #sort(line: Buffer | FionaError, pieces: Piece[]): void {
    if (line instanceof FionaError) pieces.push(this.#stray(line, null))
    else if (line.length > 0) pieces.push(...this.#piecesOf(line))
  }

  #piecesOf(line: Buffer): Piece[] {
    const whole = (to: Destination): Piece => ({ to, lines: Buffer.concat([line, newline]) })
    if (this.#isPlain(line, 0, line.length)) return [whole('to')]
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
    const { type, seq } = record
    if (type === 'mark') return typeof seq === 'number' ? [{ mark: seq }] : []
    const { diverted } = this.#rules
    if (type === 'error' && diverted.has('error')) {
      return [{ to: 'errors', lines: lineOf({ ...record, ...originOf(this.#rules) }) }]
    }
    return [whole(type === 'held' && diverted.has('held') ? 'held' : 'to')]
  }

  #stray(why: FionaError, text: string | null): Piece {
    const to = errorsGoTo(this.#rules.diverted)
    return { to, lines: stageError(this.#rules, why, text), isStray: true }
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
