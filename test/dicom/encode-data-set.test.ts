import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import {
  DicomFile,
  type Element,
  type Encoding,
  type OutElement,
  encodeDataSet,
  encodeFileMeta,
  encodingOf,
} from '../../src/lib/dicom/index.ts'
import {
  CT_IMAGE_STORAGE,
  ctElements,
  dataSetBytes,
  dicomFile,
  el,
  encapsulated,
  sq,
  syntax,
} from '../fixtures/dicom-writer.ts'
import { missing, pydicomSamples } from '../fixtures/peers.ts'
import { type Plain, joined, plain } from './walked.ts'

const explicit: Encoding = { littleEndian: true, explicitVR: true }
const implicit: Encoding = { littleEndian: true, explicitVR: false }
const bigEndian: Encoding = { littleEndian: false, explicitVR: true }

function file(elements: readonly OutElement[], encoding: Encoding, source?: DicomFile): DicomFile {
  const uid = encoding.explicitVR
    ? encoding.littleEndian
      ? syntax.explicit
      : syntax.bigEndian
    : syntax.implicit
  const meta = encodeFileMeta({
    MediaStorageSOPClassUID: CT_IMAGE_STORAGE,
    MediaStorageSOPInstanceUID: '2.25.1',
    TransferSyntaxUID: uid,
  })
  const bytes = Buffer.concat([meta, joined(encodeDataSet(elements, encoding), source)])
  const parsed = DicomFile.fromBuffer(bytes)
  if (parsed.transferSyntaxUID !== uid) throw new Error(`read as ${parsed.transferSyntaxUID}`)
  return parsed
}

/** What the encoder promises of the elements it is given, as `plain` tells it. */
function expectedOf(elements: readonly OutElement[]): Plain {
  const out: Plain = {}
  for (const element of [...elements].sort((a, b) => a.tag - b.tag)) {
    if ((element.tag & 0xffff) === 0) continue
    const name = `${element.tag.toString(16).padStart(8, '0')} ${element.vr}`
    if ('items' in element) out[name] = [...element.items].map(expectedOf)
    else if ('value' in element) {
      const text = 'AE AS CS DA DS DT IS LO LT PN SH ST TM UC UR UT'.includes(element.vr)
      const padding = element.value.length % 2 === 0 ? '' : text ? '20' : '00'
      out[name] = element.value.toString('hex') + padding
    }
  }
  return out
}

const vrs =
  'AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SS ST SV TM UC UI UL UN UR US UT UV'
// Private groups: the dictionary has no opinion that could change the VR in implicit VR.
const tags = fc
  .tuple(fc.integer({ min: 4, max: 0x7fdf }), fc.integer({ min: 0, max: 0xffff }))
  .map(([group, element]) => (((group | 1) << 16) | element) >>> 0)
const leaf = fc.record({
  tag: tags,
  vr: fc.constantFrom(...vrs.split(' ')),
  value: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
})
const byTag = { selector: ({ tag }: { tag: number }) => tag }
const { elements: anyElements } = fc.letrec<{ elements: OutElement[]; element: OutElement }>(
  (tie) => ({
    elements: fc.uniqueArray(tie('element'), { maxLength: 6, ...byTag }),
    element: fc.oneof(
      { maxDepth: 4, depthIdentifier: 'items' },
      leaf,
      fc.record({
        tag: tags,
        vr: fc.constant('SQ' as const),
        items: fc.array(tie('elements'), { maxLength: 3, depthIdentifier: 'items' }),
      }),
    ),
  }),
)

t.test('what is written reads as it was given, in both byte orders', async () => {
  for (const encoding of [explicit, bigEndian]) {
    fc.assert(
      fc.property(anyElements, (elements) => {
        // An empty data set shows no byte order; one element more makes it one.
        const all = [...elements, { tag: 0x00080060, vr: 'CS', value: Buffer.from('CT') }]
        const found = JSON.stringify(plain(file(all, encoding)))
        return found === JSON.stringify(expectedOf(all))
      }),
      { numRuns: 500 },
    )
  }
})

t.test('copied element by element, a file is what it was', async (t) => {
  const elements = [
    ...ctElements({ without: [0x7fe00010] }),
    sq(0x00081115, [[el(0x0020000e, 'UI', '2.25.7'), sq(0x00081199, [[], []])]]),
    encapsulated([Buffer.from('010203', 'hex'), Buffer.alloc(10)]),
  ]
  for (const undefinedLengths of [true, false]) {
    const source = DicomFile.fromBuffer(
      dicomFile({ elements, undefinedLengths, transferSyntax: syntax.rle }),
    )
    const copies = source.dataSet.elements.map((copy) => ({ tag: copy.tag, vr: copy.vr, copy }))
    t.same(plain(file(copies, explicit, source)), plain(source))
  }
})

t.test('items of implicit VR are written anew into explicit VR, and the reverse', async (t) => {
  const elements = [
    el(0x00080060, 'CS', 'CT'),
    sq(0x00081115, [
      [el(0x0020000e, 'UI', '2.25.7'), sq(0x00081199, [[el(0x00081150, 'UI', '2.25')]])],
    ]),
  ]
  const source = DicomFile.fromBuffer(dicomFile({ elements, transferSyntax: syntax.implicit }))
  const copiesOf = (from: DicomFile) =>
    from.dataSet.elements.map((copy) => ({ tag: copy.tag, vr: copy.vr, copy }))
  const asExplicit = file(copiesOf(source), explicit, source)
  t.same(plain(asExplicit), plain(source))
  t.equal(asExplicit.dataSet.get(0x00081115)?.items?.[0]?.explicitVR, true)
  const back = file(copiesOf(asExplicit), implicit, asExplicit)
  t.same(plain(back), plain(source))
})

t.test('numbers of the other byte order are refused, not written wrongly', async (t) => {
  const item = [el(0x00280010, 'US', 1)]
  const elements = [el(0x00080060, 'CS', 'CT'), sq(0x00081115, [item])]
  const source = DicomFile.fromBuffer(dicomFile({ elements, transferSyntax: syntax.bigEndian }))
  const copies = source.dataSet.elements.map((copy) => ({ tag: copy.tag, vr: copy.vr, copy }))
  t.throws(() => file(copies, explicit, source), {
    code: 'E_DICOM_ENCODE',
    message: /\(0028,0010\) has the other byte order/,
    exitCode: 65,
  })
})

t.test('a short item is one piece, and says what a long one does', async (t) => {
  for (const encoding of [explicit, bigEndian]) {
    for (let length = 1990; length < 2060; length++) {
      const item: OutElement[] = [
        { tag: 0x00091010, vr: 'LO', value: Buffer.alloc(length, 'a') },
        { tag: 0x00081150, vr: 'UI', value: Buffer.from('1.2.3') },
      ]
      const sequence: OutElement[] = [{ tag: 0x00081199, vr: 'SQ', items: [item, item] }]
      const pieces = [...encodeDataSet(sequence, encoding)].length
      // The header, the items, the end.
      t.equal(pieces === 4, length < 2002, `${String(length)} bytes`)
      t.same(plain(file(sequence, encoding)), expectedOf(sequence))
    }
  }
})

t.test('group lengths are dropped but in group 2, and odd values are padded', async (t) => {
  const value = Buffer.from('abc')
  const written = joined(
    encodeDataSet(
      [
        { tag: 0x00100020, vr: 'LO', value },
        { tag: 0x00080000, vr: 'UL', value: Buffer.alloc(4) },
        { tag: 0x00080018, vr: 'UI', value: Buffer.from('1.2.3') },
        { tag: 0x00091010, vr: 'OB', value },
      ],
      explicit,
    ),
  )
  const expected = dataSetBytes([
    el(0x00080018, 'UI', Buffer.from('1.2.3\0')),
    el(0x00091010, 'OB', Buffer.from('abc\0')),
    el(0x00100020, 'LO', Buffer.from('abc ')),
  ])
  t.equal(written.toString('hex'), expected.toString('hex'))
})

t.test('a text too long for its length field is written as UN and stays whole', async (t) => {
  const value = Buffer.alloc(70_000, 'a')
  const found = file([{ tag: 0x00100020, vr: 'LO', value }], explicit)
  const element: Element | undefined = found.dataSet.get(0x00100020)
  t.match(element, { vr: 'UN', length: 70_000 })
  t.equal(found.string(found.dataSet, 0x00100020)?.length, 70_000)
})

t.test('pixels are passed on as ranges of their file, not as bytes', async (t) => {
  const bytes = dicomFile({ elements: ctElements({ rows: 64, columns: 64 }) })
  const source = DicomFile.fromBuffer(bytes)
  const copy = source.dataSet.get(0x7fe00010)
  if (copy === undefined) throw new Error('no pixels')
  const parts = [...encodeDataSet([{ tag: copy.tag, vr: copy.vr, copy }], explicit)]
  t.same(parts.at(-1), { offset: copy.offset, length: copy.length })
})

const samples = pydicomSamples().filter((path) => !/truncated|no_meta\.dcm|_dfl|UN_seq/.test(path))

t.test(
  "pydicom's samples, copied element by element, are what they were",
  { skip: samples.length === 0 ? 'pydicom not installed' : false },
  async (t) => {
    for (const path of samples) {
      using source = DicomFile.open(path)
      const { littleEndian, explicitVR } = source
      const copies = source.dataSet.elements
        .filter(({ tag }) => (tag & 0xffff) !== 0)
        .map((copy) => ({ tag: copy.tag, vr: copy.vr, copy }))
      const copied = file(copies, { littleEndian, explicitVR }, source)
      const withoutLengths = Object.fromEntries(
        Object.entries(plain(source)).filter(([name]) => !/^....0000 /.test(name)),
      )
      // A sequence that came as UN is written as the sequence it is.
      const asSequences = (from: Plain) => JSON.stringify(from).replaceAll(' UN":[', ' SQ":[')
      t.equal(asSequences(plain(copied)), asSequences(withoutLengths), path)
    }
  },
)

t.test('dcmdump and pydicom read what we write', { skip: missing('dcmdump') }, async (t) => {
  const path = join(t.testdir(), 'written.dcm')
  const uid = (text: string) => Buffer.from(text)
  const elements: OutElement[] = [
    { tag: 0x00080016, vr: 'UI', value: uid(CT_IMAGE_STORAGE) },
    { tag: 0x00080018, vr: 'UI', value: uid('2.25.1') },
    {
      tag: 0x00081115,
      vr: 'SQ',
      items: [[{ tag: 0x0020000e, vr: 'UI', value: uid('2.25.77') }], []],
    },
    { tag: 0x00100020, vr: 'LO', value: Buffer.from('EX-0001') },
  ]
  const metaOf = (TransferSyntaxUID: string) =>
    encodeFileMeta({
      MediaStorageSOPClassUID: CT_IMAGE_STORAGE,
      MediaStorageSOPInstanceUID: '2.25.1',
      TransferSyntaxUID,
      SourceApplicationEntityTitle: 'SCANNER',
      ReceivingApplicationEntityTitle: 'FIONA',
    })
  for (const transferSyntax of [syntax.explicit, syntax.implicit, syntax.bigEndian]) {
    const body = joined(encodeDataSet(elements, encodingOf(transferSyntax)))
    writeFileSync(path, Buffer.concat([metaOf(transferSyntax), body]))
    const dump = spawnSync('dcmdump', ['+L', '-Un', path], { encoding: 'utf8' })
    t.equal(dump.stderr, '')
    t.match(dump.stdout, /\(0002,0016\) AE \[SCANNER\]/)
    t.match(dump.stdout, /\(0002,0018\) AE \[FIONA\]/)
    t.match(dump.stdout, /\(0020,000e\) UI \[2\.25\.77\]/)
    const script =
      'import pydicom, sys; d = pydicom.dcmread(sys.argv[1]); ' +
      'print(d.file_meta.TransferSyntaxUID, d.PatientID, d[0x0008,0x1115].value[0].SeriesInstanceUID, len(d[0x0008,0x1115].value))'
    const python = spawnSync('/usr/bin/python3', ['-c', script, path], { encoding: 'utf8' })
    t.equal(python.stdout, `${transferSyntax} EX-0001 2.25.77 2\n`)
  }
})
