import t from 'tap'
import { type DataSet, DicomFile } from '../../src/lib/dicom/index.ts'
import { type ProfileOption, makeProfile } from '../../src/lib/deidentify/index.ts'
import {
  type TestElement,
  ctImage,
  dataSetBytes,
  el,
  raw,
  sq,
  syntax,
} from '../fixtures/dicom-writer.ts'
import { deidentify, newUidOf, reasonsOf } from './deidentified.ts'
import { ofPerson, person } from './planted.ts'

const creator = 'GEMS_ACQU_01'
const sequenceCreator = 'HOLOGIC, Inc.'

function safe(options: readonly ProfileOption[] = [], honourPrivateDataInformation = false) {
  const profile = makeProfile({
    name: 'safe',
    options: ['retainSafePrivate', ...options],
    honourPrivateDataInformation,
  })
  return { profileOf: () => profile }
}

/** What is private in the output, as `tag: value`. */
async function privateOf(
  elements: readonly TestElement[],
  options = safe(),
): Promise<Record<string, string>> {
  const { files, record } = await deidentify([ofPerson({ elements })], options)
  if (files[0] === undefined) throw new Error(JSON.stringify(record['reasons']))
  using file = DicomFile.open(files[0])
  const found: Record<string, string> = {}
  for (const { tag, vr } of file.dataSet.elements) {
    if ((tag & 0x10000) === 0) continue
    const values = file.strings(file.dataSet, tag).join('\\')
    found[tag.toString(16).padStart(8, '0')] = `${vr} ${values}`.trim()
  }
  return found
}

t.test('a safe element stays, its neighbours and their blocks go', async (t) => {
  t.same(
    await privateOf([
      el(0x00190010, 'LO', creator),
      el(0x00190011, 'LO', 'PLANTED'),
      el(0x00190012, 'LO', creator),
      el(0x00191023, 'DS', '1.5'),
      el(0x0019109e, 'LO', 'efgre3d'),
      el(0x00191025, 'LO', 'PLANTED'),
      el(0x00191123, 'DS', '2.5'),
      el(0x00191224, 'DS', '3.5'),
      el(0x00191323, 'DS', '4.5'),
      el(0x00210010, 'LO', creator),
      el(0x00211023, 'DS', '5.5'),
    ]),
    {
      '00190010': `LO ${creator}`,
      '00190012': `LO ${creator}`,
      '00191023': 'DS 1.5',
      '0019109e': 'LO efgre3d',
      '00191224': 'DS 3.5',
    },
    'two blocks of one creator, each by its own reservation',
  )
})

t.test('a creator is a creator in its own spelling, whatever pads it', async (t) => {
  const withCreator = (name: string | Buffer, vr = 'LO') =>
    privateOf([el(0x00190010, vr, name), el(0x00191023, 'DS', '1.5')])
  const kept = { '00190010': `LO ${creator}`, '00191023': 'DS 1.5' }
  t.same(await withCreator(`${creator}  `), kept)
  t.same(await withCreator(`  ${creator}`), kept)
  t.same(await withCreator(Buffer.from(`${creator}\0\0`)), kept)
  t.same(await withCreator(Buffer.from(creator), 'UN'), kept)
  t.same(await withCreator(creator.toLowerCase()), {})
  t.same(await withCreator(`${creator}\\PLANTED`), {})
  t.same(await withCreator('PLANTED'), {})
  t.same(await withCreator(''), {})
  t.same(await privateOf([el(0x00191023, 'DS', '1.5')]), {}, 'nobody reserved the block')
  const twice = raw(
    dataSetBytes([el(0x00190010, 'LO', creator), el(0x00190010, 'LO', 'PLANTED')]),
    0x00190010,
  )
  t.same(await privateOf([twice, el(0x00191023, 'DS', '1.5')]), {}, 'reserved by two')
  const inside = sq(0x00190010, [[el(0x00080104, 'LO', creator)]])
  t.same(await privateOf([inside, el(0x00191023, 'DS', '1.5')]), {})
})

t.test('the VR is the one of the list, and values are held to it', async (t) => {
  const one = (vr: string, value: string | Buffer) =>
    privateOf([el(0x00190010, 'LO', creator), el(0x00191023, vr, value)])
  t.same((await one('UN', Buffer.from('1.5 ')))['00191023'], 'DS 1.5')
  t.same(await one('DS', person.family), { '00190010': `LO ${creator}`, '00191023': 'DS' })
  t.same(await one('PN', person.family), {})
  t.same(await one('OB', Buffer.from('PLANTED0')), {})
  for (const transferSyntax of [syntax.implicit, syntax.bigEndian, syntax.deflated]) {
    const elements = [
      el(0x00190010, 'LO', creator),
      el(0x00191023, 'DS', '1.5'),
      el(0x00250010, 'LO', 'GEMS_SERS_01'),
      el(0x00251007, 'SL', [258]),
    ]
    const { files } = await deidentify([ctImage({ elements, transferSyntax })], safe())
    using file = DicomFile.open(files[0] ?? '')
    const bytes = file.dataSet.get(0x00191023)
    t.equal(bytes && file.bytes(bytes).toString('latin1').trim(), '1.5')
    const number = file.dataSet.get(0x00251007)
    const found = number && file.bytes(number)
    t.equal(file.littleEndian ? found?.readInt32LE() : found?.readInt32BE(), 258)
  }
})

t.test(
  'private sequences are treated item by item, also those of undefined length in UN',
  async (t) => {
    const item = [
      el(0x00100010, 'PN', person.family),
      el(0x00080020, 'DA', person.studyDate),
      el(0x00081155, 'UI', person.foreignUid),
      el(0x00090010, 'LO', 'PLANTED'),
      el(0x00091001, 'LO', 'PLANTED'),
      el(0x00190010, 'LO', creator),
      el(0x00191023, 'DS', '7'),
      el(0x00280010, 'US', 8),
    ]
    const asUn = (elements: readonly TestElement[]) => {
      const content = dataSetBytes(elements, { explicitVR: false })
      const header = Buffer.from('feff00e000000000', 'hex')
      header.writeUInt32LE(content.length, 4)
      return Buffer.concat([
        Buffer.from('017e1010554e0000ffffffff', 'hex'),
        header,
        content,
        Buffer.from('feffdde000000000', 'hex'),
      ])
    }
    for (const sequence of [sq(0x7e011010, [item]), raw(asUn(item), 0x7e011010)]) {
      const elements = [el(0x7e010010, 'LO', sequenceCreator), sequence]
      const { files, record } = await deidentify([ofPerson({ elements })], safe())
      t.equal(record.type, 'deidentified', JSON.stringify(record['reasons']))
      using file = DicomFile.open(files[0] ?? '')
      const [inner] = file.dataSet.get(0x7e011010)?.items ?? []
      if (inner === undefined) throw new Error('no item')
      t.same(tagsOf(inner), ['80020', '81155', '100010', '190010', '191023', '280010'])
      t.equal(file.string(inner, 0x00100010), 'S001')
      t.equal(file.string(inner, 0x00081155), newUidOf(person.foreignUid))
      t.equal(file.string(inner, 0x00080020), undefined)
    }
  },
)

function tagsOf({ elements }: DataSet): string[] {
  return elements.map(({ tag }) => tag.toString(16))
}

t.test('what is kept is searched like everything', async (t) => {
  const block = el(0x00190010, 'LO', creator)
  const named = ofPerson({ elements: [block, el(0x0019109e, 'LO', `by ${person.operator}`)] })
  t.same(reasonsOf((await deidentify([named], safe())).record), ['identity-found'])
  const bytes = ofPerson({
    elements: [
      el(0x7e010010, 'LO', sequenceCreator),
      el(0x7e011012, 'OB', Buffer.from(`\x01\x02${person.family}\x03`)),
    ],
  })
  t.same(reasonsOf((await deidentify([bytes], safe())).record), ['identity-found'])
})

t.test('what an object calls safe itself is believed only where the project does', async (t) => {
  const about = (creatorName: string, status: string, safeElements: number[] = []) => [
    el(0x00080301, 'US', 0x0029),
    el(0x00080302, 'LO', creatorName),
    el(0x00080303, 'CS', status),
    ...(safeElements.length > 0 ? [el(0x00080304, 'US', safeElements)] : []),
  ]
  const elements = [
    sq(0x00080300, [
      about('SAFE INC', 'SAFE'),
      about('MIXED INC', 'MIXED', [0x01]),
      about('UNSAFE INC', 'UNSAFE'),
    ]),
    el(0x00290010, 'LO', 'SAFE INC'),
    el(0x00291001, 'LO', 'stays'),
    el(0x00291002, 'PN', person.family),
    el(0x00291003, 'UI', person.foreignUid),
    el(0x00291004, 'DA', person.studyDate),
    el(0x00291005, 'LT', 'axial, of a patient'),
    el(0x00291006, 'UN', Buffer.from('PLANTED0')),
    el(0x00290011, 'LO', 'MIXED INC'),
    el(0x00291101, 'US', 7),
    el(0x00291102, 'US', 8),
    el(0x00290012, 'LO', 'UNSAFE INC'),
    el(0x00291201, 'US', 9),
  ]
  t.same(await privateOf(elements), {})
  t.same(await privateOf(elements, safe([], true)), {
    '00290010': 'LO SAFE INC',
    '00290011': 'LO MIXED INC',
    '00291001': 'LO stays',
    '00291003': `UI ${newUidOf(person.foreignUid)}`,
    '00291005': 'LT axial',
    '00291101': 'US 7',
  })
  const dates = await privateOf(elements, safe(['retainLongitudinalFullDates'], true))
  t.equal(dates['00291004'], `DA ${person.studyDate}`)
})
