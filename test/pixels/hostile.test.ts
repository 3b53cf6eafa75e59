import t from 'tap'
import { PixelMask, decodeJpeg, maskJpeg, maskRle } from '../../src/lib/pixels/index.ts'
import { frameLayout, frames } from '../fuzz/frames.ts'
import { layout } from './images.ts'

const image = layout({ rows: 16, columns: 16 })
const mask = PixelMask.of([[2, 2, 5, 5]], 16, 16)
const segment = (marker: number, hex: string) => {
  const content = Buffer.from(hex, 'hex')
  const head = Buffer.from([0xff, marker, 0, 0])
  head.writeUInt16BE(content.length + 2, 2)
  return Buffer.concat([head, content])
}
const [start, end] = [Buffer.from('ffd8', 'hex'), Buffer.from('ffd9', 'hex')]
const quantization = segment(0xdb, `00${'01'.repeat(64)}`)
const frame = (rows = '0010', columns = '0010') => segment(0xc0, `08${rows}${columns}01011100`)
/** One code of one bit for "no difference", and one for the end of a block. */
const tables = ['00', '10'].map((slot) => segment(0xc4, `${slot}01${'00'.repeat(15)}00`))
const scan = segment(0xda, '010100003f00')
const lossless = (precision = '08') => segment(0xc3, `${precision}0010001001011100`)
const losslessScan = segment(0xda, '0101000100 00'.replace(' ', ''))
const jpeg = (...parts: readonly Buffer[]) => Buffer.concat([start, ...parts])
const zeros = Buffer.alloc(8)

/** Each would hang, eat memory, or be taken for something else. */
const hostile: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'no JPEG': Buffer.from('no JPEG at all'),
  'nothing but its beginning': start,
  'no scan': jpeg(frame(), end),
  'a scan before its frame': jpeg(quantization, ...tables, scan, zeros, end),
  'a scan that is cut': jpeg(quantization, frame(), ...tables, scan, Buffer.alloc(0)),
  'no bits in a scan': jpeg(quantization, frame(), ...tables, scan, end),
  'a frame of another size': jpeg(quantization, frame('ffff', 'ffff'), ...tables, scan, zeros, end),
  'two frames': jpeg(frame(), frame(), end),
  'no quantization table': jpeg(frame(), ...tables, scan, zeros, end),
  'no Huffman table': jpeg(quantization, frame(), scan, zeros, end),
  'a table with too many codes': jpeg(segment(0xc4, `00ff${'ff'.repeat(15)}${'00'.repeat(400)}`)),
  'a table that is cut': jpeg(segment(0xc4, `00${'01'.repeat(16)}00`)),
  'codes that are none': jpeg(quantization, frame(), ...tables, scan, Buffer.alloc(8, 0xfe), end),
  'a segment beyond the end': jpeg(Buffer.from('ffdbffff00', 'hex')),
  progressive: jpeg(segment(0xc2, '080010001001011100'), end),
  'arithmetic coding': jpeg(segment(0xc9, '080010001001011100'), end),
  'a component without blocks': jpeg(segment(0xc0, '08001000100101 0000'.replace(' ', '')), end),
  'a scan of a component that is not there': jpeg(
    quantization,
    frame(),
    ...tables,
    segment(0xda, '010900003f00'),
    zeros,
    end,
  ),
  'restart markers that do not come': jpeg(
    quantization,
    segment(0xdd, '0001'),
    frame(),
    ...tables,
    scan,
    zeros,
    end,
  ),
  'scans without end': jpeg(
    quantization,
    frame(),
    ...tables,
    ...Array.from({ length: 500 }, () => Buffer.concat([scan, zeros])),
    end,
  ),
  'lossless with too many bits': jpeg(lossless('11'), ...tables, losslessScan, zeros, end),
  'lossless that is cut': jpeg(lossless(), ...tables, losslessScan, zeros, end),
}

for (const [name, bytes] of Object.entries(hostile)) {
  t.test(`${name}: refused`, async (t) => {
    t.throws(() => maskJpeg(bytes, image, mask), { code: 'E_PIXELS' })
    t.throws(() => decodeJpeg(bytes, image), { code: 'E_PIXELS' })
  })
}

t.test('a large size in a small frame is refused before there is memory for it', async (t) => {
  const large = layout({ rows: 65535, columns: 65535 })
  const bytes = jpeg(quantization, frame('ffff', 'ffff'), ...tables, scan, zeros, end)
  const all = PixelMask.of([[0, 0, 65535, 65535]], 65535, 65535)
  const before = process.memoryUsage().rss
  t.throws(() => maskJpeg(bytes, large, all), { code: 'E_PIXELS' })
  t.throws(() => decodeJpeg(bytes, large), { code: 'E_PIXELS' })
  t.throws(
    () =>
      maskJpeg(
        jpeg(segment(0xc3, '08ffffffff01011100'), ...tables, losslessScan, zeros, end),
        large,
        all,
      ),
    {
      code: 'E_PIXELS',
    },
  )
  const rle = Buffer.alloc(66)
  rle.writeUInt32LE(1, 0)
  rle.writeUInt32LE(64, 4)
  t.throws(() => maskRle(rle, large, all), { code: 'E_PIXELS' })
  t.ok(process.memoryUsage().rss - before < 256 << 20)
})

t.test('RLE whose header lies is refused', async (t) => {
  const header = (...words: readonly number[]) => {
    const bytes = Buffer.alloc(80)
    words.forEach((word, at) => bytes.writeUInt32LE(word, at * 4))
    return bytes
  }
  for (const bytes of [
    Buffer.alloc(3),
    header(0),
    header(2, 64, 70),
    header(1, 0),
    header(1, 4_000_000_000),
    header(1, 64),
  ]) {
    t.throws(() => maskRle(bytes, image, mask), { code: 'E_PIXELS' })
  }
})

t.test(
  'of a frame cut anywhere, or with any byte changed, something comes or nothing',
  async (t) => {
    const whole = jpeg(quantization, frame(), ...tables, scan, Buffer.from([0]), end)
    t.doesNotThrow(() => maskJpeg(whole, image, mask))
    for (let at = 0; at < whole.length; at++) {
      for (const bytes of [whole.subarray(0, at), Buffer.from(whole)]) {
        if (bytes.length === whole.length) bytes[at] = (bytes[at] ?? 0) ^ 0x55
        try {
          maskJpeg(bytes, image, mask)
          decodeJpeg(bytes, image)
        } catch (error) {
          if ((error as { code?: string }).code !== 'E_PIXELS') throw error
        }
      }
    }
    t.pass()
  },
)

t.test('what the fuzzer begins with is right', async (t) => {
  const small = PixelMask.of([[3, 3, 6, 6]], 16, 16)
  for (const [index, bytes] of frames.entries()) {
    const isRle = bytes[0] === 1
    t.doesNotThrow(() => (isRle ? maskRle : maskJpeg)(bytes, frameLayout, small), String(index))
  }
})
