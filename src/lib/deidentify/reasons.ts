/** Why a study waits for a person. `where` is an attribute path or a kind of object; never a value. */
export interface Reason {
  readonly code: ReasonCode
  readonly where: string
  readonly count: number
}

export type ReasonCode =
  | 'burned-in-annotation'
  | 'screen-capture'
  | 'classified-check-burned-in'
  | 'recognizable-visual-features'
  | 'overlay-in-pixel-data'
  | 'pixel-rule'
  | 'text-in-pixels'
  | 'text-search-failed'
  | 'pixels-not-masked'
  | 'faces-not-removed'
  | 'bytes-behind-pixels'
  | 'damaged-pixel-data'
  | 'incomplete-object'
  | 'encapsulated-document'
  | 'raw-data'
  | 'voice'
  | 'surface-scan'
  | 'unknown-sop-class'
  | 'objects-missing'
  | 'patient-conflict'
  | 'participant-of-other-patient'
  | 'patient-is-other-participant'
  | 'study-has-other-uid'
  | 'dates-have-other-shift'
  | 'nothing-left'
  | 'unreadable-object'
  | 'unreadable-value'
  | 'unknown-transfer-syntax'
  | 'unknown-character-set'
  | 'pixels-elsewhere'
  | 'foreign-object'
  | 'same-uid-twice'
  | 'identity-found'
  | 'profile-review'

/** What a person who looked may let pass. Of the others nothing that could be delivered was made. */
const releasable: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'burned-in-annotation',
  'screen-capture',
  'classified-check-burned-in',
  'recognizable-visual-features',
  'overlay-in-pixel-data',
  'pixel-rule',
  'text-in-pixels',
  'text-search-failed',
  'incomplete-object',
  'encapsulated-document',
  'raw-data',
  'voice',
  'surface-scan',
  'unknown-sop-class',
  'objects-missing',
  'patient-conflict',
  'participant-of-other-patient',
  'patient-is-other-participant',
  'study-has-other-uid',
  'dates-have-other-shift',
  'profile-review',
])

/**
 * What nobody sees who looks at pictures, or what the project said must not be seen in them: it passes only if somebody
 * takes it upon them.
 */
const releasableAnyway: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'identity-found',
  'bytes-behind-pixels',
  'damaged-pixel-data',
  'pixels-not-masked',
  'faces-not-removed',
])

export function isReleasable(code: ReasonCode): boolean {
  return releasable.has(code)
}

export function isReleasableAnyway(code: ReasonCode): boolean {
  return releasableAnyway.has(code)
}

/** Reasons of one study, each place counted. */
export class Reasons {
  #counts = new Map<string, { code: ReasonCode; where: string; count: number }>()

  /** How many there are, those of one place each. */
  total = 0

  add(code: ReasonCode, where: string, count = 1): void {
    this.total += count
    const key = `${code} ${where}`
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { code, where, count })
    else known.count += count
  }

  /** In a fixed order, whatever the order of the objects was. */
  list(): Reason[] {
    return [...this.#counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, reason]) => ({ ...reason }))
  }
}
