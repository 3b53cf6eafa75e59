import type { Readable } from 'node:stream'
import type { Logger } from 'pino'
import { ExitCode, FionaError, troubleOfSurroundings } from '../error/index.ts'
import {
  errorRecord,
  LineSplitter,
  maxLineBytes,
  recordTypeOf,
  type AnyRecord,
  type MarkRecord,
} from '../record/index.ts'
import { inputEvents } from './input-events.ts'
import { PendingOutput } from './pending-output.ts'
import { WriteBehind } from './write-behind.ts'
import type { FilterLogic, FilterResult } from './tool.ts'

export interface FilterStreams {
  readonly input: Readable
  /** Resolves when the bytes were taken: backpressure. */
  readonly write: (data: string | Buffer) => Promise<void>
  readonly sync: () => Promise<void>
  readonly log: Logger
  readonly signal: AbortSignal
  readonly now: () => number
}

/** Not more than this of an unreadable line is kept in its error record. */
const longestExcerpt = 2000
/** So much goes out before the rest of a chunk is looked at. */
const mostPending = 1 << 16

/**
 * The filters' shell: lines in, records through the logic, lines out, in order. It works chunk by
 * chunk (what the pipe gave at once is answered at once): object streams would cost more per record
 * than most filters do. Lines of types the logic does not handle stay bytes, valid UTF-8 or not. Of an
 * aborted signal it finishes the record in hand.
 *
 * A full disk is no record's fault: an error record would set a healthy one aside for good. What was done
 * before goes out, and the filter ends; a stage tries the rest again until it works.
 * @returns the exit code: 0, or 1 when error records were written
 * @throws FionaError E_SURROUNDINGS; whatever `mark`, `end` or `timer.fire` throws
 */
export async function runFilter(
  tool: string,
  logic: FilterLogic,
  streams: FilterStreams,
): Promise<number> {
  const { input, log, now, signal } = streams
  const handlesAll = logic.handles === 'all'
  const handled = new Set<string>(handlesAll ? [] : logic.handles)
  const splitter = new LineSplitter(maxLineBytes)
  const out = new PendingOutput()
  const behind = new WriteBehind(streams.write)
  const stop = AbortSignal.any([signal, behind.broken])
  let errors = 0

  const put = (result: FilterResult): void => {
    if (result === undefined) return
    if (Array.isArray(result))
      for (const record of result as readonly AnyRecord[]) out.put(`${JSON.stringify(record)}\n`)
    else out.put(`${JSON.stringify(result)}\n`)
  }
  const fail = (error: unknown, record: unknown, line?: Buffer): void => {
    errors++
    if (logic.discreet === true) {
      const code = error instanceof FionaError ? error.code : 'E_INTERNAL'
      log.warn({ code }, 'a record could not be handled; the error record says more')
    } else if (error instanceof FionaError) log.debug({ code: error.code }, error.message)
    else log.error({ err: error }, 'internal error while handling a record; the stream goes on')
    try {
      put(errorRecord(tool, error, record))
    } catch {
      // Nested so deeply that it can be parsed but not written: its text, then.
      put(errorRecord(tool, error, line?.toString('utf8', 0, longestExcerpt) ?? null))
    }
  }
  const flush = (): Promise<void> => behind.write(out.take())
  /** The logic may count on it that what it said before has been written. */
  const allWritten = async (): Promise<void> => {
    await flush()
    await behind.drained()
  }
  const takeMark = async (mark: AnyRecord): Promise<void> => {
    await allWritten()
    await logic.mark?.(mark as unknown as MarkRecord)
    await streams.sync()
    put(mark)
  }
  const failOrEnd = async (error: unknown, record: AnyRecord, line: Buffer): Promise<void> => {
    const trouble = troubleOfSurroundings(error)
    if (trouble === undefined) fail(error, record, line)
    else {
      await allWritten()
      throw surroundingsFail(trouble, error)
    }
  }
  const finish = async (result: Promise<FilterResult>, record: AnyRecord, line: Buffer) => {
    let done: FilterResult
    try {
      done = await result
    } catch (error) {
      await failOrEnd(error, record, line)
      return
    }
    putOrFail(done, record, line)
  }
  const putOrFail = (result: FilterResult, record: AnyRecord, line: Buffer): void => {
    try {
      put(result)
    } catch (error) {
      fail(error, record, line)
    }
  }
  /** A promise only where there is something to wait for: most lines need none. */
  const take = (line: Buffer, chunk: Buffer): Promise<void> | undefined => {
    const isForeign = (type: string) => type !== 'mark' && !handlesAll && !handled.has(type)
    const type = recordTypeOf(line)
    if (type !== undefined && isForeign(type)) {
      out.pass(line, chunk)
      return undefined
    }
    let record: AnyRecord
    try {
      record = parseLine(line)
    } catch (error) {
      fail(error, line.toString('utf8', 0, longestExcerpt))
      return undefined
    }
    if (record.type === 'mark') return takeMark(record)
    if (isForeign(record.type)) {
      out.pass(line, chunk)
      return undefined
    }
    let result: FilterResult | Promise<FilterResult>
    try {
      result = logic.record(record)
    } catch (error) {
      return failOrEnd(error, record, line)
    }
    if (result instanceof Promise) return finish(result, record, line)
    putOrFail(result, record, line)
    return undefined
  }

  for await (const event of inputEvents(input, logic.timer, now, stop)) {
    if (event === 'timer') {
      await allWritten()
      put(await logic.timer?.fire(now()))
    } else {
      for (const line of splitter.push(event)) {
        if (line instanceof FionaError) fail(line, null)
        else if (line.length > 0) {
          const waiting = take(line, event)
          if (waiting !== undefined) await waiting
          if (out.size > mostPending) await flush()
        }
        if (stop.aborted) break
      }
    }
    await flush()
  }
  await behind.drained()
  // Stopped by a signal the input is not at its end: what is open stays open, and its state on disk.
  if (!signal.aborted) {
    const last = splitter.end()
    if (last !== undefined && last.length > 0) await take(last, last)
    await allWritten()
    put(await logic.end?.())
  }
  await allWritten()
  return errors > 0 ? ExitCode.someErrors : ExitCode.ok
}

function surroundingsFail(trouble: string, cause: unknown): FionaError {
  const what = cause instanceof FionaError ? `${cause.code}, ${trouble}` : trouble
  return new FionaError('E_SURROUNDINGS', `a record cannot be handled now (${what})`, {
    hint: 'free space, or mend the file system or the limits; a stage then goes on by itself, by hand hand in again what has not come out',
    retryable: true,
    exitCode: ExitCode.io,
    cause,
  })
}

function parseLine(line: Buffer): AnyRecord {
  let value: unknown
  try {
    value = JSON.parse(line.toString())
  } catch (error) {
    throw new FionaError(
      'E_RECORD_PARSE',
      `a line is not JSON: ${(error as Error).message.slice(0, 120)}`,
      {
        hint: 'one JSON object a line is expected; the text is in this record',
        exitCode: ExitCode.badInput,
      },
    )
  }
  if (
    typeof value !== 'object' ||
    value === null ||
    typeof (value as AnyRecord).type !== 'string'
  ) {
    throw new FionaError(
      'E_RECORD_INVALID',
      'a line is not a record: it must be an object with a type',
    )
  }
  return value as AnyRecord
}
