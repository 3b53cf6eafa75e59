import type { Account } from './account.ts'
import type { Exclusion } from './exclusions.ts'
import type { Outbox } from './outbox.ts'
import type { Profile } from '../profile/profile.ts'
import type { Pseudonyms } from '../pseudonyms.ts'
import type { Reason } from '../reasons.ts'
import type { Waiver } from '../review/waiver.ts'
import type { Sources } from './source-objects.ts'
import type { Masks } from './mask-tally.ts'
import type { StudyPartner } from './study-partner.ts'
import type { MaskedObject } from './tally.ts'

export interface Partner {
  readonly thread: StudyPartner
  /** The secret of the project. */
  readonly key: Buffer
  /** What the request itself wants left out. */
  readonly exclude: readonly Readonly<Record<string, string>>[]
}

/** What shall be made of a study. */
export interface StudyTask {
  readonly StudyInstanceUID: string
  readonly sources: Sources
  readonly profile: Profile
  readonly pseudonyms: Pseudonyms
  readonly project: string
  readonly participant: string
  readonly event: string | undefined
  readonly requestId: string
  readonly outbox: Outbox
  readonly durable: boolean
  /** Objects that the project does not want. */
  readonly exclusion: Exclusion
  /** What speaks against it before any object is read. */
  readonly objections: readonly Reason[]
  /** What a person has decided to let pass. */
  readonly waived: Waiver
  /** Another thread that may take part, and what it cannot read for itself. */
  readonly partner?: Partner | undefined
}

export interface Published {
  readonly StudyInstanceUID: string
  readonly path: string
  readonly series: readonly { readonly SeriesInstanceUID: string; readonly instances: number }[]
  readonly instances: number
  readonly bytes: number
  /** Elements by what was done with them, of all objects of this revision. */
  readonly removed: Readonly<Record<string, number>>
  readonly account: Account
  /** How many different terms known of the patient, staff and study were searched for. */
  readonly terms: number
  /** Objects of this revision with masked pixels, how many rectangles of them, and objects searched for text or defaced. */
  readonly pixels: Readonly<Record<'masked' | 'regions' | 'searched' | 'defaced', number>>
  /** Where they were masked. */
  readonly masks: Masks
  readonly waived: readonly Reason[]
}

export interface Held {
  readonly account: Account
  readonly reasons: readonly Reason[]
  /** Source paths by reason, for the person who looks: they stay on the clinical side. */
  readonly details: readonly { readonly code: string; readonly path: string }[]
  /** What was masked in which object, so that a person can compare. */
  readonly masked: readonly MaskedObject[]
}
