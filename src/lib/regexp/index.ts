/**
 * Regular expressions that cannot hang the stream. Rules bring the pattern, senders bring the text:
 * with a backtracking matcher either can make it run for years. Here the pattern is read as Python
 * reads it, and each text goes to JavaScript's matcher only when the ways it could try are few;
 * otherwise to an automaton whose time is text × pattern at worst.
 */
import { Automaton } from './automaton.ts'
import { parsePattern } from './parse-pattern.ts'
import { backtracking, toJavaScript } from './to-javascript.ts'

export { PatternError } from './syntax.ts'

/** Of a longer value only so much is looked at; LT, the longest VR with a limit, has 10,240. */
export const longestText = 16_384
/** Ways through a pattern that JavaScript's matcher may try: a millisecond or so. */
const mostTries = 1_000_000

export class BoundedRegExp {
  /** As it was written. */
  readonly source: string
  readonly #regExp: RegExp
  readonly #automaton: Automaton
  /** Up to this length JavaScript's matcher is sure to end soon. */
  readonly #shortEnough: number
  // The objects of a series repeat most values of the one before.
  #lastText: string | undefined
  #lastResult = false

  /** @throws PatternError */
  constructor(source: string) {
    this.source = source
    const { pattern, ignoreCase } = parsePattern(source)
    const { degree, factor } = backtracking(pattern)
    this.#shortEnough =
      degree === Infinity ? -1 : Math.floor((mostTries / factor) ** (1 / (degree + 1))) - 1
    this.#regExp = new RegExp(toJavaScript(pattern), ignoreCase ? 'iv' : 'v')
    this.#automaton = new Automaton(pattern, ignoreCase)
  }

  /** Some repetition of it could try more and more ways with each character: no text of it is short enough. */
  get isRisky(): boolean {
    return this.#shortEnough < 0
  }

  /** How many groups capture. */
  get groups(): number {
    // The empty alternative matches, and every group is in the answer.
    return (new RegExp(`${this.#regExp.source}|`, this.#regExp.flags).exec('')?.length ?? 1) - 1
  }

  /** Of longer texts `captures` finds nothing; 0 when it never does. */
  get longestCaptured(): number {
    return Math.min(Math.max(this.#shortEnough, 0), longestText)
  }

  /**
   * The first match and what its groups matched, undefined for one that took no part; undefined when there is no
   * match, and for texts longer than `longestCaptured`.
   */
  captures(text: string): readonly (string | undefined)[] | undefined {
    if (text.length > this.#shortEnough || text.length > longestText) return undefined
    return this.#regExp.exec(text) ?? undefined
  }

  /** Whether the pattern matches anywhere in the text. */
  test(text: string): boolean {
    if (text === this.#lastText) return this.#lastResult
    this.#lastResult = this.#match(text)
    this.#lastText = text
    return this.#lastResult
  }

  #match(text: string): boolean {
    if (text.length <= this.#shortEnough && text.length <= longestText) {
      return this.#regExp.test(text)
    }
    return this.#automaton.test(text.slice(0, longestText), text.length > longestText)
  }
}
