import type { Operand } from './rule-definition.ts'

/** Everything a rule file looks at, numbered, so that each is read once an object. */
export class Operands {
  readonly #slots = new Map<string, number>()
  readonly all: Operand[] = []

  slotOf(operand: Operand): number {
    const known = this.#slots.get(operand.key)
    if (known !== undefined) return known
    const slot = this.all.push(operand) - 1
    this.#slots.set(operand.key, slot)
    return slot
  }
}

/** Values by slot, read when a test asks for them first. */
export class ReadValues<Value> {
  readonly #values: (Value | undefined | typeof unread)[]
  readonly #read: (slot: number) => Value | undefined

  constructor(slots: number, read: (slot: number) => Value | undefined) {
    this.#values = new Array<typeof unread>(slots).fill(unread)
    this.#read = read
  }

  /** A negative slot is none. */
  at(slot: number): Value | undefined {
    if (slot < 0) return undefined
    const value = this.#values[slot]
    if (value !== unread) return value
    const read = this.#read(slot)
    this.#values[slot] = read
    return read
  }
}

const unread: unique symbol = Symbol('unread')
