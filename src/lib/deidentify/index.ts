/**
 * The privacy boundary. What goes in are records of clinical studies; what comes out are copies that
 * hold nothing of the patient, or a word that a person must look first.
 *
 * An object is rewritten element by element. A profile (`make-profile.ts`) decides an action for each: rules of the
 * project first (`profile-file/`, `rules/`), then PS3.15 Table E.1-1 with its options (`decide-by-table.ts`, `beyond-the-table.ts`); how it is
 * done is in `apply-action.ts`. Pseudonyms are keyed functions of what they replace
 * (`pseudonyms.ts`), pixels pass by as ranges of the file, parts of them blank where the profile says so
 * (`pixels/`), and nothing else may be where they are. Then it is read again and searched for all that its study told of the patient
 * (`known-identity.ts`, `search-identity.ts`). A study appears in the outbox whole or not at all
 * (`outbox.ts`); what speaks against it is in `reasons.ts`, and what a person may decide in `review.ts`.
 * Whatever we do not know (an attribute, a class, a syntax) fails closed.
 */
export type { Action, Decision } from './actions/action.ts'
export { basicProfile } from './profile/basic-profile.ts'
export { cleanText } from './descriptors/clean-text.ts'
export { type DateShift } from './dates/date-shift.ts'
export { type ProfileRow, decideByTable, profileRows } from './table/decide-by-table.ts'
export { Deidentifier, type DeidentifierOptions } from './study/deidentifier.ts'
export { type Exclusion, exclusionOf } from './study/exclusions.ts'
export { imagingVocabulary } from './descriptors/imaging-vocabulary.ts'
export { KnownIdentity } from './search/known-identity.ts'
export { type CheckedProfile, checkProfile, loadProfile } from './profile/load-profile.ts'
export { lookAtProfiles } from './profile/look-at-profiles.ts'
export { loadProjectProfiles, requireHonoured, settingsOf } from './profile/project-profiles.ts'
export { type ProfileParts, makeProfile } from './profile/make-profile.ts'
export { type Naming, namingOf } from './study/name-participant.ts'
export { type ObjectPolicy, policyOf } from './object-policy.ts'
export type { Decide, ObjectFacts, Profile } from './profile/profile.ts'
export {
  type ProfileOption,
  isProfileOption,
  pixelOptions,
  tableOptions,
} from './profile/profile-options.ts'
export { type ProfileProblem, formatProblem } from './profile-file/problems.ts'
export { type PixelPolicy, compilePixelRules } from './pixels/index.ts'
export { Pseudonyms } from './pseudonyms.ts'
export {
  type DecisionOptions,
  decisionOf,
  requireOneDecision,
  reviewArguments,
} from './review/decision-options.ts'
export { Review } from './review/review.ts'
export { listReview, showHeld } from './review/show-review.ts'
export type { Rules } from './rules/index.ts'
export { type Site, openSite } from './study/open-site.ts'
export { StudyPartner } from './study/study-partner.ts'
export { IdentitySearch } from './search/search-identity.ts'
export { shiftTemporal } from './dates/shift-date.ts'
export { Surroundings } from './surroundings.ts'
