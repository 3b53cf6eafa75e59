/** Type, reserved byte, 16-bit length, contents (PS3.8 9.3.2). */
export function encodeItem(type: number, contents: Buffer): Buffer {
  if (contents.length > 0xffff) {
    throw new RangeError(`an item of ${String(contents.length)} bytes: its length has 16 bits`)
  }
  return Buffer.concat([Buffer.of(type, 0), uint16(contents.length), contents])
}

export function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}
