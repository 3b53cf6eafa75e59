import { ClassParser } from './parse-class.ts'
import { type Pattern, literalMember } from './syntax.ts'

export interface ParsedPattern {
  readonly pattern: Pattern
  readonly ignoreCase: boolean
}

/** Groups in groups. Beyond it a pattern is an accident, and recursion has to end somewhere. */
const deepestNesting = 100
const mostRepetitions = 1000

/**
 * A regular expression as Python's `re` reads it, because that is what rule files were written for.
 * Not taken: backreferences (no matcher can bound their time), possessive and atomic groups,
 * verbose mode, and flags for a part of the pattern.
 * @throws PatternError
 */
export function parsePattern(text: string): ParsedPattern {
  return new PatternParser(text).parse()
}

class PatternParser extends ClassParser {
  #ignoreCase = false
  #multiLine = false
  #dotAll = false
  #depth = 0

  parse(): ParsedPattern {
    this.#leadingFlags()
    const pattern = this.#choice()
    if (this.peek() === ')') this.fail('a ) without its (')
    return { pattern, ignoreCase: this.#ignoreCase }
  }

  #leadingFlags(): void {
    for (
      let match = this.take(/\(\?([a-zA-Z]+)\)/y);
      match !== undefined;
      match = this.take(/\(\?([a-zA-Z]+)\)/y)
    ) {
      for (const flag of match[1] ?? '') {
        if (flag === 'i') this.#ignoreCase = true
        else if (flag === 'm') this.#multiLine = true
        else if (flag === 's') this.#dotAll = true
        else if (flag !== 'u') this.fail(`the flag ${flag} is not known here`)
      }
    }
  }

  #choice(): Pattern {
    this.#depth += 1
    if (this.#depth > deepestNesting) this.fail('groups are nested too deeply')
    const parts = [this.#sequence()]
    while (this.take(/\|/y) !== undefined) parts.push(this.#sequence())
    this.#depth -= 1
    const [only] = parts
    return parts.length === 1 && only !== undefined ? only : { kind: 'choice', parts }
  }

  #sequence(): Pattern {
    const parts: Pattern[] = []
    for (let next = this.peek(); next !== '' && next !== '|' && next !== ')'; next = this.peek()) {
      const isGroup = next === '('
      const part = this.#atom()
      if (part !== undefined) parts.push(this.#repeated(part, isGroup))
    }
    const [only] = parts
    return parts.length === 1 && only !== undefined ? only : { kind: 'sequence', parts }
  }

  /** Undefined for a comment, which is nothing at all. */
  #atom(): Pattern | undefined {
    const start = this.at
    const next = this.next()
    switch (next) {
      case '(':
        return this.#group(start)
      case '[':
        return { kind: 'set', source: this.characterClass(start) }
      case '.':
        return { kind: 'set', source: this.#dotAll ? '[\\s\\S]' : '[^\\n]' }
      case '^':
        return { kind: 'place', place: this.#multiLine ? 'lineStart' : 'start' }
      case '$':
        return { kind: 'place', place: this.#multiLine ? 'lineEnd' : 'end' }
      case '\\':
        return this.#escape(start)
      case '*':
      case '+':
      case '?':
        return this.fail('nothing to repeat', start)
      default:
        return { kind: 'set', source: `[${literalMember(next)}]` }
    }
  }

  #escape(start: number): Pattern {
    const places = { A: 'start', Z: 'veryEnd', b: 'wordEdge', B: 'noWordEdge' } as const
    const letter = this.peek()
    if (letter === 'A' || letter === 'Z' || letter === 'b' || letter === 'B') {
      this.next()
      return { kind: 'place', place: places[letter] }
    }
    if (/[1-9]/.test(letter)) this.fail('backreferences are not taken: their time has no bound')
    return { kind: 'set', source: this.setOfEscape(start) }
  }

  #group(start: number): Pattern | undefined {
    if (this.take(/\?#[^)]*\)/y) !== undefined) return undefined
    const look = this.take(/\?(<?)([=!])/y)
    const isPlain = this.take(/\?:/y) !== undefined
    const captures =
      look === undefined &&
      !isPlain &&
      (this.take(/\?P<[A-Za-z_]\w*>/y) !== undefined || this.peek() !== '?')
    if (look === undefined && !isPlain && !captures) this.#refuseGroup(start)
    const part = this.#choice()
    if (this.take(/\)/y) === undefined) this.fail('a ( without its )', start)
    if (look === undefined) return captures ? { kind: 'group', part } : part
    return { kind: 'look', ahead: look[1] === '', wanted: look[2] === '=', part }
  }

  #refuseGroup(start: number): never {
    if (this.take(/\?P=/y)) {
      this.fail('backreferences are not taken: their time has no bound', start)
    }
    if (this.take(/\?[a-zA-Z-]+[:)]/y))
      this.fail('flags such as (?i) must stand at the very beginning', start)
    this.fail('a group (? of a kind that is not taken here', start)
  }

  #repeated(part: Pattern, isGroup: boolean): Pattern {
    const start = this.at
    const counts = this.#quantifier()
    if (counts === undefined) return part
    if (part.kind === 'place' && !isGroup) this.fail('nothing to repeat', start)
    if (this.take(/\+/y) !== undefined) this.fail('possessive quantifiers are not taken', start)
    const lazy = this.take(/\?/y) !== undefined
    const again = this.at
    if (this.#quantifier() !== undefined) this.fail('multiple repeat', again)
    return { kind: 'repeat', part, ...counts, lazy }
  }

  #quantifier(): { min: number; max: number } | undefined {
    const match = this.take(/[*+?]|\{(\d*)(,?)(\d*)\}/y)
    if (match === undefined) return undefined
    const [whole, low = '', comma = '', high = ''] = match
    if (whole === '*') return { min: 0, max: Infinity }
    if (whole === '+') return { min: 1, max: Infinity }
    if (whole === '?') return { min: 0, max: 1 }
    if (low === '' && high === '' && comma === '') {
      this.at -= whole.length // `{}` is text
      return undefined
    }
    const min = Number(low)
    const max = comma === '' ? min : high === '' ? Infinity : Number(high)
    if (max < min) this.fail('the counts are the wrong way round')
    if (min > mostRepetitions || (max !== Infinity && max > mostRepetitions)) {
      this.fail(`more than ${String(mostRepetitions)} repetitions`)
    }
    return { min, max }
  }
}
