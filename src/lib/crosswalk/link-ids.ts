/**
 * Which links are there, by 64 bits of their keyed ids: eight bytes for each and as many to spare, where a set of
 * texts would need two hundred. Of ten million links, the chance that a new one is taken for one of them is one in
 * 10^12; nobody without the key can make two that are.
 */
export class LinkIds {
  #high: Uint32Array
  #low: Uint32Array
  #size = 0

  constructor() {
    this.#high = new Uint32Array(1024)
    this.#low = new Uint32Array(1024)
  }

  get size(): number {
    return this.#size
  }

  has(id: Buffer): boolean {
    const at = this.#find(highOf(id), lowOf(id))
    return this.#high[at] !== 0 || this.#low[at] !== 0
  }

  add(id: Buffer): void {
    const [high, low] = [highOf(id), lowOf(id)]
    const at = this.#find(high, low)
    if (this.#high[at] !== 0 || this.#low[at] !== 0) return
    this.#high[at] = high
    this.#low[at] = low
    this.#size += 1
    if (this.#size * 3 > this.#high.length * 2) this.#grow()
  }

  /** Where it is, or would be: the next free place from where its lowest bits say. */
  #find(high: number, low: number): number {
    const mask = this.#high.length - 1
    let at = low & mask
    while (this.#high[at] !== 0 || this.#low[at] !== 0) {
      if (this.#high[at] === high && this.#low[at] === low) return at
      at = (at + 1) & mask
    }
    return at
  }

  #grow(): void {
    const [high, low] = [this.#high, this.#low]
    this.#high = new Uint32Array(high.length * 2)
    this.#low = new Uint32Array(low.length * 2)
    for (let from = 0; from < high.length; from += 1) {
      const [one, other] = [high[from] ?? 0, low[from] ?? 0]
      if (one === 0 && other === 0) continue
      const at = this.#find(one, other)
      this.#high[at] = one
      this.#low[at] = other
    }
  }
}

function highOf(id: Buffer): number {
  return id.readUInt32LE(0)
}

/** Zero in both means free: no id is that. */
function lowOf(id: Buffer): number {
  return id.readUInt32LE(4) || 1
}
