import type { Readable } from 'node:stream'
import type { Logger } from 'pino'
import { ExitCode, FionaError } from '../error/index.ts'
import { errorRecord, type AnyRecord, type MarkRecord } from '../record/index.ts'
import { LineSplitter, recordTypeOf } from './lines.ts'
import type { FilterLogic, FilterResult } from './tool.ts'

/** A line longer than this is refused; a study of 100,000 in-place files fits. */
export const maxLineBytes = 16 * 1024 * 1024

export interface FilterStreams {
  readonly input: Readable
  /** Resolves when the bytes were taken: backpressure. */
  readonly write: (data: string) => Promise<void>
  readonly sync: () => Promise<void>
  readonly log: Logger
  readonly signal: AbortSignal
  readonly now: () => number
}

/**
 * The filters' shell: lines in, records through the logic, lines out, in order. It works chunk by
 * chunk (what the pipe gave at once is answered at once): object streams would cost more per record
 * than most filters do. Lines of types the logic does not handle stay text.
 * @returns the exit code: 0, or 1 when error records were written
 */
export async function runFilter(
  tool: string,
  logic: FilterLogic,
  streams: FilterStreams,
): Promise<number> {
  const { input, write, log, now, signal } = streams
  const handlesAll = logic.handles === 'all'
  const handled = new Set<string>(handlesAll ? [] : logic.handles)
  const splitter = new LineSplitter(maxLineBytes)
  let errors = 0
  let out = ''

  const put = (result: FilterResult): void => {
    if (result === undefined) return
    if (Array.isArray(result))
      for (const record of result as readonly AnyRecord[]) out += `${JSON.stringify(record)}\n`
    else out += `${JSON.stringify(result)}\n`
  }
  const fail = (error: unknown, record: unknown): void => {
    errors++
    if (logic.discreet === true) {
      const code = error instanceof FionaError ? error.code : 'E_INTERNAL'
      log.warn({ code }, 'a record could not be handled; the error record says more')
    } else if (error instanceof FionaError) log.debug({ code: error.code }, error.message)
    else log.error({ err: error }, 'internal error while handling a record; the stream goes on')
    put(errorRecord(tool, error, record))
  }
  const flush = async (): Promise<void> => {
    if (out === '') return
    const text = out
    out = ''
    await write(text)
  }
  const take = async (line: Buffer): Promise<void> => {
    const type = recordTypeOf(line)
    if (type !== undefined && type !== 'mark' && !handlesAll && !handled.has(type)) {
      out += `${line.toString()}\n`
      return
    }
    let record: AnyRecord
    try {
      record = parseLine(line)
    } catch (error) {
      fail(error, line.toString('utf8', 0, 2000))
      return
    }
    if (record.type === 'mark') {
      await flush()
      await logic.mark?.(record as unknown as MarkRecord)
      await streams.sync()
      put(record)
      return
    }
    if (!handlesAll && !handled.has(record.type)) {
      out += `${line.toString()}\n`
      return
    }
    try {
      const result = logic.record(record)
      put(result instanceof Promise ? await result : result)
    } catch (error) {
      fail(error, record)
    }
    if (out.length > 1 << 16) await flush()
  }

  for await (const event of events(input, logic, now, signal)) {
    if (event === 'timer') {
      put(await logic.timer?.fire(now()))
    } else {
      for (const line of splitter.push(event)) {
        if (line instanceof FionaError) fail(line, null)
        else if (line.length > 0) await take(line)
      }
    }
    await flush()
  }
  // Stopped by a signal the input is not at its end: what is open stays open, and its state on disk.
  if (!signal.aborted) {
    const last = splitter.end()
    if (last !== undefined) await take(last)
    put(await logic.end?.())
  }
  await flush()
  return errors > 0 ? ExitCode.someErrors : ExitCode.ok
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

/** Chunks of input, and `timer` whenever the logic's own time has come before the next chunk. */
async function* events(
  input: Readable,
  logic: FilterLogic,
  now: () => number,
  signal: AbortSignal,
): AsyncGenerator<Buffer | 'timer'> {
  const iterator = input[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let stop = (): void => undefined
  const stopped = new Promise<'stopped'>((resolve) => {
    stop = (): void => {
      resolve('stopped')
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  let next = iterator.next()
  try {
    for (;;) {
      const dueAt = logic.timer?.dueAt()
      let timeout: NodeJS.Timeout | undefined
      const races: Promise<IteratorResult<Buffer> | 'timer' | 'stopped'>[] = [stopped, next]
      if (dueAt !== undefined) {
        const wait = Math.min(Math.max(0, dueAt - now()), 0x7fffffff)
        races.push(new Promise((resolve) => (timeout = setTimeout(resolve, wait, 'timer'))))
      }
      const won = await Promise.race(races)
      clearTimeout(timeout)
      if (won === 'stopped') return
      if (won === 'timer') yield 'timer'
      else if (won.done === true) return
      else {
        yield won.value
        next = iterator.next()
      }
    }
  } finally {
    signal.removeEventListener('abort', stop)
    // A pending read keeps the process alive; nobody will use it.
    next.catch(() => undefined)
    if (signal.aborted) input.destroy()
  }
}
