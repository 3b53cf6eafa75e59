import t from 'tap'
import {
  DicomFile,
  IMPLEMENTATION_CLASS_UID,
  IMPLEMENTATION_VERSION_NAME,
  TransferSyntax,
  encodeFileMeta,
} from '../../src/lib/dicom/index.ts'
import { isUid } from '../../src/lib/uid/index.ts'
import { dataSetBytes, ctElements } from '../fixtures/dicom-writer.ts'

const meta = {
  MediaStorageSOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
  MediaStorageSOPInstanceUID: '2.25.12345',
  TransferSyntaxUID: TransferSyntax.ExplicitVRLittleEndian,
}

t.test('preamble, prefix and group 2 in order, its length right', async (t) => {
  const bytes = encodeFileMeta({ ...meta, SourceApplicationEntityTitle: 'ODD' })
  t.ok(bytes.subarray(0, 128).every((byte) => byte === 0))
  t.equal(bytes.toString('latin1', 128, 132), 'DICM')
  t.equal(bytes.readUInt32LE(140), bytes.length - 144)
  const file = DicomFile.fromBuffer(Buffer.concat([bytes, dataSetBytes(ctElements())]))
  t.equal(file.dataSetOffset, bytes.length)
  t.same(
    file.meta.elements.map(({ tag }) => tag.toString(16)),
    ['20000', '20001', '20002', '20003', '20010', '20012', '20013', '20016'],
  )
  t.equal(file.string(file.meta, 0x00020003), '2.25.12345')
  t.equal(file.string(file.meta, 0x00020016), 'ODD')
  t.ok(file.meta.elements.every(({ length }) => length % 2 === 0))
})

t.test('titles that are not known are left out', async (t) => {
  const file = DicomFile.fromBuffer(encodeFileMeta(meta))
  t.equal(file.meta.get(0x00020016), undefined)
  t.equal(file.meta.get(0x00020018), undefined)
})

t.test('the implementation is named as the standard allows', async (t) => {
  t.ok(isUid(IMPLEMENTATION_CLASS_UID))
  t.ok(IMPLEMENTATION_VERSION_NAME.length <= 16)
})
