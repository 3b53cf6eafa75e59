import { type Pattern, type Place, wordSet } from './syntax.ts'

const places: Readonly<Record<Place, string>> = {
  start: '^',
  end: '(?=\\n?$)',
  veryEnd: '$',
  lineStart: '(?<=^|\\n)',
  lineEnd: '(?=\\n|$)',
  wordEdge: `(?:(?<=${wordSet})(?!${wordSet})|(?<!${wordSet})(?=${wordSet}))`,
  noWordEdge: `(?:(?<=${wordSet})(?=${wordSet})|(?<!${wordSet})(?!${wordSet}))`,
}

/** The same pattern for JavaScript's RegExp with flag v. */
export function toJavaScript(pattern: Pattern): string {
  switch (pattern.kind) {
    case 'set':
      return pattern.source
    case 'place':
      return places[pattern.place]
    case 'sequence':
      return pattern.parts.map(inSequence).join('')
    case 'choice':
      return pattern.parts.map(toJavaScript).join('|')
    case 'repeat':
      return `(?:${toJavaScript(pattern.part)})${quantifier(pattern.min, pattern.max)}${pattern.lazy ? '?' : ''}`
    case 'group':
      return `(${toJavaScript(pattern.part)})`
    case 'look':
      return `(?${pattern.ahead ? '' : '<'}${pattern.wanted ? '=' : '!'}${toJavaScript(pattern.part)})`
  }
}

function inSequence(part: Pattern): string {
  return part.kind === 'choice' ? `(?:${toJavaScript(part)})` : toJavaScript(part)
}

function quantifier(min: number, max: number): string {
  return `{${String(min)},${max === Infinity ? '' : String(max)}}`
}

/** A bound on what backtracking may try at one start: `factor` × length to the power of `degree`. */
export interface Effort {
  readonly degree: number
  readonly factor: number
}
const single: Effort = { degree: 0, factor: 1 }
const unbounded: Effort = { degree: Infinity, factor: Infinity }

/**
 * How many ways a backtracking matcher has through the pattern. A repetition of something that has
 * one way only, such as `.*`, has as many ways as there are characters; a repetition of something
 * with several, such as `(a+)+` or `(a|ab)*`, counts as without bound.
 */
export function backtracking(pattern: Pattern): Effort {
  switch (pattern.kind) {
    case 'set':
    case 'place':
      return single
    case 'sequence':
      return pattern.parts.map(backtracking).reduce(product, single)
    case 'choice':
      return pattern.parts.map(backtracking).reduce(sum)
    case 'look':
    case 'group':
      return backtracking(pattern.part)
    case 'repeat': {
      const { min, max } = pattern
      const inner = backtracking(pattern.part)
      if (max <= 1) return { degree: inner.degree, factor: inner.factor + 1 }
      if (inner.degree > 0 || inner.factor > 1) return unbounded
      return max === Infinity ? { degree: 1, factor: 1 } : { degree: 0, factor: max - min + 1 }
    }
  }
}

function product(a: Effort, b: Effort): Effort {
  return { degree: a.degree + b.degree, factor: a.factor * b.factor }
}

function sum(a: Effort, b: Effort): Effort {
  return { degree: Math.max(a.degree, b.degree), factor: a.factor + b.factor }
}
