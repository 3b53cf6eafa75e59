// The provider's side of an association (PS3.8) for C-STORE and C-ECHO, as short as it can be: no limits, no checks, no header.
import type { Transport } from '../../src/lib/dimse/transport.ts'

const command = { store: 0x0001, echo: 0x0030 }

/** Where one association's objects go, one after the other. What it does takes as long as it takes: nothing waits for it elsewhere. */
export interface Keeper {
  begin(): void
  /** Borrowed until this returns. */
  bytes(fragment: Buffer): void
  /** Then the sender is told of success. */
  end(): void
}

/** A PDU header (PS3.8 9.3), and in a P-DATA-TF the header of a PDV, with the context's id and the flags. */
const pduHeaderBytes = 6
const pdvHeaderBytes = 6

export class Association {
  readonly #transport: Transport
  readonly #keeper: Keeper
  /** Whatever is shorter than what has to be seen at once. */
  #kept = Buffer.alloc(0)
  #pduLeft = 0
  #pdvLeft = 0
  #contextId = 0
  #flags = 0
  #command: Buffer[] = []

  constructor(transport: Transport, keeper: Keeper) {
    this.#transport = transport
    this.#keeper = keeper
  }

  take(chunk: Buffer): void {
    let bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk])
    for (;;) {
      const rest = this.#step(bytes)
      if (rest === undefined) break
      bytes = rest
    }
    // The chunk's memory is used again for the next read.
    this.#kept = bytes.length === 0 ? Buffer.alloc(0) : Buffer.from(bytes)
  }

  /** @returns what is left, or undefined when more has to come */
  #step(bytes: Buffer): Buffer | undefined {
    if (this.#pdvLeft > 0) {
      if (bytes.length === 0) return undefined
      const fragment = bytes.subarray(0, this.#pdvLeft)
      this.#pdvLeft -= fragment.length
      this.#pduLeft -= fragment.length
      this.#fragment(fragment)
      return bytes.subarray(fragment.length)
    }
    if (this.#pduLeft > 0) {
      if (bytes.length < pdvHeaderBytes) return undefined
      this.#pdvLeft = bytes.readUInt32BE(0) - 2
      this.#contextId = bytes.readUInt8(4)
      this.#flags = bytes.readUInt8(5)
      this.#pduLeft -= pdvHeaderBytes
      return bytes.subarray(pdvHeaderBytes)
    }
    if (bytes.length < pduHeaderBytes) return undefined
    const [type, length] = [bytes.readUInt8(0), bytes.readUInt32BE(2)]
    if (type === 0x04) {
      this.#pduLeft = length
      return bytes.subarray(pduHeaderBytes)
    }
    const end = pduHeaderBytes + length
    if (bytes.length < end) return undefined
    if (type === 0x01) this.#transport.write([acceptance(bytes.subarray(0, end))])
    else if (type === 0x05) this.#transport.write([Buffer.from([6, 0, 0, 0, 0, 4, 0, 0, 0, 0])])
    return bytes.subarray(end)
  }

  #fragment(bytes: Buffer): void {
    const [isCommand, isLast] = [(this.#flags & 1) === 1, (this.#flags & 2) === 2]
    if (isCommand) {
      this.#command.push(Buffer.from(bytes))
      if (isLast && this.#pdvLeft === 0) this.#begin()
      return
    }
    this.#keeper.bytes(bytes)
    if (!isLast || this.#pdvLeft > 0) return
    this.#keeper.end()
    this.#answer()
  }

  #begin(): void {
    const field = valueOf(Buffer.concat(this.#command), 0x0100).readUInt16LE(0)
    if (field === command.echo) this.#answer()
    else this.#keeper.begin()
  }

  #answer(): void {
    const request = Buffer.concat(this.#command)
    this.#command = []
    const field = valueOf(request, 0x0100).readUInt16LE(0)
    const isStore = field === command.store
    const elements = [
      element(0x0002, valueOf(request, 0x0002)),
      element(0x0100, uint16(0x8000 | field)),
      element(0x0120, valueOf(request, 0x0110)),
      element(0x0800, uint16(0x0101)),
      element(0x0900, uint16(0)),
      ...(isStore ? [element(0x1000, valueOf(request, 0x1000))] : []),
    ]
    const body = Buffer.concat(elements)
    const set = Buffer.concat([element(0x0000, uint32(body.length)), body])
    const header = Buffer.alloc(pduHeaderBytes + pdvHeaderBytes)
    header.writeUInt8(0x04, 0)
    header.writeUInt32BE(set.length + pdvHeaderBytes, 2)
    header.writeUInt32BE(set.length + 2, 6)
    header.writeUInt8(this.#contextId, 10)
    header.writeUInt8(3, 11)
    this.#transport.write([Buffer.concat([header, set])])
  }
}

/** Every context, each with the first transfer syntax that is proposed (PS3.8 9.3.3). */
function acceptance(request: Buffer): Buffer {
  const items = [request.subarray(74, 74 + 4 + request.readUInt16BE(76))]
  for (let at = 74; at < request.length; at += 4 + request.readUInt16BE(at + 2)) {
    if (request.readUInt8(at) !== 0x20) continue
    const syntaxAt = at + 8 + 4 + request.readUInt16BE(at + 10)
    const syntax = request.subarray(syntaxAt, syntaxAt + 4 + request.readUInt16BE(syntaxAt + 2))
    items.push(item(0x21, Buffer.from([request.readUInt8(at + 4), 0, 0, 0]), syntax))
  }
  const implementation = item(0x52, Buffer.from('2.25.1'))
  items.push(item(0x50, item(0x51, uint32BE(131_072)), implementation))
  const fixed = Buffer.from(request.subarray(0, 74))
  fixed.writeUInt8(0x02, 0)
  const answer = Buffer.concat([fixed, ...items])
  answer.writeUInt32BE(answer.length - pduHeaderBytes, 2)
  return answer
}

function item(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const header = Buffer.from([type, 0, 0, 0])
  header.writeUInt16BE(body.length, 2)
  return Buffer.concat([header, body])
}

/** Of a command set: group 0, Implicit VR Little Endian (PS3.7 6.3.1). */
function valueOf(set: Buffer, wanted: number): Buffer {
  for (let at = 0; at < set.length; at += 8 + set.readUInt32LE(at + 4)) {
    if (set.readUInt16LE(at + 2) === wanted) {
      return set.subarray(at + 8, at + 8 + set.readUInt32LE(at + 4))
    }
  }
  return Buffer.alloc(2)
}

function element(number: number, value: Buffer): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt16LE(number, 2)
  header.writeUInt32LE(value.length, 4)
  return Buffer.concat([header, value])
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function uint32BE(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
