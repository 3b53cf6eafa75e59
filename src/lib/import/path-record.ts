import { ExitCode, FionaError } from '../error/index.ts'
import type { ObjectSource } from '../intake/index.ts'
import type { PathRecord } from '../record/index.ts'
import { filePath, shownPath, type FilePath } from './file-path.ts'

/** What there was to import, beside its path. */
export interface PathFacts {
  readonly source?: ObjectSource | undefined
  /** One file in a package. */
  readonly member?: string | undefined
}

/**
 * The input of an import as error records hold it: an absolute path, whatever the working directory was,
 * and what else was said. `fiona-import` reads it back from stdin and at the front door.
 */
export function pathRecord(path: FilePath, facts: PathFacts = {}): PathRecord {
  const record: PathRecord = { type: 'path', path: shownPath(path) }
  if (typeof path !== 'string') record.bytes = path.toString('base64')
  if (facts.member !== undefined) record.member = facts.member
  if (facts.source !== undefined) record.source = { ...facts.source }
  return record
}

/**
 * The path that a path record (valid by its schema) means.
 * @throws FionaError E_RECORD_INVALID
 */
export function pathOfRecord(record: PathRecord): FilePath {
  if (record.bytes === undefined) return record.path
  const bytes = Buffer.from(record.bytes, 'base64')
  if (bytes[0] === 0x2f && !bytes.includes(0)) return filePath(bytes)
  throw new FionaError('E_RECORD_INVALID', 'path record: bytes are no absolute path', {
    hint: 'docs/schema/path.json says what they must be',
    exitCode: ExitCode.badInput,
  })
}
