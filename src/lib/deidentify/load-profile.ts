import { ExitCode, FionaError } from '../error/index.ts'
import { basicProfile } from './basic-profile.ts'
import type { Profile } from './profile.ts'

/**
 * The profile of this name.
 * @throws FionaError E_PROFILE (exit 78)
 */
export function loadProfile(name: string): Profile {
  if (name === 'basic') return basicProfile()
  throw unknownProfile()
}

/** Whoever asks for other rules must not get these without noticing. */
export function unknownProfile(): FionaError {
  return new FionaError(
    'E_PROFILE',
    'the only profile is basic; profile files cannot be used yet, and nothing was de-identified',
    {
      hint: 'leave out --profile and deidentify.profile of the project, or set it to basic',
      exitCode: ExitCode.badConfig,
    },
  )
}
