import { ExitCode, FionaError } from '../error/index.ts'

/** What the C-STORE request said of the object (PS3.7 9.1.1). */
export interface Expected {
  readonly SOPClassUID: string
  readonly SOPInstanceUID: string
}

/** PS3.4 B.2.3: the request names the object it carries; another one under that name would be believed stored. */
export function requireAgreement(object: Expected, expected: Expected): void {
  for (const keyword of ['SOPClassUID', 'SOPInstanceUID'] as const) {
    if (object[keyword] === expected[keyword]) continue
    throw new FionaError(
      'E_IDENTITY_MISMATCH',
      `the request says ${keyword} ${expected[keyword].slice(0, 64)}, the object ${object[keyword]}`,
      { hint: 'the sender must mend its request or the object', exitCode: ExitCode.badInput },
    )
  }
}

/** The part file is not what was written into it. */
export function sizeMismatch(found: number, said: number): FionaError {
  return new FionaError('E_SIZE_MISMATCH', `${said} bytes came in, ${found} are in the file`, {
    hint: 'bytes were lost on the way, or the source changed; send the object again',
    retryable: true,
    exitCode: ExitCode.io,
  })
}
