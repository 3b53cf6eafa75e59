import { readFileSync } from 'node:fs'
import load from '@cornerstonejs/codec-openjpeg/wasmjs'
import t from 'tap'
import type { CodecJob, WasmCodec } from '../../src/lib/pixels/codecs/codec-job.ts'
import { CodecThreads } from '../../src/lib/pixels/codecs/codec-threads.ts'
import { PixelMask, decodeCoded, maskCoded } from '../../src/lib/pixels/index.ts'
import { layout, noise } from './images.ts'

const [rows, columns] = [24, 32] as const
const about = layout({ rows, columns })
const mask = PixelMask.of([[4, 4, 8, 8]], rows, columns)
const options = { paletteIndex: undefined }

/** The main header of a codestream, and one tile-part without packets. */
function codestream(
  size: {
    readonly rows?: number
    readonly columns?: number
    readonly depth?: number
    readonly subsampling?: number
  } = {},
): Buffer {
  const siz = Buffer.alloc(43)
  siz.writeUInt16BE(0xff51, 0)
  siz.writeUInt16BE(41, 2)
  for (const [at, value] of [
    [6, size.columns ?? columns],
    [10, size.rows ?? rows],
    [22, size.columns ?? columns],
    [26, size.rows ?? rows],
  ] as const) {
    siz.writeUInt32BE(value, at)
  }
  siz.writeUInt16BE(1, 38)
  siz.set([size.depth ?? 7, size.subsampling ?? 1, size.subsampling ?? 1], 40)
  const cod = Buffer.from('ff52000c00000001000204040001', 'hex')
  const qcd = Buffer.from('ff5c000a4040484850484850', 'hex')
  const tile = Buffer.from('ff90000a0000000000000001ff93', 'hex')
  return Buffer.concat([
    Buffer.from('ff4f', 'hex'),
    siz,
    cod,
    qcd,
    tile,
    Buffer.from('ffd9', 'hex'),
  ])
}

const refused: Readonly<Record<string, readonly [WasmCodec, Buffer, RegExp]>> = {
  'JPEG where JPEG-LS should be': [
    'jpeg-ls',
    Buffer.from('ffd8ffc0000b080018002001011100', 'hex'),
    /no JPEG-LS/,
  ],
  'JPEG-LS without a scan': [
    'jpeg-ls',
    Buffer.from('ffd8fff7000b080018002001011100ffd9', 'hex'),
    /no JPEG-LS/,
  ],
  'JPEG-LS of another size': [
    'jpeg-ls',
    Buffer.from('ffd8fff7000b08ffffffff01011100ffda0008010100000000ffd9', 'hex'),
    /another size/,
  ],
  'JPEG-LS that is cut': [
    'jpeg-ls',
    Buffer.from('ffd8fff7000b080018002001011100ffda0008010100000000', 'hex'),
    /cannot be decoded/,
  ],
  'noise instead of a scan': [
    'jpeg-ls',
    Buffer.concat([
      Buffer.from('ffd8fff7000b080018002001011100ffda0008010100000000', 'hex'),
      noise(500),
    ]),
    /cannot be decoded|again/,
  ],
  'nothing at all': ['jpeg-2000', Buffer.alloc(0), /no codestream/],
  'a file of boxes': ['jpeg-2000', Buffer.from('0000000c6a5020200d0a870a', 'hex'), /no codestream/],
  'a header that is cut': ['jpeg-2000', codestream().subarray(0, 30), /header/],
  'a codestream of another size': [
    'jpeg-2000',
    codestream({ rows: 60_000, columns: 60_000 }),
    /another size/,
  ],
  'samples of 32 bits': ['jpeg-2000', codestream({ depth: 31 }), /so many bits/],
  'half the size': ['jpeg-2000', codestream({ subsampling: 2 }), /different kinds/],
  'JPEG 2000 where HTJ2K should be': ['htj2k', codestream(), /another kind/],
}

for (const [what, [codec, frame, reason]] of Object.entries(refused)) {
  t.test(`${what} is refused, and the next frame is none the worse`, async (t) => {
    await t.rejects(maskCoded(codec, frame, about, mask, options), {
      code: 'E_PIXELS',
      message: reason,
    })
    await t.rejects(decodeCoded(codec, frame, about), { code: 'E_PIXELS' })
  })
}

t.test(
  'an object that is larger than any device makes is refused before anything is decoded',
  async (t) => {
    const large = layout({ rows: 60_000, columns: 60_000 })
    const all = PixelMask.of([[0, 0, 9, 9]], 60_000, 60_000)
    await t.rejects(
      maskCoded('jpeg-2000', codestream({ rows: 60_000, columns: 60_000 }), large, all, options),
      {
        code: 'E_PIXELS',
        message: /too large/,
      },
    )
  },
)

/** A black frame, by the library itself. */
async function realFrame(side: {
  readonly rows: number
  readonly columns: number
}): Promise<Buffer> {
  const program = new URL(import.meta.resolve('@cornerstonejs/codec-openjpeg/wasm'))
  const silent = () => undefined
  const wasmBinary = readFileSync(program)
  const { J2KEncoder } = await load({ wasmBinary, print: silent, printErr: silent })
  const encoder = new J2KEncoder()
  encoder
    .getDecodedBuffer({
      width: side.columns,
      height: side.rows,
      bitsPerSample: 8,
      componentCount: 1,
      isSigned: false,
      isUsingColorTransform: false,
    })
    .fill(0)
  encoder.setQuality(true, 0)
  encoder.setDecompositions(2)
  encoder.encode()
  return Buffer.from(encoder.getEncodedBuffer() as Uint8Array)
}

t.test('a codec that does not end, or wants too much memory, is given up', async (t) => {
  // More than the codec's memory has room for at its start, 50 MiB.
  const size = { rows: 4000, columns: 4000 }
  const frame = await realFrame(size)
  const job = (): CodecJob => ({
    codec: 'jpeg-2000',
    frame: new Uint8Array(frame),
    image: { ...size, samples: 1, precision: 8, isSigned: false },
    recoding: undefined,
  })
  const usual = { milliseconds: () => 100_000, mostBytes: 1 << 30 }
  const hasty = new CodecThreads({ ...usual, milliseconds: () => 1 }, 1)
  await t.rejects(hasty.run(job()), { code: 'E_PIXELS', message: /does not end/ })
  const narrow = new CodecThreads({ ...usual, mostBytes: 60 << 20 }, 1)
  await t.rejects(narrow.run(job()), { code: 'E_PIXELS', message: /cannot be decoded/ })
  const { bytes } = await new CodecThreads(usual, 1).run(job())
  t.equal(bytes.length, 4000 * 4000)
})

t.test('frames given all at once are each answered', async (t) => {
  const frame = await realFrame({ rows, columns })
  const answers = await Promise.allSettled(
    Array.from({ length: 6 }, (_, at) =>
      maskCoded('jpeg-2000', at % 2 === 0 ? frame : codestream(), about, mask, options),
    ),
  )
  t.same(
    answers.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected'],
  )
})
