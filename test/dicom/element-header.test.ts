import t from 'tap'
import { BufferSource } from '../../src/lib/dicom/byte-source.ts'
import { readHeader, readItemHeader, readVR } from '../../src/lib/dicom/element-header.ts'

const explicit = { littleEndian: true, explicitVR: true }
const implicit = { littleEndian: true, explicitVR: false }
const bigEndian = { littleEndian: false, explicitVR: true }
const of = (hex: string) => new BufferSource(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

const forms: readonly [what: string, hex: string, encoding: typeof explicit, wanted: object][] = [
  ['short form', '10002000 4c4f 0400', explicit, { vr: 'LO', length: 4, offset: 8 }],
  ['long form', '10002000 5554 0000 04000100', explicit, { vr: 'UT', length: 65540, offset: 12 }],
  ['a VR of the future', '10002000 5858 0000 04000000', explicit, { vr: 'XX', offset: 12 }],
  ['a VR that is blank', '10002000 2020 0400', explicit, { vr: 'UN', length: 4, offset: 8 }],
  ['implicit VR', '10002000 04000100', implicit, { vr: '', length: 65540, offset: 8 }],
  ['big endian', '00100020 4c4f 0004', bigEndian, { vr: 'LO', length: 4, offset: 8 }],
]
for (const [what, hex, encoding, wanted] of forms) {
  t.test(`the header of an element: ${what}`, async (t) => {
    const source = of(hex)
    const header = readHeader(source, encoding, 0, source.size)
    t.match(header, { tag: 0x00100020, undefinedLength: false, ...wanted })
    for (let end = 0; end < source.size; end += 1) {
      t.throws(() => readHeader(source, encoding, 0, end), { code: 'E_DICOM_PARSE' }, 'cut')
    }
  })
}

t.test('an item has no VR, whatever the encoding', async (t) => {
  const item = of('feff00e0 10000000')
  const wanted = { tag: 0xfffee000, vr: '', length: 16, offset: 8 }
  t.match(readHeader(item, explicit, 0, 8), wanted)
  for (const encoding of [explicit, implicit]) t.match(readItemHeader(item, encoding, 0, 8), wanted)
  t.throws(() => readItemHeader(item, explicit, 0, 7), { code: 'E_DICOM_PARSE' })
})

t.test('two capital letters could be a VR, other bytes could not', async (t) => {
  const read = (text: string) => readVR(Buffer.from(text, 'latin1'), 0)
  for (const vr of ['AE', 'UN', 'ZZ', 'AA']) t.equal(read(vr), vr)
  for (const blank of ['??', '  ', '\0\0']) t.equal(read(blank), '??')
  for (const text of ['ae', 'A', '\x04\0', '? ', '@A', 'A[']) t.equal(read(text), undefined)
  t.throws(() => readHeader(of('10002000 04000000'), explicit, 0, 8), { code: 'E_DICOM_PARSE' })
})
