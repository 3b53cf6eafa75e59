// The rule language once a file is read: what the two semantics compile. Parity with the original's
// classifyRules.json is in its entries; what they mean is in strict/ and compat/.
import type { TagForm } from '../dicom/index.ts'

/** How missing and odd values count: ours, or exactly as the original FIONA did. */
export type SemanticsName = 'strict' | 'compat'

export const operators = [
  'regexp',
  'contains',
  '==',
  '!=',
  '<',
  '>',
  '<=',
  '>=',
  'approx',
  'in',
  'exists',
  'notexists',
] as const
export type Operator = (typeof operators)[number]

/** The original's own spelling of the presence tests. */
export const operatorSpellings: Readonly<Record<string, Operator>> = {
  exist: 'exists',
  notexist: 'notexists',
}

/**
 * What a test looks at. `key` is the same for the same thing. Private ones by their creator, and those in sequences, are
 * strict only.
 */
export type Operand = { readonly kind: 'types'; readonly key: string } | TagForm

/** What it is compared with: an array that reads as a tag is one (`operand`), else what it says. */
export type Expected =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly texts: readonly string[] }
  | { readonly kind: 'operand'; readonly operand: Operand; readonly texts: readonly string[] }

export interface Test {
  readonly kind: 'test'
  readonly operand: Operand
  /** Undefined where the file names an operator that nobody knows: compat lets that pass. */
  readonly operator: Operator | undefined
  readonly expected: Expected
  readonly negate: boolean
  readonly tolerance: number
  readonly written: Written
  /** Where the file says it. */
  readonly offset: number
}

/** An entry as the file has it, for `--explain`. */
export interface Written {
  readonly tag: unknown
  readonly operator: string
  readonly value: unknown
  readonly line: number
}

export interface Reference {
  readonly kind: 'reference'
  readonly id: string
  readonly negate: boolean
  /** Where the file says it. */
  readonly offset: number
}

/** An entry that the original skips, which makes it hold (compat only). */
export interface Skipped {
  readonly kind: 'skipped'
}

/** Entries of which all, or any, must hold. `not` is all of its entries, negated (strict only). */
export interface Group {
  readonly kind: 'group'
  readonly mode: 'all' | 'any'
  readonly negate: boolean
  readonly entries: readonly Entry[]
}

export type Entry = Test | Reference | Skipped | Group

export interface Definition {
  readonly type: string
  readonly id: string | undefined
  /** `check: SeriesLevel` or `StudyLevel`: all objects of it must match, not just one. */
  readonly everyObject: boolean
  /** `check: StudyLevel`: a type of the study, of none of its series (strict only). */
  readonly ofStudy: boolean
  readonly entries: readonly Entry[]
  readonly offset: number
  readonly line: number
}
