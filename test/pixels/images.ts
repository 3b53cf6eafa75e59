import type { ByteOrder, ImageLayout } from '../../src/lib/pixels/index.ts'

export const little: ByteOrder = { littleEndian: true, swapsBytes: false }

/** 16 x 12 pixels of 8 bits, unless told. */
export function layout(some: Partial<ImageLayout> = {}): ImageLayout {
  return {
    rows: 12,
    columns: 16,
    samples: 1,
    frames: 1,
    bitsAllocated: 8,
    bitsStored: some.bitsAllocated ?? 8,
    highBit: (some.bitsStored ?? some.bitsAllocated ?? 8) - 1,
    isSigned: false,
    interpretation: 'MONOCHROME2',
    isPlanar: false,
    ...some,
  }
}

/** Bytes that look like nothing, the same each time. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let at = 0; at < length; at++) {
    state = (state * 1103515245 + 12345) % 2 ** 31
    bytes[at] = state >>> 16
  }
  return bytes
}

/** Is a pixel within one of these rectangles? Written down apart from the mask under test. */
export function isWithin(
  rectangles: readonly (readonly number[])[],
  x: number,
  y: number,
): boolean {
  return rectangles.some(
    ([left = 0, top = 0, width = 0, height = 0]) =>
      x >= left && x < left + width && y >= top && y < top + height,
  )
}
