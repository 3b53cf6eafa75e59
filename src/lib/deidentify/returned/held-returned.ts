import { FionaError, ExitCode } from '../../error/index.ts'
import type { ReasonCode } from '../reasons.ts'

/**
 * What a person who looked may let pass of what came back. Nothing is rewritten here, so what says that it is of somebody, or
 * holds what is known of a patient, is mended where it was made, whoever takes it upon them.
 */
const mayPass: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'burned-in-annotation',
  'screen-capture',
  'classified-check-burned-in',
  'recognizable-visual-features',
  'encapsulated-document',
  'raw-data',
  'voice',
  'surface-scan',
  'unknown-sop-class',
  'objects-missing',
])

export function isReleasableReturned(code: ReasonCode): boolean {
  return mayPass.has(code)
}

/** What is to be done about one that is held. @param command the one that decides */
export function howToDecideReturned(
  reasons: readonly { readonly code: ReasonCode }[],
  command: string,
): string {
  if (reasons.every(({ code }) => isReleasableReturned(code))) return command
  return 'have it sent again as the participant alone, without the patient; fiona-anon --drop ends it'
}

/** It is held again for what cannot be released. */
export function notReleasableReturned(codes: readonly string[]): FionaError {
  return new FionaError(
    'E_NOT_RELEASABLE',
    `it came back from processing, and this is mended where it was made: ${codes.join(', ')}`,
    {
      hint: 'have it sent again as the participant alone, without the patient, or drop it with --drop',
      exitCode: ExitCode.notAllowed,
    },
  )
}
