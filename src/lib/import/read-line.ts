import { resolve } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import type { ObjectSource } from '../intake/index.ts'
import { isRecordOf, parseRecord, type AnyRecord } from '../record/index.ts'
import { filePath, joinPath, type FilePath } from './file-path.ts'
import { pathOfRecord, type PathFacts } from './path-record.ts'

/** What one line from a shell loop, another tool or an original FIONA says. */
export type Line = ({ readonly path: FilePath } & PathFacts) | { readonly record: AnyRecord }

const slash = 0x2f
const brace = 0x7b
const quote = 0x22
const comma = 0x2c

/**
 * A path, plain, as a JSON string or as a `path` record (what `jq .record` makes of our error records); another
 * record as JSON; or the original's `calling,called,address,folder,file`. NUL bytes, which the original puts behind
 * each newline, are left out.
 * @param base where relative paths begin; undefined where they would mean nothing
 * @returns undefined for a line of nothing but white space
 * @throws FionaError E_RECORD_PARSE, E_RECORD_INVALID, E_PATH_RELATIVE
 */
export function readLine(bytes: Buffer, base: string | undefined): Line | undefined {
  const line = bytes.includes(0) ? Buffer.from(bytes.filter((byte) => byte !== 0)) : bytes
  if (line.every(isBlank)) return undefined
  if (line[0] === brace) return meaning(readRecord(line.toString()))
  const path = (line[0] === quote ? quoted(line) : undefined) ?? filePath(Buffer.from(line))
  if (line[0] === slash || (typeof path === 'string' && path.startsWith('/'))) return { path }
  const announced = readAnnouncement(line)
  if (announced !== undefined) return announced
  if (base !== undefined) {
    return { path: typeof path === 'string' ? resolve(base, path) : joinPath(base, path) }
  }
  if (line.filter((byte) => byte === comma).length >= 4) {
    throw new FionaError('E_PATH_RELATIVE', 'a line with commas is no announcement of an object', {
      hint: 'it has exactly five fields: calling AE title, called AE title, address, folder (from /), file; no commas in them',
      exitCode: ExitCode.badInput,
    })
  }
  throw new FionaError('E_PATH_RELATIVE', 'a line is neither an absolute path nor a record', {
    hint: 'write a path that begins with /, or one JSON object a line',
    exitCode: ExitCode.badInput,
  })
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)
}

/** A path record says what is to be imported; others pass. */
function meaning(record: AnyRecord): Line {
  if (!isRecordOf(record, 'path')) return { record }
  parseRecord(record)
  const { member, source } = record
  const path = pathOfRecord(record)
  return { path, member, source: source === undefined ? undefined : factsOf(source) }
}

function readRecord(text: string): AnyRecord {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new FionaError('E_RECORD_PARSE', 'a line begins like a record, but is not JSON', {
      hint: 'one JSON object a line; a file whose name begins with { is written ./{…',
      exitCode: ExitCode.badInput,
      cause: error,
    })
  }
  const type = (value as { type?: unknown }).type
  if (typeof type === 'string') return value as AnyRecord
  throw new FionaError('E_RECORD_INVALID', 'a line is JSON, but a record must have a type', {
    hint: 'docs/schema/ has the schema of each record',
    exitCode: ExitCode.badInput,
  })
}

/** Undefined where it is just a name that begins with a quote, or an AE title in quotes. */
function quoted(line: Buffer): string | undefined {
  try {
    const value: unknown = JSON.parse(line.toString())
    return typeof value === 'string' && value !== '' && !value.includes('\0') ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * As the original's reader does: five fields and no more, so none may hold a comma; AE titles without quotes,
 * blanks and backslashes; and 0.0.0.0 for an address that was not told. Latin-1 keeps the bytes of names apart.
 */
function readAnnouncement(line: Buffer): Line | undefined {
  const [calling = '', called = '', address = '', folder = '', file, ...more] = line
    .toString('latin1')
    .split(',')
  if (file === undefined || more.length > 0 || !folder.startsWith('/') || file === '')
    return undefined
  const source = factsOf({
    callingAET: calling,
    calledAET: called,
    address: address.replaceAll('"', '').trim() || '0.0.0.0',
  })
  return { path: filePath(Buffer.from(`${folder}/${file}`, 'latin1')), source }
}

/** What is known of where an object came from; undefined where that is nothing. */
function factsOf({ callingAET = '', calledAET = '', address = '' }: ObjectSource) {
  const facts = {
    callingAET: title(callingAET),
    calledAET: title(calledAET),
    address: address.trim(),
  }
  const known = Object.entries(facts).filter(([, value]) => value !== '' && value !== 'unknown')
  return known.length === 0 ? undefined : (Object.fromEntries(known) as ObjectSource)
}

/** As the original's reader does: quotes, blanks and backslashes are none of an AE title. */
function title(text: string): string {
  return text.replaceAll(/["\s\\]/g, '').slice(0, 16)
}
