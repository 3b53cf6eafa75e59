import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { missing, pydicomSamples } from '../fixtures/peers.ts'
import { deidentifierAt, newSite, reasonsOf } from './deidentified.ts'
import { converted, withPixels } from './masked.ts'

const corner = [3, 2, 9, 7] as const
const rules = withPixels({
  rules: [
    {
      photometricInterpretation: [
        'MONOCHROME1',
        'MONOCHROME2',
        'RGB',
        'YBR_FULL',
        'YBR_FULL_422',
        'PALETTE COLOR',
      ],
      mask: [corner],
    },
  ],
})
const decoders: Readonly<Record<string, readonly string[]>> = {
  '1.2.840.10008.1.2.5': ['dcmdrle'],
  '1.2.840.10008.1.2.4.50': ['dcmdjpeg', '+cn'],
  '1.2.840.10008.1.2.4.51': ['dcmdjpeg', '+cn'],
  '1.2.840.10008.1.2.4.57': ['dcmdjpeg', '+cn'],
  '1.2.840.10008.1.2.4.70': ['dcmdjpeg', '+cn'],
}
const samples = pydicomSamples()

t.test(
  'real files are masked and decoded by dcmtk as before, or held with a reason',
  {
    skip: samples.length === 0 ? 'pydicom not installed' : missing('dcmdjpeg', 'dcmdrle'),
  },
  async (t) => {
    let [masked, compared] = [0, 0]
    for (const path of samples) {
      const site = newSite()
      const uids = uidsOf(path)
      if (uids === undefined) continue
      const folder = join(site.dataDir, 'default', 'archive', uids.study, uids.series)
      mkdirSync(folder, { recursive: true })
      const bytes = readFileSync(path)
      writeFileSync(join(folder, 'one.dcm'), bytes)
      const record = await deidentifierAt(site, rules).record({
        type: 'study',
        StudyInstanceUID: uids.study,
        path: join(site.dataDir, 'default', 'archive', uids.study),
        series: [{ SeriesInstanceUID: uids.series, instances: 1 }],
        instances: 1,
        bytes: bytes.length,
        reason: 'flush',
        revision: 1,
      })
      if (record?.type !== 'deidentified') {
        t.ok(record !== undefined && reasonsOf(record).length > 0, basename(path))
        continue
      }
      if (record['pixels'] === undefined) continue
      masked += 1
      const [{ SeriesInstanceUID }] = record['series'] as [{ SeriesInstanceUID: string }]
      const out = join(String(record['path']), SeriesInstanceUID)
      const [name = ''] = readdirSync(out)
      const after = readFileSync(join(out, name))
      const decoder = decoders[DicomFile.fromBuffer(after).transferSyntaxUID]
      const decode = async (object: Buffer): Promise<Buffer | undefined> => {
        if (decoder === undefined) return object
        const [command = '', ...options] = decoder
        return converted(site.root, object, command, ...options).catch(() => undefined)
      }
      const [was, is] = [await decode(bytes), await decode(after)]
      if (was === undefined) continue
      t.ok(is !== undefined, `${basename(path)} can be decoded`)
      if (is === undefined || decoder === undefined) continue
      compared += 1
      t.equal(framesLength(is), framesLength(was), `${basename(path)} has as many pixels`)
      t.ok(endsAlike(was, is), `${basename(path)}: the last rows are the same`)
    }
    t.ok(masked > 20, `${String(masked)} masked`)
    t.ok(compared > 5, `${String(compared)} compared`)
  },
)

function uidsOf(path: string): { study: string; series: string } | undefined {
  try {
    using file = DicomFile.open(path)
    const [study, series] = [0x0020000d, 0x0020000e].map((tag) => file.string(file.dataSet, tag))
    return study === undefined || series === undefined ? undefined : { study, series }
  } catch {
    return undefined
  }
}

function pixels(object: Buffer): Buffer {
  const file = DicomFile.fromBuffer(object)
  const element = file.dataSet.get(0x7fe00010)
  return element === undefined ? Buffer.alloc(0) : file.bytes(element)
}

function framesLength(object: Buffer): number {
  return pixels(object).length
}

/** The last frame below the units that the mask touches. */
function endsAlike(was: Buffer, is: Buffer): boolean {
  const file = DicomFile.fromBuffer(is)
  const read = (tag: number) => file.numbers(file.dataSet, tag)[0] ?? 1
  const rows = Math.max(0, read(0x00280010) - 16)
  const bytes = (rows * read(0x00280011) * read(0x00280100)) / 8
  const start = pixels(is).length - bytes
  return pixels(was).subarray(start).equals(pixels(is).subarray(start))
}
