import { ExitCode, FionaError } from '../error/index.ts'
import { validators } from './generated/validators.js'
import type { AnyRecord, FionaRecord, RecordType, RecordTypes } from './record.ts'

/**
 * Validate a record of a known type. Unknown fields are kept.
 * @throws FionaError E_RECORD_INVALID naming the first field that is wrong
 */
export function parseRecord(value: unknown): FionaRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('a record must be a JSON object')
  }
  const type = (value as { type?: unknown }).type
  if (typeof type !== 'string') throw invalid('a record must have a type')
  const validate = Object.hasOwn(validators, type) ? validators[type] : undefined
  if (validate === undefined) throw invalid(`no record type "${type.slice(0, 40)}" is known`)
  if (validate(value)) return value as FionaRecord
  const first = validate.errors?.[0]
  const where = first?.instancePath.slice(1).replaceAll('/', '.')
  const field = where === undefined || where === '' ? '' : ` ${where}`
  throw invalid(`${type} record:${field} ${first?.message ?? 'is not valid'}`)
}

/** Narrow by type alone; the content is that of a validated record only after `parseRecord`. */
export function isRecordOf<Type extends RecordType>(
  record: AnyRecord | FionaRecord,
  type: Type,
): record is RecordTypes[Type] & AnyRecord {
  return record.type === type
}

/** The present as records say it: ISO 8601, UTC, milliseconds. */
export function nowIso(): string {
  return new Date().toISOString()
}

function invalid(message: string): FionaError {
  return new FionaError('E_RECORD_INVALID', message, {
    hint: 'docs/schema/ has the schema of each record',
    exitCode: ExitCode.badInput,
  })
}
