import { makeProfile } from './make-profile.ts'
import type { Profile } from './profile.ts'

let made: Profile | undefined

/** The Basic Application Level Confidentiality Profile (PS3.15 E.2), without options. */
export function basicProfile(): Profile {
  made ??= makeProfile({ name: 'basic' })
  return made
}
