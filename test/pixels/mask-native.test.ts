import t from 'tap'
import {
  type ByteOrder,
  type ImageLayout,
  PixelMask,
  type Rectangle,
  clearUnusedBits,
  maskNative,
} from '../../src/lib/pixels/index.ts'
import { isWithin, layout, little, noise } from './images.ts'

const rectangles: readonly Rectangle[] = [
  [2, 1, 5, 3],
  [4, 2, 100, 2],
  [15, 11, 1, 1],
]
const big: ByteOrder = { littleEndian: false, swapsBytes: false }
const words: ByteOrder = { littleEndian: false, swapsBytes: true }

/** What one sample of a pixel is, read by a way of its own: bytes of the sample as they stand, in order of significance. */
interface Expected {
  readonly image: ImageLayout
  readonly order: ByteOrder
  /** Of each sample, as hexadecimal with the most significant byte first. */
  readonly blank: readonly string[]
  readonly palette?: number
}

const cases: Readonly<Record<string, Expected>> = {
  'MONOCHROME2 of 8 bits': { image: layout(), order: little, blank: ['00'] },
  'MONOCHROME1, which is inverted': {
    image: layout({ interpretation: 'MONOCHROME1' }),
    order: little,
    blank: ['ff'],
  },
  'MONOCHROME1 of 12 bits in 16': {
    image: layout({ interpretation: 'MONOCHROME1', bitsAllocated: 16, bitsStored: 12 }),
    order: little,
    blank: ['0fff'],
  },
  'signed 16 bits': {
    image: layout({ bitsAllocated: 16, isSigned: true }),
    order: little,
    blank: ['8000'],
  },
  'signed 12 bits, whose sign is copied': {
    image: layout({ bitsAllocated: 16, bitsStored: 12, isSigned: true, frames: 3 }),
    order: little,
    blank: ['f800'],
  },
  'signed MONOCHROME1': {
    image: layout({
      interpretation: 'MONOCHROME1',
      bitsAllocated: 16,
      bitsStored: 12,
      isSigned: true,
    }),
    order: little,
    blank: ['07ff'],
  },
  'the upper 12 of 16 bits': {
    image: layout({
      interpretation: 'MONOCHROME1',
      bitsAllocated: 16,
      bitsStored: 12,
      highBit: 15,
    }),
    order: little,
    blank: ['fff0'],
  },
  'big endian': {
    image: layout({ bitsAllocated: 16, bitsStored: 12, isSigned: true }),
    order: big,
    blank: ['f800'],
  },
  '32 bits': {
    image: layout({ bitsAllocated: 32, interpretation: 'MONOCHROME1', frames: 2 }),
    order: little,
    blank: ['ffffffff'],
  },
  'RGB by pixel': {
    image: layout({ samples: 3, interpretation: 'RGB', frames: 2 }),
    order: little,
    blank: ['00', '00', '00'],
  },
  'RGB by plane': {
    image: layout({ samples: 3, interpretation: 'RGB', isPlanar: true, frames: 2 }),
    order: little,
    blank: ['00', '00', '00'],
  },
  YBR_FULL: {
    image: layout({ samples: 3, interpretation: 'YBR_FULL' }),
    order: little,
    blank: ['00', '80', '80'],
  },
  'YBR_FULL by plane': {
    image: layout({ samples: 3, interpretation: 'YBR_FULL', isPlanar: true, frames: 2 }),
    order: little,
    blank: ['00', '80', '80'],
  },
  'PALETTE COLOR': {
    image: layout({ interpretation: 'PALETTE COLOR' }),
    order: little,
    blank: ['11'],
    palette: 17,
  },
  'bytes in words of the other order': {
    image: layout({ interpretation: 'MONOCHROME1', columns: 15, rows: 12, frames: 2 }),
    order: words,
    blank: ['ff'],
  },
}

/** Where a sample's byte is, the most significant first. */
function byteAt(
  { image, order }: Expected,
  frame: number,
  pixel: number,
  sample: number,
  byte: number,
): number {
  const { rows, columns, samples, bitsAllocated, isPlanar } = image
  const bytes = bitsAllocated / 8
  const inFrame = isPlanar ? sample * rows * columns + pixel : pixel * samples + sample
  const index = frame * rows * columns * samples + inFrame
  const at = index * bytes + (order.littleEndian ? bytes - 1 - byte : byte)
  return order.swapsBytes ? at ^ 1 : at
}

for (const [name, expected] of Object.entries(cases)) {
  t.test(`${name}: masked pixels are blank and all others as they were`, async (t) => {
    const { image, order, blank, palette } = expected
    const { rows, columns, samples, bitsAllocated, frames } = image
    const before = noise((rows * columns * samples * frames * bitsAllocated) / 8)
    const wanted = Buffer.from(before)
    for (let frame = 0; frame < frames; frame++) {
      for (let pixel = 0; pixel < rows * columns; pixel++) {
        if (!isWithin(rectangles, pixel % columns, Math.floor(pixel / columns))) continue
        for (const [sample, hex] of blank.entries()) {
          Buffer.from(hex, 'hex').forEach((value, byte) => {
            wanted[byteAt(expected, frame, pixel, sample, byte)] = value
          })
        }
      }
    }
    const edit = maskNative(image, PixelMask.of(rectangles, rows, columns), order, palette)
    for (const size of [4, 12, 100, before.length]) {
      const after = Buffer.from(before)
      for (let at = 0; at < after.length; at += size) edit(after.subarray(at, at + size), at)
      t.ok(after.equals(wanted), `in chunks of ${String(size)} bytes`)
    }
  })
}

t.test('pixels that share their chrominance are masked in pairs', async (t) => {
  const image = layout({ samples: 3, interpretation: 'YBR_FULL_422', columns: 8, rows: 2 })
  const bytes = Buffer.alloc(32, 0xee)
  maskNative(image, PixelMask.of([[3, 0, 2, 1]], 2, 8), little)(bytes, 0)
  const pair = '00008080'
  t.equal(bytes.toString('hex'), `eeeeeeee${pair}${pair}eeeeeeee${'ee'.repeat(16)}`)
})

t.test('one bit a pixel, frames that begin within a byte', async (t) => {
  const image = layout({
    bitsAllocated: 1,
    bitsStored: 1,
    highBit: 0,
    rows: 3,
    columns: 5,
    frames: 3,
  })
  for (const order of [little, words]) {
    const before = noise(6)
    const wanted = Buffer.from(before)
    for (let bit = 0; bit < 45; bit++) {
      const pixel = bit % 15
      if (!isWithin([[1, 1, 2, 9]], pixel % 5, Math.floor(pixel / 5))) continue
      const at = (bit >> 3) ^ (order.swapsBytes ? 1 : 0)
      wanted[at] = (wanted[at] ?? 0) & ~(1 << (bit & 7))
    }
    const edit = maskNative(image, PixelMask.of([[1, 1, 2, 9]], 3, 5), order)
    for (const size of [2, 4, 6]) {
      const after = Buffer.from(before)
      for (let at = 0; at < 6; at += size) edit(after.subarray(at, at + size), at)
      t.same(after, wanted)
    }
  }
})

t.test('what is outside of rectangles, and what overlaps', async (t) => {
  t.same(
    PixelMask.outside(
      [
        [2, 1, 3, 2],
        [4, 2, 2, 2],
      ],
      5,
      8,
    ).rectangles(),
    [
      [0, 0, 8, 1],
      [0, 1, 2, 1],
      [5, 1, 3, 1],
      [0, 2, 2, 1],
      [6, 2, 2, 1],
      [0, 3, 4, 1],
      [6, 3, 2, 1],
      [0, 4, 8, 1],
    ],
  )
  t.equal(PixelMask.of([[8, 0, 5, 5]], 5, 8).isEmpty, true)
  t.same(PixelMask.of([[7, 4, 5, 65535]], 5, 8).rectangles(), [[7, 4, 1, 1]])
})

t.test('colours without a known black, and odd sizes, are refused', async (t) => {
  const mask = PixelMask.of([[0, 0, 1, 1]], 12, 16)
  for (const some of [
    { interpretation: 'CMYK', samples: 4 },
    { interpretation: 'PALETTE COLOR' },
    { interpretation: 'RGB' },
    { interpretation: 'YBR_PARTIAL_420', samples: 3 },
    { bitsAllocated: 12 },
    { bitsAllocated: 64 },
    { interpretation: 'YBR_FULL_422', samples: 3, columns: 15 },
    { interpretation: 'constructor' },
  ]) {
    t.throws(
      () => maskNative(layout(some), mask, little),
      { code: 'E_PIXELS' },
      JSON.stringify(some),
    )
  }
})

t.test('unused bits are cleared, and signs copied into them', async (t) => {
  const clear = (hex: string, some: Partial<ImageLayout>, order = little) => {
    const bytes = Buffer.from(hex, 'hex')
    clearUnusedBits(layout({ bitsAllocated: 16, bitsStored: 12, ...some }), order)(bytes, 0)
    return bytes.toString('hex')
  }
  t.equal(clear('34f2ffff', {}), '3402ff0f')
  t.equal(clear('f234', {}, big), '0234')
  t.equal(clear('34780f02', { isSigned: true }), '34f80f02')
  t.equal(clear('3f1f', { highBit: 15 }), '301f')
  t.equal(clear('ffffff0f', { bitsAllocated: 32, bitsStored: 30 }), 'ffffff0f')
  t.equal(clear('ff', { bitsAllocated: 8, bitsStored: 7 }), '7f')
  t.throws(() => clear('00', { bitsStored: 17 }), { code: 'E_PIXELS' })
})
