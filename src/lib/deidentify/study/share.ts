import { type Reason, Reasons } from '../reasons.ts'
import { type IdentityTerms, KnownIdentity } from '../search/known-identity.ts'
import type { ObjectNotes, Output } from './object-maker.ts'
import { Tally, type TallyState } from './tally.ts'

/** What was made of some objects of a study, as it can be handed to another thread. */
export interface Share {
  readonly terms: IdentityTerms
  readonly reasons: readonly Reason[]
  readonly tally: TallyState
  readonly outputs: ReadonlyMap<string, Output>
  readonly patients: ReadonlySet<string>
}

/** What is noted of some objects only, until the notes of a study are put together. */
export type NotesOfShare = Pick<
  ObjectNotes,
  'identity' | 'reasons' | 'tally' | 'outputs' | 'patients'
>

/** Nothing is noted yet. */
export function newNotes(participant: string, extraTerms: readonly string[]): NotesOfShare {
  return {
    identity: new KnownIdentity([participant], extraTerms),
    reasons: new Reasons(),
    tally: new Tally(),
    outputs: new Map(),
    patients: new Set(),
  }
}

export function shareOf({ identity, reasons, tally, outputs, patients }: NotesOfShare): Share {
  return {
    terms: identity.terms(),
    reasons: reasons.list(),
    tally: tally.state(),
    outputs,
    patients,
  }
}
