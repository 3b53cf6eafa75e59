import { stat } from 'node:fs/promises'
import { ExitCode, FionaError } from '../error/index.ts'
import {
  LineSplitter,
  maxLineBytes,
  parseRecord,
  type AnyRecord,
  type InstanceRecord,
} from '../record/index.ts'
import type { Entry } from './entry.ts'
import { interrupted, notAFile, unreadable } from './file-trouble.ts'
import { pathRecord } from './path-record.ts'
import { readLine } from './read-line.ts'
import { entriesOfName } from './walk.ts'

export interface LineOptions {
  /** NUL, as from `find -print0`; newline unless told. */
  readonly separator?: number | undefined
  /** Where relative paths begin; undefined where they mean nothing. */
  readonly base: string | undefined
  /** Which records may come in, and what is to be done before they do. */
  readonly admit: (record: AnyRecord) => Promise<void>
  /** After it, a folder is not walked on; what was left of it is told as trouble. */
  readonly signal: AbortSignal
}

/** Bytes of lines; or the news that whoever wrote them has stopped within a line, which then counts as one. */
export type Chunk = Buffer | 'pause'

/** What the lines of a stream of bytes mean. A line that means nothing is trouble, and the next is read. */
export async function* entriesOfLines(
  chunks: AsyncIterable<Chunk>,
  options: LineOptions,
): AsyncGenerator<Entry, void, undefined> {
  let splitter = new LineSplitter(maxLineBytes, options.separator)
  for await (const chunk of chunks) {
    if (chunk === 'pause') {
      const begun = splitter.end()
      // A new one: the last may be throwing away a line without end, which the next writer's does not belong to.
      splitter = new LineSplitter(maxLineBytes, options.separator)
      if (begun !== undefined) yield* entriesOfLine(begun, options)
      continue
    }
    for (const line of splitter.push(chunk)) {
      if (line instanceof FionaError) yield { kind: 'trouble', error: line, input: null }
      else yield* entriesOfLine(line, options)
    }
  }
  const last = splitter.end()
  if (last !== undefined) yield* entriesOfLine(last, options)
}

async function* entriesOfLine(
  line: Buffer,
  { base, admit, signal }: LineOptions,
): AsyncGenerator<Entry, void, undefined> {
  const text = line.toString('utf8', 0, 4096)
  let input: unknown = text
  try {
    const said = readLine(line, base)
    if (said === undefined) return
    if ('path' in said) {
      const { path, ...facts } = said
      input = pathRecord(path, facts)
      for await (const entry of entriesOfName(path, facts)) {
        if (signal.aborted && entry.kind === 'file' && entry.isWalked) throw interrupted('a folder')
        yield entry
      }
      return
    }
    input = said.record
    await admit(said.record)
    yield { kind: 'record', record: said.record }
  } catch (error) {
    if (!(error instanceof FionaError)) throw error
    yield { kind: 'trouble', error, input }
  }
}

/** Records from a pipe between tools: what is no instance is for somebody else and passes. */
export async function admitFromTool(record: AnyRecord): Promise<void> {
  if (record.type === 'instance') await requireFile(record)
}

/**
 * Records from a front door, where anybody may have written them: only known ones, and none that a stage
 * speaks to itself with.
 */
export async function admitFromAnybody(record: AnyRecord): Promise<void> {
  if (record.type === 'mark' || record.type === 'error') {
    throw new FionaError(
      'E_RECORD_INVALID',
      `a record of type ${record.type} does not come in by the front door`,
      {
        hint: 'to replay an error record, write what its field "record" holds',
        exitCode: ExitCode.badInput,
      },
    )
  }
  if (record.type === 'instance') await requireFile(record)
  else parseRecord(record)
}

async function requireFile(record: AnyRecord): Promise<void> {
  const instance = parseRecord(record) as InstanceRecord
  let found
  try {
    found = await stat(instance.path)
  } catch (error) {
    throw unreadable(instance.path, error)
  }
  if (!found.isFile()) throw notAFile(instance.path, 'no file')
}
