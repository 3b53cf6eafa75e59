import { join } from 'node:path'
import t from 'tap'
import { patientOf } from '../../src/lib/deidentify/study/patient.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'

t.test('files that cannot be read do not hide whose study it is', async (t) => {
  const of = (value: string) => ctImage({ elements: [el(0x00100020, 'LO', value)] })
  const folder = t.testdir({ '1': 'no DICOM', '2': '', '3': of('MRN-7'), '4': of('MRN-8') })
  const objects = ['1', '2', '3', '4'].map((name) => ({ path: join(folder, name), types: [] }))
  t.same(patientOf(objects), { PatientID: 'MRN-7', IssuerOfPatientID: '' })
  t.same(patientOf(objects.slice(0, 2)), { PatientID: '', IssuerOfPatientID: '' })
})
