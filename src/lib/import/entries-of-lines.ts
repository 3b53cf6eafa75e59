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
/** How much of a line that means nothing its error record holds. */
const mostShownBytes = 1 << 16

export interface LineOptions {
  /** NUL, as from `find -print0`; newline unless told. */
  readonly separator?: number | undefined
  /** Where relative paths begin; undefined where they mean nothing. */
  readonly base: string | undefined
  /** Of a service: which place of all its input the first byte has. Its input has no end. */
  readonly beginsAt?: number | undefined
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
  const splitter = new LineSplitter(maxLineBytes, options.separator)
  for await (const chunk of chunks) {
    for (const line of splitter.push(chunk)) {
      if (line instanceof LineTooLong) {
        const input = line.head.toString()
        yield { kind: 'trouble', error: line, input }
      } else yield* entriesOfLine(line, options)
      if (beginsAt !== undefined) {
        yield { kind: 'lineEnd', place: beginsAt + splitter.givenBytes }
      }
    }
  }
  // Of a service the rest of the line may come at its next start.
  if (beginsAt !== undefined) return
  const last = splitter.end()
  if (last !== undefined) yield* entriesOfLine(last, options)
}

async function* entriesOfLine(
  line: Buffer,
  { base, beginsAt, admit, admitPath, signal }: LineOptions,
): AsyncGenerator<Entry, void, undefined> {
  let input: unknown = line.toString('utf8', 0, mostShownBytes)
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
    const isMixed = beginsAt !== undefined && line.length >= pipeBufBytes && isUnreadable(error)
    yield { kind: 'trouble', error: isMixed ? mixed(error, line.length) : error, input }
  }
}

function isUnreadable({ code }: FionaError): boolean {
  return code === 'E_RECORD_PARSE' || code === 'E_PATH_RELATIVE'
}

/** The kernel keeps only short lines of several writers apart, and says nothing when it does not. */
function mixed(error: FionaError, bytes: number): FionaError {
  return new FionaError(error.code, `${error.message} (${String(bytes)} bytes)`, {
    hint: `${error.hint ?? ''}; lines of more than ${String(pipeBufBytes)} bytes may be mixed with those of another writer: give them to fiona-journal append`,
    exitCode: error.exitCode,
  })
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
