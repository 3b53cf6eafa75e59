import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { encapsulated } from '../fixtures/dicom-writer.ts'
import { missing, run } from '../fixtures/peers.ts'
import { isWithin, noise } from '../pixels/images.ts'
import { deidentify, newSite, reasonsOf } from './deidentified.ts'
import { picture, withPixels } from './masked.ts'

const [rows, columns] = [48, 64] as const
const rectangle = [10, 5, 17, 9] as const
const rules = withPixels({ rules: [{ modality: 'US', mask: [rectangle] }] })
const lossless = ['-reversible', 'true']

interface Case {
  readonly syntax: string
  readonly samples?: 1 | 3
  readonly options: readonly string[]
  readonly interpretation: string
}

const cases: Readonly<Record<string, Case>> = {
  'lossless HTJ2K': { syntax: '201', options: lossless, interpretation: 'MONOCHROME2' },
  'HTJ2K Lossless RPCL': {
    syntax: '202',
    options: [...lossless, '-prog_order', 'RPCL'],
    interpretation: 'MONOCHROME2',
  },
  'lossless HTJ2K in colours': {
    syntax: '201',
    samples: 3,
    options: lossless,
    interpretation: 'YBR_RCT',
  },
  'lossy HTJ2K': { syntax: '203', options: ['-qstep', '0.02'], interpretation: 'MONOCHROME2' },
}

for (const [name, { syntax, samples = 1, options, interpretation }] of Object.entries(cases)) {
  tap.test(
    `${name}: OpenJPH reads the masked part blank and the rest as before`,
    { skip: missing('ojph_compress', 'ojph_expand') },
    async (t) => {
      const { root } = newSite()
      const encoded = await encode(root, samples, options)
      const frames = [encoded, encoded]
      const { record, files } = await deidentify(
        [
          picture({
            rows,
            columns,
            samples,
            transferSyntax: `1.2.840.10008.1.2.4.${syntax}`,
            frames: frames.length,
            interpretation,
            elements: [encapsulated(frames)],
          }),
        ],
        rules,
      )
      t.same(reasonsOf(record), [])
      const file = DicomFile.fromBuffer(readFileSync(files[0] ?? ''))
      t.equal(file.transferSyntaxUID, `1.2.840.10008.1.2.4.${syntax}`)
      t.equal(file.string(file.dataSet, 0x00280004), interpretation)
      t.equal(file.string(file.dataSet, 0x00282110), syntax === '203' ? '01' : undefined)
      const [, first, second] = file.dataSet.get(0x7fe00010)?.fragments ?? []
      const before = await decode(root, encoded, samples)
      for (const fragment of [first, second]) {
        const masked = file.range(fragment?.offset ?? 0, fragment?.length ?? 0)
        if (syntax === '202') t.equal(masked.indexOf(Buffer.from('ff55', 'hex')) > 0, true, 'TLM')
        const after = await decode(root, masked, samples)
        t.equal(after.length, rows * columns * samples)
        let differences = 0
        for (let at = 0; at < after.length; at++) {
          const pixel = Math.floor(at / samples)
          const isMasked = isWithin([rectangle], pixel % columns, Math.floor(pixel / columns))
          if (after[at] !== (isMasked ? 0 : before[at])) differences++
        }
        t.equal(differences, 0)
      }
    },
  )
}

function kindOf(samples: 1 | 3): string {
  return samples === 1 ? 'pgm' : 'ppm'
}

/** A frame with smooth shades and specks in them. */
async function encode(folder: string, samples: 1 | 3, options: readonly string[]): Promise<Buffer> {
  const [from, to] = [join(folder, `from.${kindOf(samples)}`), join(folder, 'frame.j2c')]
  const specks = noise(rows * columns * samples)
  const pixels = specks.map((speck, at) => ((at % 181) + (speck >> 4)) & 0xff)
  const head = `P${samples === 1 ? '5' : '6'}\n${String(columns)} ${String(rows)}\n255\n`
  writeFileSync(from, Buffer.concat([Buffer.from(head), pixels]))
  const { code, stderr } = await run('ojph_compress', ['-i', from, '-o', to, ...options])
  if (code !== 0) throw new Error(stderr)
  return readFileSync(to)
}

async function decode(folder: string, frame: Buffer, samples: 1 | 3): Promise<Buffer> {
  const [from, to] = [join(folder, 'masked.j2c'), join(folder, `to.${kindOf(samples)}`)]
  writeFileSync(from, frame)
  const { code, stderr } = await run('ojph_expand', ['-i', from, '-o', to])
  if (code !== 0) throw new Error(stderr)
  return readFileSync(to).subarray(-rows * columns * samples)
}
