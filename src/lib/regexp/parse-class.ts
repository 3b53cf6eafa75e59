import { PatternError, classMembers, literalMember } from './syntax.ts'

const controls: Readonly<Record<string, string>> = {
  a: '\x07',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** The reading of characters: escapes, and classes in brackets. */
export class ClassParser {
  at = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  protected peek(): string {
    const code = this.#text.codePointAt(this.at)
    return code === undefined ? '' : String.fromCodePoint(code)
  }

  protected next(): string {
    const character = this.peek()
    this.at += character.length
    return character
  }

  /** What a sticky expression finds here. */
  protected take(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.at
    const match = sticky.exec(this.#text)
    if (match === null) return undefined
    this.at += match[0].length
    return match
  }

  protected fail(message: string, at = this.at): never {
    throw new PatternError(message, at)
  }

  /** The class of an escape outside of brackets; the backslash is read. */
  protected setOfEscape(start: number): string {
    const members = this.#escapedMembers(start)
    return members.startsWith('[') ? members : `[${members}]`
  }

  /** A class in brackets; the first bracket is read. */
  protected characterClass(start: number): string {
    const negated = this.take(/\^/y) !== undefined
    let members = ''
    for (let first = true; first || this.peek() !== ']'; first = false) {
      if (this.peek() === '') this.fail('a [ without its ]', start)
      const low = this.#member()
      if (this.take(/-(?!\])/y) === undefined) {
        members += low.members
        continue
      }
      if (this.peek() === '') this.fail('a [ without its ]', start)
      const high = this.#member()
      if (low.character === undefined || high.character === undefined) {
        this.fail('a range needs a character on each side')
      }
      if ((low.character.codePointAt(0) ?? 0) > (high.character.codePointAt(0) ?? 0)) {
        this.fail(`the range ${low.character}-${high.character} is the wrong way round`)
      }
      members += `${low.members}-${high.members}`
    }
    this.next()
    return `[${negated ? '^' : ''}${members}]`
  }

  #member(): { members: string; character?: string } {
    const from = this.at
    const character = this.next()
    if (character !== '\\') return { members: literalMember(character), character }
    if (this.take(/b/y) !== undefined) return { members: literalMember('\b'), character: '\b' }
    const members = this.#escapedMembers(from)
    return members.startsWith('\\p') || members.startsWith('[') || members.startsWith('\\s')
      ? { members }
      : { members, character: characterOf(members) }
  }

  #escapedMembers(start: number): string {
    const letter = this.next()
    if (letter === 'd' || letter === 'w' || letter === 's') return classMembers[letter]
    if (letter === 'D' || letter === 'W' || letter === 'S') {
      return `[^${classMembers[letter.toLowerCase() as 'd' | 'w' | 's']}]`
    }
    const control = controls[letter]
    if (control !== undefined) return literalMember(control)
    if (letter === 'x' || letter === 'u' || letter === 'U') {
      const digits = { x: /[0-9a-fA-F]{2}/y, u: /[0-9a-fA-F]{4}/y, U: /[0-9a-fA-F]{8}/y }[letter]
      const match = this.take(digits)
      const code = match === undefined ? Infinity : Number.parseInt(match[0], 16)
      if (code > 0x10ffff) this.fail(`\\${letter} without its hexadecimal digits`, start)
      return literalMember(String.fromCodePoint(code))
    }
    if (letter === '0') {
      const octal = this.take(/[0-7]{0,2}/y)?.[0] ?? ''
      return literalMember(String.fromCharCode(Number.parseInt(`0${octal}`, 8)))
    }
    if (letter === '') this.fail('a \\ at the end', start)
    if (/[A-Za-z0-9]/.test(letter)) this.fail(`\\${letter} has no meaning`, start)
    return literalMember(letter)
  }
}

/** The character that `literalMember` wrote. */
function characterOf(member: string): string {
  const hex = /^\\u\{([0-9a-f]+)\}$/.exec(member)?.[1]
  return hex === undefined ? member : String.fromCodePoint(Number.parseInt(hex, 16))
}
