import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DicomFile, TransferSyntax } from '../../src/lib/dicom/index.ts'
import {
  ctElements,
  ctImage,
  dataSetBytes,
  dicomFile,
  el,
  encapsulated,
  raw,
  sq,
  syntax,
} from '../fixtures/dicom-writer.ts'
import { plain } from './walked.ts'

const nested = [
  ...ctElements(),
  sq(0x00081115, [
    [el(0x0020000e, 'UI', '2.25.7'), sq(0x00081199, [[el(0x00081155, 'UI', '2.25.8')], []])],
    [el(0x0020000e, 'UI', '2.25.9')],
  ]),
]

t.test('all encodings of the same elements read alike', async (t) => {
  const expected = DicomFile.fromBuffer(dicomFile({ elements: nested }))
  const text = (file: DicomFile, tag: number) => file.strings(file.dataSet, tag)
  for (const transferSyntax of [syntax.implicit, syntax.bigEndian, syntax.deflated]) {
    for (const undefinedLengths of [true, false]) {
      const bytes = dicomFile({ elements: nested, transferSyntax, undefinedLengths })
      const file = DicomFile.fromBuffer(bytes)
      t.equal(file.transferSyntaxUID, transferSyntax)
      t.equal(file.deflated, transferSyntax === syntax.deflated)
      for (const { tag } of expected.dataSet.elements) {
        t.same(text(file, tag), text(expected, tag), tag.toString(16))
      }
      const items = file.dataSet.get(0x00081115)?.items ?? []
      t.same(
        items.map((item) => file.string(item, 0x0020000e)),
        ['2.25.7', '2.25.9'],
      )
      const inner = items[0]?.get(0x00081199)?.items ?? []
      t.equal(inner.length, 2)
      t.equal(inner[0] && file.string(inner[0], 0x00081155), '2.25.8')
      t.equal(inner[0]?.parent, items[0])
    }
  }
})

t.test('the file and its bytes in memory read alike, values far apart too', async (t) => {
  const large = el(0x00091010, 'OB', Buffer.alloc(300_000, 7))
  const elements = [el(0x00090010, 'LO', 'EXAMPLE'), large, ...nested]
  for (const transferSyntax of Object.values(syntax)) {
    const bytes = dicomFile({ elements, transferSyntax })
    const path = join(t.testdir(), 'object.dcm')
    writeFileSync(path, bytes)
    using file = DicomFile.open(path)
    t.equal(file.size, bytes.length)
    t.same(plain(file), plain(DicomFile.fromBuffer(bytes)), transferSyntax)
  }
})

t.test('encapsulated pixel data keeps its fragments, the offset table first', async (t) => {
  const fragments = [Buffer.from('0102030405', 'hex'), Buffer.from('0607', 'hex')]
  const elements = [...ctElements({ without: [0x7fe00010] }), encapsulated(fragments)]
  const file = DicomFile.fromBuffer(dicomFile({ elements, transferSyntax: syntax.jpegBaseline }))
  const pixels = file.dataSet.get(0x7fe00010)
  t.equal(pixels?.undefinedLength, true)
  t.same(
    pixels?.fragments?.map(({ offset, length }) => file.range(offset, length).toString('hex')),
    ['', '010203040500', '0607'],
  )
})

t.test('a file without preamble, without meta length or without meta information', async (t) => {
  const elements = ctElements()
  for (const preamble of [true, false]) {
    for (const metaGroupLength of [true, false]) {
      const file = DicomFile.fromBuffer(dicomFile({ elements, preamble, metaGroupLength }))
      t.equal(file.string(file.meta, 0x00020010), syntax.explicit)
      t.equal(file.string(file.dataSet, 0x00100020), 'EX-0001')
    }
  }
  for (const [explicitVR, littleEndian, uid] of [
    [true, true, TransferSyntax.ExplicitVRLittleEndian],
    [false, true, TransferSyntax.ImplicitVRLittleEndian],
    [true, false, TransferSyntax.ExplicitVRBigEndian],
  ] as const) {
    const file = DicomFile.fromBuffer(dataSetBytes(elements, { explicitVR, littleEndian }))
    t.equal(file.transferSyntaxUID, uid)
    t.equal(file.dataSetOffset, 0)
    t.same(file.meta.elements, [])
    t.equal(file.string(file.dataSet, 0x00100010), 'Example^Patient')
  }
})

t.test('where the bytes contradict the transfer syntax, the bytes count', async (t) => {
  const elements = ctElements()
  const implicitAsExplicit = dicomFile({ elements, explicitVR: false })
  t.equal(DicomFile.fromBuffer(implicitAsExplicit).transferSyntaxUID, syntax.implicit)
  const explicitAsImplicit = dicomFile({
    elements,
    transferSyntax: syntax.implicit,
    explicitVR: true,
  })
  t.equal(DicomFile.fromBuffer(explicitAsImplicit).transferSyntaxUID, syntax.explicit)
  const littleAsBig = dicomFile({ elements, transferSyntax: syntax.bigEndian, littleEndian: true })
  const file = DicomFile.fromBuffer(littleAsBig)
  t.equal(file.transferSyntaxUID, syntax.explicit)
  t.equal(file.string(file.dataSet, 0x00280010), '8')
})

t.test('a sequence passed on as UN is a sequence, of known and of undefined length', async (t) => {
  const item = [el(0x00081150, 'UI', '2.25.4'), el(0x00100020, 'LO', 'EX-0002')]
  const content = dataSetBytes([sq(0x00081140, [item])], { explicitVR: false }).subarray(8)
  const known = DicomFile.fromBuffer(dicomFile({ elements: [el(0x00081140, 'UN', content)] }))
  const element = known.dataSet.get(0x00081140)
  t.equal(element?.vr, 'UN')
  t.equal(element?.items?.[0] && known.string(element.items[0], 0x00100020), 'EX-0002')

  // Private: nobody but the undefined length says that it is one.
  const open = dataSetBytes([sq(0x00091010, [item], { undefinedLength: true, vr: 'UN' })], {
    explicitVR: false,
  })
  const header = Buffer.from('09001010554e0000ffffffff', 'hex')
  const file = DicomFile.fromBuffer(
    dicomFile({ elements: [raw(Buffer.concat([header, open.subarray(8)]))] }),
  )
  const found = file.dataSet.get(0x00091010)
  t.equal(found?.items?.[0]?.explicitVR, false)
  t.equal(found?.items?.[0] && file.string(found.items[0], 0x00100020), 'EX-0002')
})

t.test('what only looks like a sequence in UN stays bytes', async (t) => {
  const value = Buffer.from('feff00e0ffffff0f0102', 'hex')
  const file = DicomFile.fromBuffer(dicomFile({ elements: [el(0x00081140, 'UN', value)] }))
  const element = file.dataSet.get(0x00081140)
  t.equal(element?.items, undefined)
  t.equal(element && file.bytes(element).toString('hex'), value.toString('hex'))
})

t.test('items in another VR encoding than their file are read as what they are', async (t) => {
  const item = [el(0x00081150, 'UI', '2.25.4'), el(0x00100020, 'LO', 'EX-0002')]
  const inside = (explicitVR: boolean) =>
    dataSetBytes([sq(0x00081140, [item], { undefinedLength: true })], { explicitVR }).subarray(
      explicitVR ? 12 : 8,
    )
  const implicitInSQ = Buffer.concat([
    Buffer.from('0800401153510000ffffffff', 'hex'),
    inside(false),
  ])
  const explicitInUN = Buffer.concat([Buffer.from('08004011554e0000ffffffff', 'hex'), inside(true)])
  for (const bytes of [implicitInSQ, explicitInUN]) {
    const file = DicomFile.fromBuffer(dicomFile({ elements: [raw(bytes)] }))
    const first = file.dataSet.get(0x00081140)?.items?.[0]
    t.equal(first && file.string(first, 0x00100020), 'EX-0002')
    t.equal(first?.explicitVR, bytes === explicitInUN)
  }
})

t.test('wrong VR letters: blanks have short lengths, unknown letters long ones', async (t) => {
  const blank = Buffer.from('09001010' + '3f3f' + '0400' + '61626364', 'hex')
  const future = Buffer.from('09001110' + '5a5a' + '0000' + '04000000' + '61626364', 'hex')
  const after = el(0x00100020, 'LO', 'EX-0001')
  const file = DicomFile.fromBuffer(
    dicomFile({ elements: [raw(blank), raw(future), after], sorted: false }),
  )
  t.same(
    file.dataSet.elements.map(({ tag, vr, length }) => [tag, vr, length]),
    [
      [0x00091010, 'UN', 4],
      [0x00091011, 'ZZ', 4],
      [0x00100020, 'LO', 8],
    ],
  )
  const nonsense = Buffer.from('09001010' + '1b41' + '0400' + '61626364', 'hex')
  t.throws(
    () => DicomFile.fromBuffer(dicomFile({ elements: [after, raw(nonsense)], sorted: false })),
    {
      code: 'E_DICOM_PARSE',
      message: /\(0009,1010\) has no value representation/,
    },
  )
})

t.test('elements out of order and double ones: all are kept, the first is found', async (t) => {
  const elements = [
    el(0x00100020, 'LO', 'FIRST '),
    el(0x00080060, 'CS', 'CT'),
    el(0x00100020, 'LO', 'SECOND'),
  ]
  const file = DicomFile.fromBuffer(dicomFile({ elements, sorted: false }))
  t.equal(file.dataSet.elements.length, 3)
  t.equal(file.string(file.dataSet, 0x00100020), 'FIRST')
  t.equal(file.string(file.dataSet, 0x00080060), 'CT')
})

t.test('stopAtPixelData stops in front of the pixels of the object, not of its icon', async (t) => {
  const icon = [el(0x00280010, 'US', 1), el(0x7fe00010, 'OW', [1])]
  const bytes = ctImage({ elements: [sq(0x00880200, [icon])] })
  const file = DicomFile.fromBuffer(bytes, { stopAtPixelData: true })
  t.equal(file.dataSet.get(0x7fe00010), undefined)
  t.ok(file.dataSet.get(0x00880200)?.items?.[0]?.get(0x7fe00010))
  t.doesNotThrow(() => {
    file.requireWhole()
  })
})

t.test(
  'requireWhole finds what is cut off behind the header, of every kind of pixels',
  async (t) => {
    const fragments = encapsulated([Buffer.alloc(100, 1), Buffer.alloc(50, 2)])
    const compressed = dicomFile({
      elements: [...ctElements({ without: [0x7fe00010] }), fragments],
      transferSyntax: syntax.jpegBaseline,
    })
    for (const bytes of [ctImage(), ctImage({ transferSyntax: syntax.implicit }), compressed]) {
      const pixelsAt = DicomFile.fromBuffer(bytes).dataSet.get(0x7fe00010)?.offset ?? 0
      for (let size = pixelsAt; size < bytes.length; size++) {
        const file = DicomFile.fromBuffer(bytes.subarray(0, size), { stopAtPixelData: true })
        t.equal(file.string(file.dataSet, 0x00100020), 'EX-0001')
        t.throws(
          () => {
            file.requireWhole()
          },
          { code: 'E_DICOM_PARSE', exitCode: 65 },
        )
      }
      t.doesNotThrow(() => {
        DicomFile.fromBuffer(bytes, { stopAtPixelData: true }).requireWhole()
      })
    }
  },
)

t.test('a file is closed once, and what cannot be opened is named', async (t) => {
  const path = join(t.testdir({ folder: {} }), 'object.dcm')
  writeFileSync(path, ctImage({ rows: 300, columns: 300 }))
  const file = DicomFile.open(path)
  file.close()
  file.close()
  const pixels = file.dataSet.get(0x7fe00010)
  t.throws(() => pixels && file.bytes(pixels), /after close/)
  t.throws(() => DicomFile.open(`${path}x`), {
    code: 'E_FILE_READ',
    message: /object\.dcmx: ENOENT/,
  })
  t.throws(() => DicomFile.open(join(path, '..', 'folder')), { code: 'E_DICOM_PARSE' })
})
