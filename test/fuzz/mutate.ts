import type { Random } from './random.ts'

/** Where a field that says a length is, and how it is written. */
interface LengthField {
  readonly at: number
  readonly bytes: 2 | 4
  readonly littleEndian: boolean
}

const interesting = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 64, 66, 255, 256, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x10000, 0x20000,
  0x40000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
]
const longest = 1 << 20

/**
 * Changes bytes as a hostile or broken peer would: at random, and where the structure is. Most changes
 * inside of a PDU mend its length, else nothing behind the first header would ever be reached.
 */
export function mutate(input: Buffer, others: readonly Buffer[], random: Random): Buffer {
  let bytes = Buffer.from(input)
  for (let count = 1 + random.below(4); count > 0; count--) {
    const change = random.pick(changes)
    const changed = change(bytes, others, random)
    bytes = changed.length > longest ? changed.subarray(0, longest) : changed
  }
  return bytes
}

type Change = (bytes: Buffer, others: readonly Buffer[], random: Random) => Buffer<ArrayBuffer>

const flipBit: Change = (bytes, _, random) => {
  const copy = Buffer.from(bytes)
  const at = random.below(copy.length)
  if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8))
  return copy
}

const setByte: Change = (bytes, _, random) => {
  const copy = Buffer.from(bytes)
  if (copy.length > 0) copy[random.below(copy.length)] = random.below(256)
  return copy
}

const setInteger: Change = (bytes, _, random) =>
  writeLength(
    bytes,
    {
      at: random.below(bytes.length),
      bytes: random.pick([2, 4]),
      littleEndian: random.below(2) === 0,
    },
    random.pick(interesting),
  )

const lieAboutLength: Change = (bytes, _, random) => {
  const fields = lengthFields(bytes)
  if (fields.length === 0) return setInteger(bytes, [], random)
  const field = random.pick(fields)
  const value = random.below(2) === 0 ? random.pick(interesting) : random.below(300)
  return writeLength(bytes, field, value)
}

const remove: Change = (bytes, _, random) => {
  const at = random.below(bytes.length)
  return replaceRange(bytes, at, at + random.below(40), Buffer.alloc(0))
}

const insert: Change = (bytes, _, random) => {
  const at = random.below(bytes.length)
  return replaceRange(bytes, at, at, random.bytes(random.below(40)))
}

const repeat: Change = (bytes, _, random) => {
  const at = random.below(bytes.length)
  const part = bytes.subarray(at, at + 1 + random.below(80))
  const times = random.below(8) === 0 ? 2000 : 1 + random.below(4)
  return replaceRange(bytes, at, at, Buffer.concat(Array.from({ length: times }, () => part)))
}

const cut: Change = (bytes, _, random) => Buffer.from(bytes.subarray(0, random.below(bytes.length)))

const splice: Change = (bytes, others, random) => {
  const other = random.pick(others)
  const from = random.below(other.length)
  const at = random.below(bytes.length)
  const part = other.subarray(from, from + random.below(200))
  return replaceRange(bytes, at, at + (random.below(2) === 0 ? part.length : 0), part)
}

/** PDUs dropped, doubled, exchanged: the right bytes at the wrong time. */
const reorder: Change = (bytes, others, random) => {
  const pdus = splitPdus(bytes)
  const foreign = splitPdus(random.pick(others))
  const at = random.below(pdus.length)
  const one = random.pick([...pdus, ...foreign])
  pdus.splice(at, random.below(2), ...Array.from({ length: random.below(3) }, () => one))
  return Buffer.concat(pdus)
}

/** Items of an association request, or of its user information, many times over, up to what a length can say. */
const repeatItem: Change = (bytes, _, random) => {
  if (bytes[0] !== 1 || bytes.length < 74) return Buffer.from(bytes)
  const pduEnd = Math.min(bytes.length, 6 + bytes.readUInt32BE(2))
  const items = itemsIn(bytes, 74, pduEnd)
  const outer = items.find(({ at }) => bytes[at] === 0x50)
  const inUser =
    outer === undefined || random.below(3) === 0 ? [] : itemsIn(bytes, outer.at + 4, outer.end)
  const from = inUser.length > 0 ? inUser : items
  if (from.length === 0) return Buffer.from(bytes)
  const { at, end } = random.pick(from)
  const room =
    from === inUser && outer !== undefined ? 0xffff - (outer.end - outer.at - 4) : 200_000
  const most = Math.max(0, Math.floor(room / (end - at)))
  const times = random.below(2) === 0 ? most : random.below(most)
  const more = Buffer.concat(Array.from({ length: times }, () => bytes.subarray(at, end)))
  const result = replaceRange(bytes, end, end, more)
  if (from === inUser && outer !== undefined) {
    result.writeUInt16BE(outer.end - outer.at - 4 + more.length, outer.at + 2)
  }
  return result
}

function itemsIn(bytes: Buffer, from: number, end: number): { at: number; end: number }[] {
  const items: { at: number; end: number }[] = []
  for (let at = from; at + 4 <= end;) {
    const next = at + 4 + bytes.readUInt16BE(at + 2)
    if (next > end) break
    items.push({ at, end: next })
    at = next
  }
  return items
}

const changes: readonly Change[] = [
  flipBit,
  setByte,
  setInteger,
  lieAboutLength,
  lieAboutLength,
  remove,
  insert,
  repeat,
  cut,
  splice,
  reorder,
  repeatItem,
]

function writeLength(bytes: Buffer, field: LengthField, value: number): Buffer<ArrayBuffer> {
  const copy = Buffer.from(bytes)
  if (field.at + field.bytes > copy.length) return copy
  const number = field.bytes === 2 ? value & 0xffff : value >>> 0
  if (field.littleEndian) copy.writeUIntLE(number, field.at, field.bytes)
  else copy.writeUIntBE(number, field.at, field.bytes)
  return copy
}

/** With the length of the PDU around it mended, if there is one. */
function replaceRange(bytes: Buffer, from: number, to: number, by: Buffer): Buffer<ArrayBuffer> {
  const end = Math.min(to, bytes.length)
  const result = Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(end)])
  let start = 0
  while (start + 6 <= bytes.length) {
    const length = bytes.readUInt32BE(start + 2)
    if (from >= start + 6 && end <= start + 6 + length) {
      const mended = length + by.length - (end - from)
      if (mended >= 0 && start + 6 <= result.length) result.writeUInt32BE(mended >>> 0, start + 2)
      break
    }
    start += 6 + length
  }
  return result
}

function splitPdus(bytes: Buffer): Buffer[] {
  const pdus: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const length = at + 6 <= bytes.length ? 6 + bytes.readUInt32BE(at + 2) : bytes.length
    pdus.push(bytes.subarray(at, at + length))
    at += length
  }
  return pdus
}

/** Of PDUs, their items and fragments, and of the elements of a data set, as far as they follow each other. */
function lengthFields(bytes: Buffer): LengthField[] {
  const fields: LengthField[] = []
  for (let at = 0; at + 6 <= bytes.length;) {
    const end = at + 6 + bytes.readUInt32BE(at + 2)
    if (end > bytes.length) break
    fields.push({ at: at + 2, bytes: 4, littleEndian: false })
    if (bytes[at] === 4) addFragments(bytes, at + 6, end, fields)
    else if (bytes[at] === 1) addItems(bytes, at + 74, end, fields)
    at = end
  }
  if (fields.length === 0) addElements(bytes, 0, bytes.length, fields)
  return fields
}

function addFragments(bytes: Buffer, from: number, end: number, fields: LengthField[]): void {
  for (let at = from; at + 6 <= end;) {
    const next = at + 4 + bytes.readUInt32BE(at)
    fields.push({ at, bytes: 4, littleEndian: false })
    if (next <= at + 5) return
    addElements(bytes, at + 6, Math.min(next, end), fields)
    at = next
  }
}

function addItems(bytes: Buffer, from: number, end: number, fields: LengthField[]): void {
  for (let at = from; at + 4 <= end; at += 4 + bytes.readUInt16BE(at + 2)) {
    fields.push({ at: at + 2, bytes: 2, littleEndian: false })
    const itemEnd = Math.min(end, at + 4 + bytes.readUInt16BE(at + 2))
    if (bytes[at] === 0x20) addItems(bytes, at + 8, itemEnd, fields)
    else if (bytes[at] === 0x50) addItems(bytes, at + 4, itemEnd, fields)
  }
}

function addElements(bytes: Buffer, from: number, end: number, fields: LengthField[]): void {
  for (let at = from; at + 8 <= end && fields.length < 2000;) {
    const isExplicit = (bytes[at + 4] ?? 0) >= 0x41 && (bytes[at + 4] ?? 0) <= 0x5a
    const field: LengthField = isExplicit
      ? { at: at + 6, bytes: 2, littleEndian: true }
      : { at: at + 4, bytes: 4, littleEndian: true }
    fields.push(field)
    const length = isExplicit ? bytes.readUInt16LE(field.at) : bytes.readUInt32LE(field.at)
    at = at + 8 + (length === 0xffffffff ? 0 : length)
  }
}
