import type { DicomFile } from '../dicom/index.ts'
import type { KnownIdentity } from './search/known-identity.ts'
import type { ObjectPolicy } from './object-policy.ts'
import type { Unwanted } from './descriptors/clean-text.ts'
import type { Decide, Profile } from './profile/profile.ts'
import { type Pseudonyms, normalUid } from './pseudonyms.ts'
import type { Reasons } from './reasons.ts'
import type { Trace } from './explain/trace.ts'

/** What the elements of an object are rewritten with. */
export interface Rewriting {
  readonly file: DicomFile
  readonly policy: ObjectPolicy
  readonly SOPClassUID: string
  readonly profile: Profile
  /** The profile's, for this object. */
  readonly decide: Decide
  readonly pseudonyms: Pseudonyms
  readonly participant: string
  readonly project: string
  readonly event: string | undefined
  readonly requestId: string
  /** By which dates are shifted; 0 for a profile that shifts none. */
  readonly days: number
  /** Read when the first text is cleaned. */
  readonly unwanted: () => Unwanted
  readonly identity: KnownIdentity
  readonly reasons: Reasons
  /** Elements by what was done with them, for the `deidentified` record. */
  readonly count: (what: string) => void
  /** Told of each element, where a person wants to know. */
  readonly trace?: Trace | undefined
}

/** The new UID for one; what was replaced is remembered, to be searched for afterwards. */
export function newUid(original: string, { pseudonyms, identity }: Rewriting): string {
  const normal = normalUid(original)
  if (normal === '') return ''
  const made = pseudonyms.uid(normal)
  if (made !== normal) identity.uids.add(normal)
  return made
}
