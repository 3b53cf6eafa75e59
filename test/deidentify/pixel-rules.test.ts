import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { compilePixelRules } from '../../src/lib/deidentify/index.ts'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { el, encapsulated, sq, syntax } from '../fixtures/dicom-writer.ts'
import { missing, run } from '../fixtures/peers.ts'
import { deidentify, filesUnder, newSite, reasonsOf } from './deidentified.ts'
import { type Picture, picture, pixelsOf, withPixels } from './masked.ts'

const top = [0, 0, 65535, 8] as const
const mask = [top]
const burnedIn = (value: string) => el(0x00280301, 'CS', value)
const icon = sq(0x00880200, [[el(0x00280010, 'US', 1), el(0x7fe00010, 'OB', Buffer.alloc(2, 9))]])

async function outcome(pixels: unknown, about: Picture = {}, more: Record<string, unknown> = {}) {
  const object = picture(about)
  const { record, files, site } = await deidentify([object], withPixels(pixels), more)
  return { record, files, site, object, codes: reasonsOf(record) }
}
const rule = (some: Record<string, unknown>) => ({ rules: [some] })

/** What becomes of an ultrasound image that does not say whether text is burned in. */
const decisions: Readonly<
  Record<string, readonly [pixels: unknown, reasons: readonly string[], about?: Picture]>
> = {
  'no rules: it is held': [undefined, ['screen-capture']],
  'a rule that does not fit': [rule({ modality: 'CT', mask }), ['screen-capture']],
  'a rule that masks': [rule({ modality: 'US', mask }), []],
  'the first that fits': [
    {
      rules: [
        { modality: 'us', action: 'review' },
        { modality: 'US', mask },
      ],
    },
    ['pixel-rule'],
  ],
  'a device that burns nothing in': [rule({ manufacturer: '^maker', action: 'clean' }), []],
  'such a device, but the object says it has text': [
    rule({ manufacturer: '^maker', action: 'clean' }),
    ['burned-in-annotation'],
    { elements: [burnedIn('YES')] },
  ],
  'an object that says it has text, masked': [
    rule({ rows: [40, 41], columns: 56, mask }),
    [],
    { elements: [burnedIn('YES')] },
  ],
  'another size than the rule is for': [rule({ rows: 768, mask }), ['screen-capture']],
  'a mask outside of the image': [
    rule({ modality: 'US', mask: [[0, 40, 9, 9]] }),
    ['pixels-not-masked', 'screen-capture'],
  ],
  'keep by default': [{ default: 'keep' }, []],
  'keep by default, but the object says it has text': [
    { default: 'keep' },
    ['burned-in-annotation'],
    { elements: [burnedIn('YES')] },
  ],
  'conditions of every kind': [
    rule({
      modality: ['CT', 'US'],
      sopClass: '1.2.840.10008.5.1.4.1.1.6.1',
      model: '^model \\d$',
      imageType: 'original\\\\primary',
      photometricInterpretation: 'MONOCHROME2',
      stationName: '^$',
      rows: 40,
      mask,
    }),
    [],
  ],
}
for (const [name, [pixels, reasons, about]] of Object.entries(decisions)) {
  t.test(name, async (t) => {
    const { codes, record } = await outcome(pixels, about)
    t.same([...codes].sort(), [...reasons].sort())
    t.equal(record.type, reasons.length > 0 ? 'held' : 'deidentified')
  })
}

t.test('what was done is said in the object and in the record', async (t) => {
  const { record, files, object } = await outcome(rule({ modality: 'US', mask }), {
    elements: [icon, el(0x00280106, 'US', 3), el(0x00280107, 'US', 250)],
  })
  t.match(record, { pixels: { masked: 1, regions: 1, searched: 0 } })
  using file = DicomFile.open(files[0] ?? '')
  const read = (tag: number) => file.string(file.dataSet, tag)
  t.equal(read(0x00280301), 'NO')
  for (const tag of [0x00280106, 0x00280107, 0x00880200]) t.equal(file.dataSet.get(tag), undefined)
  const items = file.dataSet.get(0x00120064)?.items ?? []
  t.same(
    items.map((item) => file.string(item, 0x00080100)),
    ['113100', '113101'],
  )
  const wanted = pixelsOf(object)
  wanted.fill(0, 0, 8 * 56)
  t.ok(pixelsOf(readFileSync(files[0] ?? '')).equals(wanted))
})

t.test('what no rule touched says nothing of cleaning', async (t) => {
  const { record, files, object } = await outcome(rule({ modality: 'US', action: 'clean' }))
  t.equal(record['pixels'], undefined)
  using file = DicomFile.open(files[0] ?? '')
  t.equal(file.string(file.dataSet, 0x00280301), undefined)
  t.equal(file.dataSet.get(0x00120064)?.items?.length, 1)
  t.ok(pixelsOf(readFileSync(files[0] ?? '')).equals(pixelsOf(object)))
})

t.test('an object can be left out, and is counted', async (t) => {
  const drop = rule({ name: 'photographs', classifyType: 'PHOTO', action: 'drop' })
  const site = await deidentify([picture()], withPixels(drop), { ClassifyType: ['PHOTO'] })
  t.same(reasonsOf(site.record), ['nothing-left'])
  const other = await outcome({ default: 'drop' })
  t.same(other.codes, ['nothing-left'])
})

t.test('all but the regions of ultrasound', async (t) => {
  const regions = sq(0x00186011, [
    [
      el(0x00186018, 'UL', 10),
      el(0x0018601a, 'UL', 4),
      el(0x0018601c, 'UL', 19),
      el(0x0018601e, 'UL', 13),
    ],
  ])
  const pixels = rule({ modality: 'US', mask: 'outsideUltrasoundRegions' })
  const { files, object } = await outcome(pixels, { elements: [regions] })
  const [before, after] = [pixelsOf(object), pixelsOf(readFileSync(files[0] ?? ''))]
  after.forEach((value, at) => {
    const [x, y] = [at % 56, Math.floor(at / 56)]
    const isKept = x >= 10 && x <= 19 && y >= 4 && y <= 13
    if (value !== (isKept ? before[at] : 0)) t.fail(`pixel ${String(x)}, ${String(y)}`)
  })
  const without = await outcome(pixels)
  t.same(without.codes, ['pixels-not-masked', 'screen-capture'])
})

t.test('in every encoding the output is masked and read again', async (t) => {
  for (const transferSyntax of [syntax.implicit, syntax.bigEndian, syntax.deflated]) {
    const about = { transferSyntax, bits: 16, frames: 2 } as const
    const { record, files, object } = await outcome(rule({ modality: 'US', mask }), about)
    t.equal(record.type, 'deidentified')
    const [before, after] = [pixelsOf(object), pixelsOf(readFileSync(files[0] ?? ''))]
    for (const frame of [0, 1]) before.fill(0, frame * 4480, frame * 4480 + 8 * 112)
    t.ok(after.equals(before), transferSyntax)
  }
})

t.test('what lies in unused bits is cleared where the profile says so', async (t) => {
  const pixels = Buffer.alloc(40 * 56 * 2)
  for (let at = 0; at < 40 * 56; at++)
    pixels.writeUInt16LE((at % 4096) | (at % 3 === 0 ? 0x8000 : 0), at * 2)
  const about = { bits: 12, pixels, elements: [burnedIn('NO')] } as const
  t.same((await outcome(undefined, about)).codes, ['overlay-in-pixel-data'])
  const { codes, files } = await outcome({ overlayBits: 'clear' }, about)
  t.same(codes, [])
  const after = pixelsOf(readFileSync(files[0] ?? ''))
  t.ok(after.every((_, at) => at % 2 === 1 || after.readUInt16LE(at) === (at / 2) % 4096))
})

/** Of the second frame. */
function extendedOffset(file: DicomFile): number {
  const element = file.dataSet.get(0x7fe00001)
  return element === undefined ? -1 : Number(file.bytes(element).readBigUInt64LE(8))
}

t.test('offset tables point at the new frames', async (t) => {
  const frame = (value: number) => {
    const header = Buffer.alloc(64)
    header.writeUInt32LE(1, 0)
    header.writeUInt32LE(64, 4)
    const rows = Array.from({ length: 40 }, () => Buffer.from([201, value]))
    return Buffer.concat([header, ...rows])
  }
  const frames = [frame(7), frame(8)]
  const length = 64 + 80
  const about = (table: Buffer, ...elements: NonNullable<Picture['elements']>) => ({
    transferSyntax: syntax.rle,
    frames: 2,
    elements: [encapsulated(frames, table), ...elements],
  })
  const basic = Buffer.alloc(8)
  basic.writeUInt32LE(length + 8, 4)
  const some = rule({ modality: 'US', mask: [[3, 3, 9, 9]] })
  const withBasic = await outcome(some, about(basic))
  const withExtended = await outcome(
    some,
    about(
      Buffer.alloc(0),
      el(0x7fe00001, 'OV', [0, length + 8]),
      el(0x7fe00002, 'OV', [length, length]),
    ),
  )
  for (const { record, files } of [withBasic, withExtended]) {
    t.equal(record.type, 'deidentified')
    using file = DicomFile.open(files[0] ?? '')
    const [table, first, second] = file.dataSet.get(0x7fe00010)?.fragments ?? []
    const offset = (second?.offset ?? 0) - (first?.offset ?? 0)
    t.not(offset, length + 8, 'a masked frame has another length')
    if (table?.length === 8) t.equal(file.range(table.offset, 8).readUInt32LE(4), offset)
    else t.equal(extendedOffset(file), offset)
  }
})

t.test('what cannot be masked exactly is held, and the reason says why', async (t) => {
  const jpeg2000 = '1.2.840.10008.1.2.4.90'
  const broken = Buffer.from('ffd8ffc0ffff', 'hex')
  for (const [transferSyntax, fragment] of [
    [jpeg2000, Buffer.from('ff4f', 'hex')],
    [syntax.jpegBaseline, broken],
    [syntax.rle, Buffer.alloc(70, 255)],
  ] as const) {
    const { record, codes, files } = await outcome(rule({ modality: 'US', mask }), {
      transferSyntax,
      elements: [encapsulated([fragment])],
    })
    t.equal(record.type, 'held')
    t.ok(codes.includes('pixels-not-masked'), transferSyntax)
    t.same(files, [], 'nothing is in the outbox')
  }
})

t.test('a person who looks sees what was masked', async (t) => {
  const { record, site } = await outcome(rule({ modality: 'US', mask }), {
    elements: [el(0x00280302, 'CS', 'YES')],
  })
  t.equal(record.type, 'held')
  const held = filesUnder(site.dataDir).find((path) => path.endsWith('held.json')) ?? ''
  t.match(JSON.parse(readFileSync(held, 'utf8')), {
    masked: [{ rule: 'pixels.rules[0]', regions: [[0, 0, 56, 8]] }],
  })
})

t.test(
  'a masked object has no errors that it had not before',
  { skip: missing('dciodvfy') },
  async (t) => {
    const site = newSite()
    const errors = async (name: string, bytes: Buffer) => {
      const path = join(site.root, name)
      writeFileSync(path, bytes)
      const { stderr } = await run('dciodvfy', ['-new', path])
      return new Set(stderr.split('\n').filter((line) => line.startsWith('Error')))
    }
    const plain = await outcome(rule({ modality: 'US', action: 'clean' }))
    const { files } = await outcome(rule({ modality: 'US', mask }))
    const before = await errors('plain.dcm', readFileSync(plain.files[0] ?? ''))
    const after = await errors('masked.dcm', readFileSync(files[0] ?? ''))
    t.same(
      [...after].filter((line) => !before.has(line)),
      [],
    )
  },
)

/** Mistakes in a profile, and where they are found. */
const mistakes: readonly (readonly [value: unknown, message: RegExp])[] = [
  [[], /^pixels must be a table/],
  [{ defualt: 'keep' }, /^pixels has an unknown key "defualt"; did you mean "default"\?/],
  [{ default: 'pass' }, /^pixels\.default must be one of review, mask, keep, drop/],
  [{ default: 'mask' }, /^pixels\.default is mask, but nothing says what/],
  [{ rules: {} }, /^pixels\.rules must be a list/],
  [{ rules: [5] }, /^pixels\.rules\[0\] must be a table/],
  [{ rules: [{ mask }] }, /^pixels\.rules\[0\] has no condition/],
  [rule({ modality: 'US' }), /^pixels\.rules\[0\] has neither action nor mask/],
  [rule({ modality: 'US', action: 'mask' }), /^pixels\.rules\[0\] masks, and has no mask/],
  [rule({ modality: 'US', action: 'clean', mask }), /^pixels\.rules\[0\]\.mask does not go with/],
  [rule({ modality: 'US', mask: [] }), /^pixels\.rules\[0\]\.mask is empty/],
  [rule({ modality: 'US', mask: 'all' }), /^pixels\.rules\[0\]\.mask must be a list/],
  ...[
    [0, 0, 5],
    [0, 0, 0, 5],
    [-1, 0, 5, 5],
    [0, 0, 65536, 1],
    [0.5, 0, 1, 1],
    ['0', 0, 1, 1],
    7,
    [0, 0, 1, 1, 1],
  ].map(
    (one) =>
      [
        rule({ modality: 'US', mask: [top, one] }),
        /^pixels\.rules\[0\]\.mask\[1\] must be \[x, y/,
      ] as const,
  ),
  [rule({ modalty: 'US', mask }), /unknown key "modalty"; did you mean "modality"\?/],
  [rule({ modality: 5, mask }), /^pixels\.rules\[0\]\.modality must be a text/],
  [rule({ rows: '768', mask }), /^pixels\.rules\[0\]\.rows must be a whole number/],
  [rule({ model: '(', mask }), /^pixels\.rules\[0\]\.model is no regular expression/],
  [rule({ modality: 'US', action: 'blur', mask }), /^pixels\.rules\[0\]\.action must be one of/],
  [rule({ modality: 'US', name: 'ä', mask }), /^pixels\.rules\[0\]\.name must be/],
  [{ ocr: true }, /^pixels\.ocr must be a table/],
  [{ ocr: 'find' }, /^pixels\.ocr must be one of mask, review/],
  [{ ocr: { then: 'mask', languages: 'eng; rm' } }, /^pixels\.ocr\.languages must be like/],
  [{ ocr: { then: 'mask', confidence: 101 } }, /^pixels\.ocr\.confidence must be/],
  [{ ocr: { then: 'mask', command: [] } }, /^pixels\.ocr\.command must be/],
]
t.test('a mistake in a profile is told with its place', async (t) => {
  for (const [value, message] of mistakes) {
    t.throws(
      () => compilePixelRules(value, 'pixels'),
      { code: 'E_PROFILE', message },
      JSON.stringify(value),
    )
  }
})
