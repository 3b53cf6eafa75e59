import { tagOf } from '../dicom/index.ts'
import { BoundedRegExp, PatternError } from '../regexp/index.ts'
import type { StudyInQuestion } from './source.ts'

/** What a template is filled with. */
type Piece =
  | { readonly text: string }
  | { readonly name: string }
  /** What the group of that number captured of a condition of the same rule. */
  | { readonly name: string; readonly patterns: readonly BoundedRegExp[]; readonly group: number }

/** Names that stand for a value in a template though they are no keywords. */
const facts = new Set(['callingAET', 'calledAET'])

/**
 * A text with `{Keyword}` for a value of the study, and `{Keyword.1}` for what the first group of the rule's condition on that keyword
 * captured. `{{` is a brace.
 */
export class ParticipantTemplate {
  readonly #pieces: readonly Piece[]

  /**
   * @param conditions of the rule, as they are written
   * @throws Error with a clause that says what is wrong
   */
  constructor(text: string, conditions: Readonly<Record<string, string | readonly string[]>>) {
    this.#pieces = piecesOf(text).map((piece) => {
      if (piece.name === undefined) return { text: piece.text }
      const [, name = '', number] = /^(\w+)(?:\.([1-9]))?$/.exec(piece.name) ?? []
      if (!facts.has(name) && tagOf(name) === undefined) {
        throw new Error(
          `has {${piece.name}}, which is neither a DICOM keyword nor callingAET or calledAET`,
        )
      }
      if (number === undefined) return { name }
      const written = Object.hasOwn(conditions, name) ? conditions[name] : undefined
      if (written === undefined) {
        throw new Error(`has {${piece.name}}, and the rule has no condition on ${name}`)
      }
      return {
        name,
        patterns: patternsWith(Number(number), piece.name, written),
        group: Number(number),
      }
    })
  }

  /** @returns undefined where the study lacks a value that is needed, or has several */
  fill(study: StudyInQuestion): string | undefined {
    let filled = ''
    for (const piece of this.#pieces) {
      const text = 'text' in piece ? piece.text : valueOf(piece, study)
      if (text === undefined) return undefined
      filled += text
    }
    return filled
  }
}

function valueOf(
  piece: Exclude<Piece, { readonly text: string }>,
  study: StudyInQuestion,
): string | undefined {
  const values = study.values(piece.name)
  const found = new Set(
    'group' in piece
      ? values.flatMap((value) => {
          for (const pattern of piece.patterns) {
            const captured = pattern.captures(value)
            if (captured !== undefined) return [captured[piece.group] ?? '']
          }
          return []
        })
      : values,
  )
  const [only] = found
  return found.size === 1 && only !== '' ? only : undefined
}

function patternsWith(
  group: number,
  piece: string,
  written: string | readonly string[],
): readonly BoundedRegExp[] {
  return (typeof written === 'string' ? [written] : written).map((text) => {
    try {
      const pattern = new BoundedRegExp(text)
      if (pattern.groups < group) {
        throw new Error(`has {${piece}}, and the condition has no such group: ${text}`)
      }
      if (pattern.longestCaptured < 64) {
        throw new Error(
          `has {${piece}}, and of the condition ${text} nobody can say how long it takes to find a group; make it simpler`,
        )
      }
      return pattern
    } catch (error) {
      // The condition itself says so, at its own place.
      if (error instanceof PatternError)
        throw new Error(`has {${piece}}, and the condition is none: ${text}`, { cause: error })
      throw error
    }
  })
}

function piecesOf(text: string): ({ text: string; name?: undefined } | { name: string })[] {
  const pieces: ({ text: string; name?: undefined } | { name: string })[] = []
  const next = /\{\{|\{([^{}]*)\}|[^{]+/gsy
  for (let at = 0; at < text.length; at = next.lastIndex) {
    next.lastIndex = at
    const found = next.exec(text)
    if (found === null) throw new Error(`has a { without its }, in ${JSON.stringify(text)}`)
    const [whole, name] = found
    if (name !== undefined) pieces.push({ name })
    else pieces.push({ text: whole === '{{' ? '{' : whole })
  }
  return pieces
}
