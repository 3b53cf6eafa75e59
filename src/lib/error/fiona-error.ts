/** Exit codes of every tool, after sysexits(3). `someErrors` (1): done, but error records were written. */
export const ExitCode = {
  ok: 0,
  someErrors: 1,
  usage: 64,
  badInput: 65,
  unavailable: 69,
  internal: 70,
  cannotCreate: 73,
  io: 74,
  tryAgain: 75,
  notAllowed: 77,
  badConfig: 78,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

export interface FionaErrorOptions {
  /** What the reader can do about it, as a sentence without capital or full stop. */
  readonly hint?: string | undefined
  /** True when the same input may succeed later without being changed. */
  readonly retryable?: boolean
  /** Whoever refused said when to come again; not before. */
  readonly retryAfterSeconds?: number | undefined
  /** What a tool exits with when this ends it; 70 unless told. */
  readonly exitCode?: ExitCode
  readonly cause?: unknown
}

/**
 * Expected trouble. `code` is stable and documented (`E_DICOM_PARSE`), `message` says what happened
 * to what, `hint` what to do. Programming errors are never wrapped in it.
 */
export class FionaError extends Error {
  readonly code: string
  readonly hint: string | undefined
  readonly retryable: boolean
  readonly retryAfterSeconds: number | undefined
  readonly exitCode: ExitCode

  constructor(code: string, message: string, options: FionaErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'FionaError'
    this.code = code
    this.hint = options.hint
    this.retryable = options.retryable ?? false
    this.retryAfterSeconds = options.retryAfterSeconds
    this.exitCode = options.exitCode ?? ExitCode.internal
  }
}
