import { type Pattern, PatternError, type Place, wordSet } from './syntax.ts'

/** A step of the automaton. `to` are the steps behind it; only `set` takes a character. */
type Step =
  | { readonly kind: 'set'; readonly set: CharacterSet; to: number }
  | { readonly kind: 'split'; to: readonly number[] }
  | { readonly kind: 'place'; readonly place: Place; to: number }
  | { readonly kind: 'look'; readonly look: Look; to: number }
  | { readonly kind: 'accept' }

interface Look {
  readonly automaton: Automaton
  readonly wanted: boolean
}

/** Counted repetitions are written out; more steps than this and matching would be slow, not wrong. */
const mostSteps = 5000

/**
 * Matches in time proportional to text × pattern, whatever both are: all ways through the pattern
 * are followed at once (Thompson's construction), none is tried again. Lookarounds are automata of
 * their own, whose matches are found for all positions in one pass in front of the main one.
 */
export class Automaton {
  readonly #steps: Step[] = []
  readonly #start: number
  readonly #backwards: boolean
  readonly #looks: Look[] = []
  readonly #ignoreCase: boolean

  /** @param backwards read the text from its end: for lookaheads, whose matches begin where asked */
  constructor(pattern: Pattern, ignoreCase: boolean, backwards = false) {
    this.#ignoreCase = ignoreCase
    this.#backwards = backwards
    this.#start = this.#build(pattern, this.#add({ kind: 'accept' }))
  }

  /** @param cut the text goes on behind what is given: its end is not the end */
  test(text: string, cut = false): boolean {
    return this.#run({ points: pointsOf(text), cut }, true).includes(1)
  }

  #add(step: Step): number {
    if (this.#steps.length >= mostSteps) throw new PatternError('the pattern is too large', 0)
    return this.#steps.push(step) - 1
  }

  /** Steps for a pattern in front of the step `to`; returns the first of them. */
  #build(pattern: Pattern, to: number): number {
    switch (pattern.kind) {
      case 'set':
        return this.#add({
          kind: 'set',
          set: new CharacterSet(pattern.source, this.#ignoreCase),
          to,
        })
      case 'place':
        return this.#add({ kind: 'place', place: pattern.place, to })
      case 'sequence': {
        // Built from the last part to the first; a backwards automaton meets the first one last.
        const parts = this.#backwards ? pattern.parts : pattern.parts.toReversed()
        return parts.reduce((next, part) => this.#build(part, next), to)
      }
      case 'choice':
        return this.#add({ kind: 'split', to: pattern.parts.map((part) => this.#build(part, to)) })
      case 'look': {
        const automaton = new Automaton(pattern.part, this.#ignoreCase, pattern.ahead)
        const look = { automaton, wanted: pattern.wanted }
        this.#looks.push(look)
        return this.#add({ kind: 'look', look, to })
      }
      case 'group':
        return this.#build(pattern.part, to)
      case 'repeat':
        return this.#buildRepeat(pattern.part, pattern.min, pattern.max, to)
    }
  }

  #buildRepeat(part: Pattern, min: number, max: number, to: number): number {
    let first = to
    if (max === Infinity) {
      const loop: Step = { kind: 'split', to: [] }
      first = this.#add(loop)
      loop.to = [this.#build(part, first), to]
    } else {
      for (let optional = min; optional < max; optional++) {
        first = this.#add({ kind: 'split', to: [this.#build(part, first), to] })
      }
    }
    for (let required = 0; required < min; required++) first = this.#build(part, first)
    return first
  }

  /** For each position: 1 where a match ends that began anywhere before it. */
  #run(subject: Subject, stopAtFirst: boolean): Uint8Array {
    const { points } = subject
    const looks = new Map(this.#looks.map((look) => [look, look.automaton.#run(subject, false)]))
    const ends = new Uint8Array(points.length + 1)
    const reachedAt = new Int32Array(this.#steps.length).fill(-1)
    let waiting: number[] = []
    for (let done = 0; done <= points.length; done++) {
      const position = this.#backwards ? points.length - done : done
      // Follow everything that takes no character; each step once a position.
      const pending = [...waiting, this.#start]
      const characters: number[] = []
      for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
        if (reachedAt[at] === done) continue
        reachedAt[at] = done
        const step = this.#steps[at]
        if (step === undefined) continue
        if (step.kind === 'set') characters.push(at)
        else if (step.kind === 'split') pending.push(...step.to)
        else if (step.kind === 'accept') ends[position] = 1
        else if (step.kind === 'place') {
          if (isPlace(step.place, subject, position)) pending.push(step.to)
        } else if ((looks.get(step.look)?.[position] === 1) === step.look.wanted) {
          pending.push(step.to)
        }
      }
      if (stopAtFirst && ends[position] === 1) break
      const point = points[this.#backwards ? position - 1 : position]
      waiting = []
      if (point === undefined) break
      for (const at of characters) {
        const step = this.#steps[at]
        if (step?.kind === 'set' && step.set.has(point)) waiting.push(step.to)
      }
    }
    return ends
  }
}

interface Subject {
  readonly points: Int32Array
  readonly cut: boolean
}

function pointsOf(text: string): Int32Array {
  return Int32Array.from(text, (character) => character.codePointAt(0) ?? 0)
}

const lineFeed = 0x0a

function isPlace(place: Place, { points, cut }: Subject, position: number): boolean {
  const isEnd = position === points.length && !cut
  switch (place) {
    case 'start':
      return position === 0
    case 'veryEnd':
      return isEnd
    case 'end':
      return isEnd || (!cut && position === points.length - 1 && points[position] === lineFeed)
    case 'lineStart':
      return position === 0 || points[position - 1] === lineFeed
    case 'lineEnd':
      return isEnd || points[position] === lineFeed
    case 'wordEdge':
    case 'noWordEdge': {
      const isEdge = isWord(points[position - 1]) !== isWord(points[position])
      return isEdge === (place === 'wordEdge')
    }
  }
}

function isWord(point: number | undefined): boolean {
  return point !== undefined && wordCharacters.has(point)
}

/** One class of characters; what is ASCII is remembered in a table. Most are never asked: JavaScript's matcher does it. */
class CharacterSet {
  readonly #source: string
  readonly #flags: string
  #regExp: RegExp | undefined
  /** 0 not asked yet, 1 in the class, 2 not. */
  #ascii: Uint8Array | undefined

  constructor(source: string, ignoreCase: boolean) {
    this.#source = source
    this.#flags = ignoreCase ? 'iv' : 'v'
  }

  has(point: number): boolean {
    const ascii = (this.#ascii ??= new Uint8Array(128))
    const known = point < 128 ? ascii[point] : 0
    if (known !== 0) return known === 1
    this.#regExp ??= new RegExp(`^${this.#source}$`, this.#flags)
    const isMember = this.#regExp.test(String.fromCodePoint(point))
    if (point < 128) ascii[point] = isMember ? 1 : 2
    return isMember
  }
}

const wordCharacters = new CharacterSet(wordSet, false)
