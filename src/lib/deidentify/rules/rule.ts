/**
 * Rules of a profile: what a project wants done with an attribute, whatever the table says of it. They were read
 * and checked when the profile was (`profile-file/`); here they are asked, object by object. The first rule that
 * fits decides.
 */
import type { BoundedRegExp } from '../../regexp/index.ts'

/** Which attributes: in order from the outermost sequence that is named to the attribute itself. */
export interface Selector {
  /** As it was written. */
  readonly text: string
  /** The first step stands at the top of the object. */
  readonly isAnchored: boolean
  /** Sequences around; undefined is any. */
  readonly around: readonly (TagMask | undefined)[]
  readonly target: Target
}

/** Tags whose bits are those of `value` where `mask` has ones. */
export interface TagMask {
  readonly value: number
  readonly mask: number
}

export type Target =
  | ({ readonly kind: 'tag' } & TagMask)
  /** By the creator of its block and the last two digits, which is all that does not change (PS3.5 7.8.1). */
  | {
      readonly kind: 'private'
      readonly group: number
      readonly creator: string
      readonly element: number
      readonly mask: number
    }
  /** By what the dictionary says of the attribute, not what the file claims. */
  | { readonly kind: 'vr'; readonly vrs: readonly string[] }

/** Of an attribute at the top of the object, or of what the classification said of it. */
export interface Condition {
  readonly of: number | 'ClassifyType'
  /** One of them is enough: a text that is the same but for case, or a pattern found anywhere. */
  readonly is: readonly (string | BoundedRegExp)[]
}

/** Text with what the request says in it. */
export type Template = readonly (string | { readonly of: Placeholder })[]
export const placeholders = ['participant', 'project', 'event', 'requestId'] as const
export type Placeholder = (typeof placeholders)[number]

export type RuleAction =
  | { readonly kind: 'keep' | 'remove' | 'empty' | 'dummy' | 'uid' | 'shiftDate' | 'clean' }
  /** As the original replaces UIDs that it does not give its root: without a secret, and the same in all projects. */
  | { readonly kind: 'uidWithoutRoot'; readonly isPadded: boolean }
  /** The study is held if the attribute is there; what becomes of it later rules and the table say. */
  | { readonly kind: 'review' }
  /** The object stays on the clinical side. */
  | { readonly kind: 'drop' }
  | { readonly kind: 'set'; readonly value: Template; readonly create: boolean }
  | { readonly kind: 'hash'; readonly length: number | undefined; readonly style: Style }
  | {
      readonly kind: 'extract'
      readonly pattern: BoundedRegExp
      /** Numbers are groups of the pattern. */
      readonly template: readonly (string | number | { readonly of: Placeholder })[]
      /** What is written where nothing matches; empty without it. */
      readonly otherwise: string | undefined
    }

/** `original` is that of the original FIONA: without a secret, so whoever knows a value finds what it became. */
export type Style = 'keyed' | 'original'

export interface Rule {
  /** Where it stands: `profile.yaml:12`, for people. */
  readonly line: number
  readonly selectors: readonly Selector[]
  readonly when: readonly Condition[]
  readonly action: RuleAction
}
