import { execFileSync } from 'node:child_process'
import t from 'tap'
import { PixelMask, maskJpeg } from '../../src/lib/pixels/index.ts'
import { missing } from '../fixtures/peers.ts'
import { layout } from './images.ts'
const [rows, columns] = [75, 101]

/** Shades with some noise, as a portable pixmap. */
function pixmap(samples: 1 | 3): Buffer {
  const pixels = Buffer.alloc(rows * columns * samples)
  pixels.forEach((_, at) => {
    const pixel = Math.floor(at / samples)
    pixels[at] = (pixel % columns) * 2 + ((at * 7919) % 23) + (at % samples) * 9
  })
  const head = `${samples === 1 ? 'P5' : 'P6'}\n${String(columns)} ${String(rows)}\n255\n`
  return Buffer.concat([Buffer.from(head), pixels])
}

const scans = ['0;1;2;', '0,1;2;', '2;0;1;']

interface Case {
  readonly samples: 1 | 3
  readonly encode: readonly string[]
  /** What jpegtran makes of it. */
  readonly then?: readonly string[]
  readonly unit: number
}
const cases: Readonly<Record<string, Case>> = {
  'a restart marker behind each unit': { samples: 1, encode: ['-restart', '1B'], unit: 8 },
  'a restart marker behind each row, best tables': {
    samples: 3,
    encode: ['-restart', '1', '-optimize', '-sample', '2x2'],
    unit: 16,
  },
  'a quarter of the chrominance': { samples: 3, encode: ['-sample', '2x2'], unit: 16 },
  'a quarter of the chrominance across': { samples: 3, encode: ['-sample', '4x1'], unit: 32 },
  'less luminance than chrominance': { samples: 3, encode: ['-sample', '1x1,2x2,2x2'], unit: 16 },
  'large quantization': { samples: 3, encode: ['-quality', '3', '-optimize'], unit: 16 },
  'no quantization': {
    samples: 3,
    encode: ['-quality', '100', '-optimize', '-sample', '1x1'],
    unit: 8,
  },
  ...Object.fromEntries(
    scans.map((script) => [
      `several scans: ${script}`,
      { samples: 3, encode: ['-sample', '2x2'], then: [script], unit: 16 } satisfies Case,
    ]),
  ),
  'several scans with restart markers': {
    samples: 3,
    encode: ['-sample', '2x1'],
    then: ['1;0;2;', '-restart', '2B'],
    unit: 16,
  },
}

const rectangle = [33, 20, 30, 17] as const
const decode = (jpeg: Buffer) => {
  const all = execFileSync('djpeg', ['-nosmooth', '-dct', 'int', '-pnm'], {
    input: jpeg,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  return all.subarray(all.indexOf('\n255\n') + 5)
}

for (const [name, { samples, encode, then, unit }] of Object.entries(cases)) {
  t.test(
    `${name}: only units that are touched change`,
    {
      skip: missing('cjpeg', 'jpegtran', 'djpeg'),
    },
    async (t) => {
      let jpeg: Buffer = execFileSync('cjpeg', encode, { input: pixmap(samples) })
      if (then !== undefined) {
        const [script = '', ...options] = then
        const stdin = { input: jpeg }
        jpeg = execFileSync(
          'sh',
          [
            '-c',
            `printf '%s' '${script}' > "$0.scans"; jpegtran -scans "$0.scans" ${options.join(' ')}; rm "$0.scans"`,
            `${process.env['TMPDIR'] ?? '/tmp'}/fiona-${String(process.pid)}`,
          ],
          stdin,
        )
      }
      const image = layout({
        rows,
        columns,
        samples,
        interpretation: samples === 3 ? 'YBR_FULL_422' : 'MONOCHROME2',
      })
      const masked = maskJpeg(jpeg, image, PixelMask.of([rectangle], rows, columns))
      const [before, after] = [decode(jpeg), decode(masked)]
      t.equal(after.length, rows * columns * samples)
      const [x, y, w, h] = rectangle
      // Units are as high as wide but for the one that is four blocks across.
      const height = encode.includes('4x1') || encode.includes('2x1') ? 8 : unit
      const isInside = (column: number, row: number) =>
        column >= Math.floor(x / unit) * unit &&
        column < Math.ceil((x + w) / unit) * unit &&
        row >= Math.floor(y / height) * height &&
        row < Math.ceil((y + h) / height) * height
      let [changed, left] = [0, 0]
      for (let at = 0; at < after.length; at++) {
        const pixel = Math.floor(at / samples)
        if (isInside(pixel % columns, Math.floor(pixel / columns))) left += after[at] ?? 0
        else if (after[at] !== before[at]) changed += 1
      }
      t.equal(left, 0, 'all of the masked units is black')
      t.equal(changed, 0, 'nothing else changed')
    },
  )
}
