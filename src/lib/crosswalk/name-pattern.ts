import { ExitCode, FionaError } from '../error/index.ts'

const digits = Array.from('0123456789')
const mostNames = 1e12
/** Groups in groups; a pattern of a person has one or two. */
const deepestNesting = 20

/** All names that a pattern allows, each with its number. */
export interface NamePattern {
  /** As it is written. */
  readonly source: string
  /** How many there are, as far as anybody counts: at most 10^12. */
  readonly count: number
  /** From 1 on; undefined beyond the last. No two are the same. */
  readonly nth: (n: number) => string | undefined
}

/** A piece of a name: how many texts it may be, and the one of that number (from 0 on). */
interface Piece {
  readonly count: number
  /** @param groups what the groups before it became, for `\1` */
  readonly write: (at: number, groups: string[]) => string
}

/**
 * The names a pattern allows, one after the other: `ABCD-[0-9]{4}` is ABCD-0001, ABCD-0002 … ABCD-9999, ABCD-0000. The
 * n-th name is n, written with the choices of the pattern for digits, so that no two are the same. The notation is that
 * of gen-id: text as it is, `[a-z]`, `\d`, `(one|other)`, each with `{n}` behind it (of `{n,m}` the n counts); `\1` for what the first
 * group became; `\` before a character that would mean something.
 * @throws FionaError E_CONFIG
 */
export function namePatternOf(pattern: string): NamePattern {
  const whole = new PatternReader(pattern).read()
  if (whole.count < 2) throw badPattern(pattern, 'it allows one name only')
  const count = Math.min(whole.count, mostNames)
  return {
    source: pattern,
    count,
    nth: (n) => (n > count ? undefined : whole.write(n % whole.count, [])),
  }
}

/** @returns the n-th name, from 1 on; undefined when all were told */
export function namesOf(pattern: string): NamePattern['nth'] {
  return namePatternOf(pattern).nth
}

class PatternReader {
  readonly #pattern: string
  #at = 0
  #groups = 0
  #depth = 0

  constructor(pattern: string) {
    this.#pattern = pattern
  }

  read(): Piece {
    const whole = this.#sequence()
    if (this.#at < this.#pattern.length) throw this.#meaningless()
    return whole
  }

  /** Up to the end, or to what ends a group. */
  #sequence(): Piece {
    const pieces: Piece[] = []
    while (this.#at < this.#pattern.length && !/[|)]/.test(this.#pattern[this.#at] ?? '')) {
      const piece = this.#piece()
      const times = /^\{(\d{1,2})(?:,\d{0,2})?\}/.exec(this.#pattern.slice(this.#at, this.#at + 8))
      this.#at += times?.[0].length ?? 0
      for (let time = 0; time < Number(times?.[1] ?? 1); time += 1) pieces.push(piece)
    }
    return inSequence(pieces)
  }

  #piece(): Piece {
    const found = this.#take(/\[([^\]^]+)\]|\\(.)|([^[\](){}\\.+*?^$|])/suy)
    if (found === undefined) return this.#group()
    const [, characters, escaped, literal] = found
    if (characters !== undefined) return oneOf(this.#distinct(classOf(this.#pattern, characters)))
    if (escaped === 'd') return oneOf(digits)
    if (escaped !== undefined && /[1-9]/.test(escaped)) return this.#reference(Number(escaped))
    if (escaped !== undefined && /[a-z0-9]/i.test(escaped)) {
      throw badPattern(this.#pattern, `it has \\${escaped}`)
    }
    return oneOf([escaped ?? literal ?? ''])
  }

  #group(): Piece {
    if (this.#take(/\((?!\?)/y) === undefined) throw this.#meaningless()
    this.#depth += 1
    if (this.#depth > deepestNesting)
      throw badPattern(this.#pattern, 'groups are nested too deeply')
    const number = (this.#groups += 1)
    const alternatives = [this.#sequence()]
    while (this.#take(/\|/y) !== undefined) alternatives.push(this.#sequence())
    if (this.#take(/\)/y) === undefined) throw this.#meaningless()
    this.#depth -= 1
    const inner = alternatives.length === 1 ? alternatives[0] : this.#choice(alternatives)
    return {
      count: inner?.count ?? 0,
      write: (at, groups) => (groups[number] = inner?.write(at, groups) ?? ''),
    }
  }

  /** Words alone: of anything else nobody could say that no two names are the same. */
  #choice(alternatives: readonly Piece[]): Piece {
    if (alternatives.some(({ count }) => count > 1)) {
      throw badPattern(this.#pattern, 'of (one|other) each must be a word')
    }
    const words = this.#distinct(alternatives.map(({ write }) => write(0, [])))
    const isBegun = words.some((word) =>
      words.some((other) => other !== word && other.startsWith(word)),
    )
    if (isBegun) {
      throw badPattern(
        this.#pattern,
        'no word of a choice may begin with another one, or two names could be the same',
      )
    }
    return oneOf(words)
  }

  #reference(number: number): Piece {
    if (number > this.#groups) {
      throw badPattern(this.#pattern, `no group stands before \\${String(number)}`)
    }
    return { count: 1, write: (_, groups) => groups[number] ?? '' }
  }

  #distinct(choices: readonly string[]): readonly string[] {
    if (new Set(choices).size === choices.length) return choices
    throw badPattern(this.#pattern, 'it has the same choice twice')
  }

  #take(what: RegExp): RegExpExecArray | undefined {
    what.lastIndex = this.#at
    const found = what.exec(this.#pattern)
    this.#at += found?.[0].length ?? 0
    return found ?? undefined
  }

  #meaningless(): FionaError {
    const rest = this.#pattern.slice(this.#at, this.#at + 10)
    return badPattern(this.#pattern, `it means nothing from ${JSON.stringify(rest)} on`)
  }
}

function oneOf(texts: readonly string[]): Piece {
  return { count: texts.length, write: (at) => texts[at] ?? '' }
}

/** A number of as many places as there are pieces: the last one changes first. */
function inSequence(pieces: readonly Piece[]): Piece {
  const count = pieces.reduce((product, piece) => product * piece.count, 1)
  return {
    count,
    write: (at, groups) => {
      const places: number[] = []
      let rest = at
      for (const piece of [...pieces].reverse()) {
        places.unshift(rest % piece.count)
        rest = Math.floor(rest / piece.count)
      }
      // From the left: what refers to a group stands behind it.
      return pieces.map((piece, index) => piece.write(places[index] ?? 0, groups)).join('')
    },
  }
}

function classOf(pattern: string, characters: string): string[] {
  const found: string[] = []
  for (const [, from = '', to = from] of characters.matchAll(/(.)(?:-(.))?/gsu)) {
    const [start, end] = [from.codePointAt(0) ?? 0, to.codePointAt(0) ?? 0]
    if (end < start || end - start > 100) throw badPattern(pattern, `it has ${from}-${to}`)
    for (let code = start; code <= end; code += 1) found.push(String.fromCodePoint(code))
  }
  return found
}

function badPattern(pattern: string, why: string): FionaError {
  return new FionaError(
    'E_CONFIG',
    `the pattern ${JSON.stringify(pattern)} makes no names: ${why}`,
    {
      hint: 'write text, [a-z], \\d or (one|two), each with {n} for n times, \\1 for the first group again: ABCD-[0-9]{4}',
      exitCode: ExitCode.badConfig,
    },
  )
}
