import { readFileSync } from 'node:fs'
import tap from 'tap'

import { DicomFile } from '../../src/lib/dicom/index.ts'
import { missing } from '../fixtures/peers.ts'
import { isWithin } from '../pixels/images.ts'
import { deidentify, newSite, reasonsOf } from './deidentified.ts'
import { type Picture, converted, picture, pixelsOf, withPixels } from './masked.ts'

const rectangle = [10, 5, 17, 9] as const
const rules = withPixels({ rules: [{ modality: 'US', mask: [rectangle] }] })

const onePixel = [1, 1] as const

interface Case {
  readonly picture: Picture
  readonly encode: readonly [command: string, ...options: readonly string[]]
  readonly decode: readonly [command: string, ...options: readonly string[]]
  /** Pixels of a unit: what the mask is rounded outward to. */
  readonly unit?: readonly [width: number, height: number]
  /** The samples of a masked pixel, if they are not the smallest value. */
  readonly blank?: readonly number[]
  /** Decoders smooth chrominance over this many pixels next to a unit. */
  readonly blur?: number
  /** What the encoder lost the object has to say. */
  readonly isLossy?: boolean
  /** Photometric Interpretation afterwards, where it is another. */
  readonly interpretation?: string
}

const rle = { encode: ['dcmcrle'], decode: ['dcmdrle'] } as const
const jpeg = (...options: string[]) =>
  ({ encode: ['dcmcjpeg', ...options], decode: ['dcmdjpeg', '+cn'] }) as const
const jpegLs = (...options: string[]) =>
  ({ encode: ['dcmcjpls', ...options], decode: ['dcmdjpls'] }) as const
const jpeg2000 = (...options: string[]) =>
  ({ encode: ['gdcmconv', '--j2k', ...options], decode: ['gdcmconv', '--raw'] }) as const
const cases: Readonly<Record<string, Case>> = {
  'RLE of 8 bits': { picture: { frames: 3 }, ...rle },
  'RLE of 16 bits, signed': { picture: { bits: 16, isSigned: true }, ...rle },
  'RLE of RGB': { picture: { samples: 3, frames: 2 }, ...rle },
  'lossless JPEG SV1': { picture: { frames: 2 }, ...jpeg() },
  'lossless JPEG of 16 bits': { picture: { bits: 16 }, ...jpeg() },
  'lossless JPEG of 12 signed bits': { picture: { bits: 12, isSigned: true }, ...jpeg() },
  'lossless JPEG of RGB': { picture: { samples: 3 }, ...jpeg() },
  ...Object.fromEntries(
    [2, 3, 4, 5, 6, 7].map((predictor) => [
      `lossless JPEG of predictor ${String(predictor)}`,
      { picture: { bits: 12 }, ...jpeg('+el', '+sv', String(predictor)) } satisfies Case,
    ]),
  ),
  'baseline JPEG': { picture: { frames: 3 }, ...jpeg('+eb'), unit: [8, 8] },
  'baseline JPEG with standard tables': { picture: {}, ...jpeg('+eb', '-ho'), unit: [8, 8] },
  'baseline JPEG of high quality': { picture: {}, ...jpeg('+eb', '+q', '100'), unit: [8, 8] },
  'baseline JPEG of MONOCHROME1': {
    picture: { interpretation: 'MONOCHROME1' },
    ...jpeg('+eb'),
    unit: [8, 8],
    blank: [255],
  },
  'extended JPEG of 12 bits': { picture: { bits: 12 }, ...jpeg('+ee', '+bt'), unit: [8, 8] },
  'baseline JPEG in colours': {
    picture: { samples: 3 },
    ...jpeg('+eb', '+s4'),
    unit: [8, 8],
    blank: [0, 128, 128],
  },
  'baseline JPEG of RGB': {
    picture: { samples: 3 },
    ...jpeg('+eb', '+cr', '+s4'),
    unit: [8, 8],
  },
  'baseline JPEG with half the chrominance': {
    picture: { samples: 3, frames: 2 },
    ...jpeg('+eb', '+s2'),
    unit: [16, 8],
    blank: [0, 128, 128],
    blur: 1,
  },
  'lossless JPEG-LS': { picture: { frames: 3 }, ...jpegLs() },
  'lossless JPEG-LS of 12 bits': { picture: { bits: 12 }, ...jpegLs() },
  'lossless JPEG-LS of 16 signed bits': { picture: { bits: 16, isSigned: true }, ...jpegLs() },
  'lossless JPEG-LS of MONOCHROME1': {
    picture: { bits: 12, interpretation: 'MONOCHROME1' },
    ...jpegLs(),
    blank: [4095],
  },
  'JPEG-LS of RGB by line': { picture: { samples: 3, frames: 2 }, ...jpegLs('+il') },
  'JPEG-LS of RGB by pixel': { picture: { samples: 3 }, ...jpegLs('+is') },
  'JPEG-LS of RGB by plane': { picture: { samples: 3, isPlanar: true }, ...jpegLs('+in') },
  'near-lossless JPEG-LS': { picture: { frames: 2 }, ...jpegLs('+en', '+md', '5'), isLossy: true },
  'JPEG-LS in small fragments': {
    picture: { frames: 3, rows: 200, columns: 200 },
    ...jpegLs('+fs', '2'),
  },
  'lossless JPEG 2000': { picture: { frames: 3 }, ...jpeg2000() },
  'lossless JPEG 2000 of 12 bits': { picture: { bits: 12 }, ...jpeg2000() },
  'lossless JPEG 2000 of 16 signed bits': {
    picture: { bits: 16, isSigned: true },
    ...jpeg2000(),
  },
  'lossless JPEG 2000 of MONOCHROME1': {
    picture: { interpretation: 'MONOCHROME1' },
    ...jpeg2000(),
    blank: [255],
  },
  'lossless JPEG 2000 of RGB': {
    picture: { samples: 3, frames: 2 },
    ...jpeg2000(),
    interpretation: 'YBR_RCT',
  },
  'lossy JPEG 2000': {
    picture: { rows: 64, columns: 80 },
    ...jpeg2000('-Y', '--irreversible', '-q', '40'),
    isLossy: true,
  },
  'lossy JPEG 2000 of RGB': {
    picture: { rows: 64, columns: 80, samples: 3 },
    ...jpeg2000('-Y', '--irreversible', '-q', '40'),
    isLossy: true,
    interpretation: 'YBR_RCT',
  },
  'lossy JPEG 2000 of 12 bits': {
    picture: { rows: 64, columns: 80, bits: 12 },
    ...jpeg2000('-Y', '--irreversible', '-q', '40'),
    isLossy: true,
  },
  'JPEG 2000 in tiles': {
    picture: { rows: 64, columns: 80 },
    ...jpeg2000('-t', '32,32'),
  },
  'baseline JPEG in small fragments': {
    picture: { frames: 3, rows: 200, columns: 200 },
    ...jpeg('+eb', '+fs', '2'),
    unit: [8, 8],
  },
}

for (const [
  name,
  { picture: about, encode, decode, unit = onePixel, blank, blur = 0, isLossy, interpretation },
] of Object.entries(cases)) {
  tap.test(
    `${name}: its decoder reads the masked part blank and the rest as before`,
    {
      skip: missing(encode[0], decode[0]),
    },
    async (t) => {
      const { root } = newSite()
      const encoded = await converted(root, picture(about), ...encode)
      const { record, files } = await deidentify([encoded], rules)
      t.same(reasonsOf(record), [])
      t.match(record, { type: 'deidentified', pixels: { masked: 1, regions: 1, searched: 0 } })
      const masked = readFileSync(files[0] ?? '')
      const before = await converted(root, encoded, ...decode)
      const after = await converted(root, masked, ...decode)
      compare(t, before, after, unit, blank, blur)
      const file = DicomFile.fromBuffer(masked)
      t.equal(file.transferSyntaxUID, DicomFile.fromBuffer(encoded).transferSyntaxUID)
      t.equal(file.string(file.dataSet, 0x00280301), 'NO')
      const said = (tag: number, object = file) => object.string(object.dataSet, tag)
      if (isLossy === true) {
        t.equal(said(0x00282110), '01')
        t.ok(Number(said(0x00282112)) > 1)
        t.match(said(0x00282114), /^ISO_1(?:4495|5444)_1$/)
      }
      const colours = said(0x00280004, DicomFile.fromBuffer(encoded))
      t.equal(said(0x00280004), interpretation ?? colours)
    },
  )
}

/** Sample by sample: blank within whole units, the very same outside of them. */
function compare(
  t: Pick<typeof tap, 'equal' | 'ok'>,
  before: Buffer,
  after: Buffer,
  [width, height]: readonly [number, number],
  blank: readonly number[] | undefined,
  blur: number,
): void {
  const file = DicomFile.fromBuffer(after)
  const read = (tag: number) => file.numbers(file.dataSet, tag)[0] ?? 0
  const [rows, columns, samples] = [read(0x00280010), read(0x00280011), read(0x00280002)]
  const bytes = read(0x00280100) / 8
  const isPlanar = samples > 1 && read(0x00280006) === 1
  const [x, y, w, h] = rectangle
  const left = Math.floor(x / width) * width
  const top = Math.floor(y / height) * height
  const right = Math.ceil((x + w) / width) * width
  const bottom = Math.ceil((y + h) / height) * height
  const region = [left, top, right - left, bottom - top]
  const edge = [left - blur, top, right - left + 2 * blur, bottom - top]
  const black = read(0x00280103) === 1 ? 2 ** (read(0x00280101) - 1) : 0
  const [was, is] = [pixelsOf(before), pixelsOf(after)]
  t.equal(is.length, was.length)
  let [kept, leftOver, changed] = [0, 0, 0]
  for (let at = 0; at + bytes <= is.length; at += bytes) {
    const index = at / bytes
    const frame = rows * columns * samples
    const inFrame = index % frame
    const pixel = isPlanar ? inFrame % (rows * columns) : Math.floor(inFrame / samples)
    const sample = isPlanar ? Math.floor(inFrame / (rows * columns)) : inFrame % samples
    const [column, row] = [pixel % columns, Math.floor(pixel / columns)]
    const value = is.readUIntLE(at, bytes)
    if (isWithin([region], column, row)) {
      const isEdge =
        sample > 0 && !isWithin([[left + blur, top, right - left - 2 * blur, 99]], column, row)
      const wanted = blank?.[sample] ?? black
      if (bytes === 2 ? value % 2 ** read(0x00280101) !== wanted : value !== wanted && !isEdge)
        leftOver++
    } else if (value !== was.readUIntLE(at, bytes)) {
      if (sample > 0 && isWithin([edge], column, row)) continue
      changed++
    } else kept++
  }
  t.equal(leftOver, 0, 'nothing of the masked part is left')
  t.equal(changed, 0, 'nothing else changed')
  t.ok(kept > 0)
}
