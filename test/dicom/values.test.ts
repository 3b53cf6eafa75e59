import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { DicomFile, openHeader, readAttributes } from '../../src/lib/dicom/index.ts'
import { ctElements, ctImage, dicomFile, el, syntax, type Value } from '../fixtures/dicom-writer.ts'

function only(vr: string, value: Value, transferSyntax: string = syntax.explicit) {
  const file = DicomFile.fromBuffer(
    dicomFile({
      elements: [el(0x00080060, 'CS', 'CT'), el(0x00091010, vr, value)],
      transferSyntax,
    }),
  )
  const texts = file.strings(file.dataSet, 0x00091010)
  return { texts, numbers: file.numbers(file.dataSet, 0x00091010) }
}

t.test('numbers of every kind are read in both byte orders', async (t) => {
  const cases: [vr: string, values: (number | bigint)[]][] = [
    ['US', [0, 1, 65535]],
    ['SS', [-32768, 32767]],
    ['UL', [0, 4294967295]],
    ['SL', [-2147483648, 7]],
    ['FL', [0.5, -1.25]],
    ['FD', [0.1, -1e300]],
    ['UV', [1n, 9007199254740993n, 18446744073709551615n]],
    ['SV', [-5n, -9223372036854775807n]],
    ['OW', []],
  ]
  for (const [vr, values] of cases) {
    for (const transferSyntax of [syntax.explicit, syntax.bigEndian]) {
      const { numbers, texts } = only(vr, values, transferSyntax)
      t.same(numbers, values.map(Number), vr)
      t.same(texts, values.map(String), vr)
    }
  }
  for (const transferSyntax of [syntax.explicit, syntax.bigEndian]) {
    t.same(only('AT', [0x00181063], transferSyntax).texts, ['(0018,1063)'])
  }
})

t.test('decimal and integer text as numbers; what is no number is NaN, not 0', async (t) => {
  t.same(only('DS', '1.5\\-2e3\\ 7 ').numbers, [1.5, -2000, 7])
  t.same(only('IS', '12\\\\x').numbers, [12, Number.NaN, Number.NaN])
  t.same(only('DS', '0x10\\Infinity\\1_0').numbers, [Number.NaN, Number.NaN, Number.NaN])
  t.same(only('DS', '+.5\\5.\\-0.5E+2').numbers, [0.5, 5, -50])
  t.same(only('DS', '').numbers, [])
  t.same(only('LO', '12').numbers, [])
})

t.test('text is trimmed as its VR says, and split at backslashes where it may be', async (t) => {
  t.same(only('LO', '  a \\ b  ').texts, ['a', 'b'])
  t.same(only('LT', '  a\\b  ').texts, ['  a\\b'])
  t.same(only('ST', ' a').texts, [' a'])
  t.same(only('UI', '1.2.3\0').texts, ['1.2.3'])
  t.same(only('LO', 'a\0\0\0').texts, ['a'])
  t.same(only('LO', 'a\\\\b ').texts, ['a', '', 'b'])
  t.same(only('LO', '    ').texts, [])
  t.same(only('OB', Buffer.from('ab')).texts, [])
})

t.test('a number cut short is no number', async (t) => {
  t.same(only('UL', Buffer.from('010000000200', 'hex')).numbers, [1])
})

t.test('signed pixels make their smallest and largest values signed, in implicit VR', async (t) => {
  const minus = Buffer.from('ffff', 'hex')
  const elements = [el(0x00280103, 'US', 1), el(0x00280106, 'SS', minus)]
  const signed = DicomFile.fromBuffer(dicomFile({ elements, transferSyntax: syntax.implicit }))
  t.same(signed.numbers(signed.dataSet, 0x00280106), [-1])
  const unsigned = DicomFile.fromBuffer(
    dicomFile({ elements: [el(0x00280106, 'US', minus)], transferSyntax: syntax.implicit }),
  )
  t.same(unsigned.numbers(unsigned.dataSet, 0x00280106), [65535])
})

t.test(
  'attributes are what routing and people need, absent where the object lacks them',
  async (t) => {
    const file = DicomFile.fromBuffer(ctImage({ without: [0x00080050] }), { stopAtPixelData: true })
    t.same(readAttributes(file), {
      PatientID: 'EX-0001',
      PatientName: 'Example^Patient',
      PatientBirthDate: '19700101',
      StudyDate: '20240102',
      StudyTime: '030405',
      StudyDescription: 'CT Chest',
      SeriesDescription: 'Axial 5 mm',
      SeriesNumber: '1',
      InstanceNumber: '1',
      Modality: 'CT',
      Manufacturer: 'Example Maker',
    })
  },
)

t.test('an attribute of kilobytes is cut, one of more is left out', async (t) => {
  const elements = ctElements({
    elements: [
      el(0x0008103e, 'UT', 'x'.repeat(2000)),
      el(0x00081030, 'UT', 'x'.repeat(20_000)),
      el(0x00100020, 'LO', 'A\\B'),
    ],
  })
  const attributes = readAttributes(DicomFile.fromBuffer(dicomFile({ elements })))
  t.equal(attributes['SeriesDescription']?.length, 1024)
  t.notOk('StudyDescription' in attributes)
  t.equal(attributes['PatientID'], 'A\\B')
})

t.test('a header that cannot be opened is named with its file', async (t) => {
  const folder = t.testdir({ 'bad.dcm': 'no DICOM here' })
  writeFileSync(join(folder, 'good.dcm'), ctImage())
  using file = openHeader(join(folder, 'good.dcm'))
  t.equal(file.dataSet.get(0x7fe00010), undefined)
  t.throws(() => openHeader(join(folder, 'none.dcm')), {
    code: 'E_FILE_MISSING',
    message: /no file at .*none\.dcm/,
    exitCode: 65,
  })
  t.throws(() => openHeader(join(folder, 'good.dcm', 'x')), { code: 'E_FILE_MISSING' })
  t.throws(() => openHeader(join(folder, 'bad.dcm')), {
    code: 'E_DICOM_PARSE',
    message: /bad\.dcm: not a DICOM file/,
  })
})
