/**
 * JSON that remembers where each thing was written, so that a mistake in a rule file can be shown
 * with its line. JSON.parse tells neither.
 */
export type JsonNode = JsonObject | JsonArray | JsonScalar

export interface JsonObject {
  readonly kind: 'object'
  readonly offset: number
  readonly members: readonly JsonMember[]
}
export interface JsonMember {
  readonly key: string
  readonly offset: number
  readonly value: JsonNode
}
export interface JsonArray {
  readonly kind: 'array'
  readonly offset: number
  readonly items: readonly JsonNode[]
}
export interface JsonScalar {
  readonly kind: 'scalar'
  readonly offset: number
  readonly value: string | number | boolean | null
}

export class JsonError extends Error {
  readonly offset: number
  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/** The member with this key; of several the last, as everybody reads JSON. */
export function memberOf(object: JsonObject, key: string): JsonMember | undefined {
  return object.members.findLast((member) => member.key === key)
}

/** The plain value, for messages. */
export function plainValue(node: JsonNode): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'array') return node.items.map(plainValue)
  return Object.fromEntries(node.members.map(({ key, value }) => [key, plainValue(value)]))
}

/** @throws JsonError */
export function parseJson(text: string): JsonNode {
  return new JsonParser(text).parse()
}

/** JSON values one after the other, as in NDJSON. @throws JsonError */
export function parseJsonValues(text: string): JsonNode[] {
  return new JsonParser(text).parseValues()
}

const deepestNesting = 100

class JsonParser {
  #at = 0
  #depth = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  parse(): JsonNode {
    this.#passByteOrderMark()
    const node = this.#value('a value')
    if (this.#peek() !== '') this.#fail(`${this.#shown()} after the end of the JSON`)
    return node
  }

  parseValues(): JsonNode[] {
    this.#passByteOrderMark()
    const nodes: JsonNode[] = []
    while (this.#peek() !== '') nodes.push(this.#value('a value'))
    return nodes
  }

  #passByteOrderMark(): void {
    if (this.#text.startsWith('\ufeff')) this.#at = 1
  }

  #peek(): string {
    for (;;) {
      const character = this.#text.charAt(this.#at)
      if (character === '' || !' \t\n\r'.includes(character)) return character
      this.#at += 1
    }
  }

  #shown(): string {
    const here = /[^\s,:[\]{}]{1,40}|./y
    here.lastIndex = this.#at
    const found = here.exec(this.#text)
    if (found === null) return 'the end of the file'
    return found[0].length > 1 && found[0].startsWith('"') ? found[0] : JSON.stringify(found[0])
  }

  #fail(message: string, offset = this.#at): never {
    throw new JsonError(message, offset)
  }

  #value(expected: string): JsonNode {
    const character = this.#peek()
    const offset = this.#at
    if (character === '{' || character === '[') {
      this.#depth += 1
      if (this.#depth > deepestNesting) this.#fail('the JSON is nested too deeply')
      this.#at += 1
      const node = character === '{' ? this.#object(offset) : this.#array(offset)
      this.#depth -= 1
      return node
    }
    if (character === '"') return { kind: 'scalar', offset, value: this.#string() }
    const word = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
    word.lastIndex = offset
    const found = word.exec(this.#text)?.[0]
    const behind = this.#text.charAt(offset + (found?.length ?? 0))
    if (found === undefined || /[\w.]/.test(behind)) {
      this.#fail(`${expected} is expected, not ${this.#shown()}`)
    }
    this.#at += found.length
    return { kind: 'scalar', offset, value: JSON.parse(found) as number | boolean | null }
  }

  #object(offset: number): JsonObject {
    const members: JsonMember[] = []
    if (this.#ends('}')) return { kind: 'object', offset, members }
    for (;;) {
      if (this.#peek() !== '"') {
        this.#fail(`a key in double quotes is expected, not ${this.#shown()}`)
      }
      const keyOffset = this.#at
      const key = this.#string()
      if (!this.#ends(':'))
        this.#fail(`a : is expected after the key "${key}", not ${this.#shown()}`)
      members.push({ key, offset: keyOffset, value: this.#value('a value') })
      if (this.#ends('}')) return { kind: 'object', offset, members }
      if (!this.#ends(',')) this.#fail(`a , or } is expected, not ${this.#shown()}`)
      if (this.#peek() === '}') this.#fail('a , in front of } (the last member has none)')
    }
  }

  #array(offset: number): JsonArray {
    const items: JsonNode[] = []
    if (this.#ends(']')) return { kind: 'array', offset, items }
    for (;;) {
      items.push(this.#value('a value'))
      if (this.#ends(']')) return { kind: 'array', offset, items }
      if (!this.#ends(',')) this.#fail(`a , or ] is expected, not ${this.#shown()}`)
      if (this.#peek() === ']') this.#fail('a , in front of ] (the last entry has none)')
    }
  }

  #ends(mark: string): boolean {
    if (this.#peek() !== mark) return false
    this.#at += 1
    return true
  }

  #string(): string {
    const whole = /"(?:[^"\\\n\r]|\\.)*"/y
    whole.lastIndex = this.#at
    const found = whole.exec(this.#text)?.[0]
    if (found === undefined) this.#fail('a text without its closing "')
    try {
      const value = JSON.parse(found) as string
      this.#at += found.length
      return value
    } catch {
      return this.#failInString(found)
    }
  }

  #failInString(quoted: string): never {
    const bad = /\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4}|\\)./.exec(quoted.replaceAll('\\\\', '  '))
    if (bad === null) this.#fail('a control character in a text')
    this.#fail(
      `${JSON.stringify(bad[0]).slice(1, -1).replaceAll('\\\\', '\\')} is no escape of JSON; a backslash is written \\\\`,
      this.#at + bad.index,
    )
  }
}
