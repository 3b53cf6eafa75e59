/** A pattern, taken apart. `set` is one character, written as a JavaScript character class (flag v). */
export type Pattern =
  | { readonly kind: 'set'; readonly source: string }
  | { readonly kind: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'choice'; readonly parts: readonly Pattern[] }
  | {
      readonly kind: 'repeat'
      readonly part: Pattern
      readonly min: number
      readonly max: number
      /** As few as possible: only what is captured depends on it. */
      readonly lazy: boolean
    }
  | { readonly kind: 'group'; readonly part: Pattern }
  | { readonly kind: 'place'; readonly place: Place }
  | {
      readonly kind: 'look'
      readonly ahead: boolean
      readonly wanted: boolean
      readonly part: Pattern
    }

/** Conditions on a position. `end` is Python's `$`: also in front of a last line feed. */
export type Place =
  'start' | 'end' | 'veryEnd' | 'lineStart' | 'lineEnd' | 'wordEdge' | 'noWordEdge'

/** A pattern that is none, or that no one may use here. `at` counts characters of the pattern. */
export class PatternError extends Error {
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/** Members of Python's classes for text, as members of a JavaScript class with flag v. */
export const classMembers = {
  d: '\\p{Nd}',
  w: '\\p{L}\\p{N}_',
  s: '\\s\\x1c-\\x1f\\x85',
} as const
export const wordSet = `[${classMembers.w}]`

/** One character as a member of a class, whatever it would mean there by itself. */
export function literalMember(character: string): string {
  return /^[A-Za-z0-9]$/.test(character)
    ? character
    : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
