import { isUtf8 } from 'node:buffer'
import { stat } from 'node:fs/promises'
import { ExitCode, FionaError } from '../error/index.ts'
import {
  LineSplitter,
  LineTooLong,
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

/** PIPE_BUF of Linux: what is written at once into a pipe stays together up to here (pipe(7)). */
const pipeBufBytes = 4096
/** How much of a line that means nothing its error record holds, whole lines up to here. */
const mostShownBytes = 1 << 16
/** And how much where all of it lies in a file. */
const excerptBytes = 4096

export interface LineOptions {
  /** NUL, as from `find -print0`; newline unless told. */
  readonly separator?: number | undefined
  /** Where relative paths begin; undefined where they mean nothing. */
  readonly base: string | undefined
  /** Of a service: which place of all its input the first byte has. Its input has no end. */
  readonly beginsAt?: number | undefined
  /** That first byte belongs to a line that was told as too long. */
  readonly isWithinLongLine?: boolean | undefined
  /** Keeps what an error record cannot hold. Resolves to the path it lies at. */
  readonly keep?: ((line: Buffer, reason: FionaError) => Promise<string>) | undefined
  /** Throws where only records may come in. */
  readonly admitPath?: (() => void) | undefined
  /** Which records may come in, and what is to be done before they do. */
  readonly admit: (record: AnyRecord) => Promise<void>
  /** After it, a folder is not walked on; what was left of it is told as trouble. */
  readonly signal: AbortSignal
}

export type Chunk = Buffer

/** What the lines of a stream of bytes mean. A line that means nothing is trouble, and the next is read. */
export async function* entriesOfLines(
  chunks: AsyncIterable<Chunk>,
  options: LineOptions,
): AsyncGenerator<Entry, void, undefined> {
  const { beginsAt } = options
  const splitter = new LineSplitter(maxLineBytes, options.separator, options.isWithinLongLine)
  const reached = (from: number): Entry => {
    const { givenBytes, isWithinLongLine } = splitter
    return { kind: 'lineEnd', place: from + givenBytes, isWithinLongLine }
  }
  for await (const chunk of chunks) {
    for (const line of splitter.push(chunk)) {
      if (line instanceof LineTooLong) yield await meaningless(line.beginning, line, options)
      else yield* entriesOfLine(line, options)
      if (beginsAt !== undefined) yield reached(beginsAt)
    }
    // Of a line without end nothing is kept behind its beginning.
    if (beginsAt !== undefined && splitter.isWithinLongLine) yield reached(beginsAt)
  }
  // Of a service the rest of the line may come at its next start.
  if (beginsAt !== undefined) return
  const last = splitter.end()
  if (last !== undefined) yield* entriesOfLine(last, options)
}

async function* entriesOfLine(
  line: Buffer,
  options: LineOptions,
): AsyncGenerator<Entry, void, undefined> {
  const { base, admit, admitPath, signal } = options
  let input: unknown
  try {
    const said = readLine(line, base)
    if (said === undefined) return
    if ('path' in said) {
      const { path, ...facts } = said
      input = pathRecord(path, facts)
      admitPath?.()
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
    yield input === undefined
      ? await meaningless(line, error, options)
      : { kind: 'trouble', error, input }
  }
}

/**
 * Nothing of a line that nobody understands is lost: its error record holds all of it, or, where it is long or no
 * UTF-8, a file does. The kernel keeps only short lines of several writers apart, and says nothing when it does not.
 */
async function meaningless(
  line: Buffer,
  reason: FionaError,
  { keep, beginsAt }: LineOptions,
): Promise<Entry> {
  const { code, message, exitCode } = reason
  const isTooLong = reason instanceof LineTooLong
  const isHeld = !isTooLong && line.length <= mostShownBytes && isUtf8(line)
  const place = isHeld ? undefined : await keep?.(line, reason)
  const details = [
    `${isTooLong ? 'its first ' : ''}${String(line.length)} bytes`,
    ...(place === undefined ? [] : [`kept in ${place}`]),
  ]
  const isMixed = beginsAt !== undefined && line.length >= pipeBufBytes
  const hints = [
    ...(reason.hint === undefined ? [] : [reason.hint]),
    ...(isMixed
      ? [
          `lines of more than ${String(pipeBufBytes)} bytes may be mixed with those of another writer: give them to fiona-journal append`,
        ]
      : []),
  ]
  const said = isMixed || place !== undefined ? `${message} (${details.join(', ')})` : message
  // Not the reason itself: it may hold all of a long line, and many errors may be on their way.
  const error = new FionaError(code, said, {
    ...(hints.length === 0 ? {} : { hint: hints.join('; ') }),
    exitCode,
  })
  const shownBytes = isHeld || place === undefined ? mostShownBytes : excerptBytes
  return { kind: 'trouble', error, input: line.toString('utf8', 0, shownBytes) }
}

/** Records from a pipe between tools: what is no instance is for somebody else and passes. */
export async function admitFromTool(record: AnyRecord): Promise<void> {
  if (record.type === 'instance') await requireFile(record)
}

/** What each journal is made of; one that is not here takes any record that is known. */
const admitted: Readonly<Record<string, readonly string[]>> = {
  organized: ['instance', 'series', 'study'],
  requested: ['request'],
  outbox: ['deidentified'],
}

/**
 * Records from the front door of a journal, where anybody may have written them: only known ones, none that a stage
 * speaks to itself with, and none that would bring a clinical record behind the privacy boundary.
 */
export function admitFromAnybody(journal: string): (record: AnyRecord) => Promise<void> {
  const types = Object.hasOwn(admitted, journal) ? admitted[journal] : undefined
  return async (record) => {
    const { type } = record
    if (type === 'mark' || type === 'error' || types?.includes(type) === false) {
      throw new FionaError(
        'E_RECORD_INVALID',
        `a record of type ${type.slice(0, 40)} does not come in by the front door of ${journal}`,
        {
          hint:
            type === 'error'
              ? 'to replay an error record, write what its field "record" holds'
              : `it takes ${types?.join(', ') ?? 'what filters make'}`,
          exitCode: ExitCode.badInput,
        },
      )
    }
    if (type === 'instance') await requireFile(record)
    else parseRecord(record)
  }
}

/** For doors behind the first: what is imported begins at the beginning of the chain. */
export function refusePaths(journal: string): () => never {
  return () => {
    throw new FionaError('E_RECORD_INVALID', `the front door of ${journal} takes records only`, {
      hint: 'a path belongs to the door of received',
      exitCode: ExitCode.badInput,
    })
  }
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
