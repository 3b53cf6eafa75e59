import { FionaError } from '../error/index.ts'
import { nowIso } from './parse.ts'
import type { AnyRecord, ErrorRecord } from './record.ts'

/** The `error` record that tells what happened to `input`; anything but a FionaError counts as internal. */
export function errorRecord(tool: string, error: unknown, input: unknown): ErrorRecord & AnyRecord {
  const known = error instanceof FionaError ? error : undefined
  const message = error instanceof Error ? error.message : String(error)
  return {
    type: 'error',
    v: 1,
    time: nowIso(),
    tool,
    code: known?.code ?? 'E_INTERNAL',
    message: known?.hint === undefined ? message : `${message}; ${known.hint}`,
    retryable: known?.retryable ?? false,
    record: input,
  }
}
