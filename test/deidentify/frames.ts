/** Small compressed frames, made here so that a reader sees what is special about each. */

/** RLE of 8 x 8 pixels of 16 bits (PS3.5 annex G): two segments, of one run of 64 bytes each. */
export function rleFrame(value: number, trailing: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(64)
  for (const [at, word] of [2, 64, 66].entries()) header.writeUInt32LE(word, at * 4)
  // 257 - 193 = 64 times the byte that follows.
  return Buffer.concat([header, Buffer.from([193, 0, 193, value]), trailing])
}

export function jpegSegment(marker: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content as string, 'latin1')
  const header = Buffer.from([0xff, marker, 0, 0])
  header.writeUInt16BE(bytes.length + 2, 2)
  return Buffer.concat([header, bytes])
}

/** The markers of a JPEG frame, with a scan that has a stuffed FF and a restart marker in it. */
export function jpegFrame(...segments: readonly Buffer[]): Buffer {
  const startOfFrame = jpegSegment(0xc0, Buffer.from('0800080008010111', 'hex'))
  const startOfScan = jpegSegment(0xda, Buffer.from('010100003f00', 'hex'))
  const scan = Buffer.from('12ff0034ffd056', 'hex')
  const [start, end] = [Buffer.from('ffd8', 'hex'), Buffer.from('ffd9', 'hex')]
  return Buffer.concat([start, ...segments, startOfFrame, startOfScan, scan, end])
}

/** The markers of a JPEG 2000 codestream with one tile-part. Its packet holds what looks like a marker. */
export function jpeg2000Frame(comments: readonly string[], tileComments: readonly string[] = []) {
  const comment = (text: string) =>
    Buffer.concat([Buffer.from('ff64', 'hex'), number16(text.length + 4), number16(1), ascii(text)])
  const size = Buffer.concat([Buffer.from('ff51', 'hex'), number16(41), Buffer.alloc(39)])
  const packet = Buffer.from('ff93001122ff64000033', 'hex')
  const inTile = Buffer.concat([...tileComments.map(comment), packet])
  const tile = Buffer.concat([
    Buffer.from('ff90000a0000', 'hex'),
    number32(12 + inTile.length),
    Buffer.from([0, 1]),
    inTile,
  ])
  return Buffer.concat([
    Buffer.from('ff4f', 'hex'),
    size,
    ...comments.map(comment),
    tile,
    Buffer.from('ffd9', 'hex'),
  ])
}

export function box(type: string, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content as string, 'latin1')
  return Buffer.concat([number32(bytes.length + 8), ascii(type), bytes])
}

function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

function number16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
