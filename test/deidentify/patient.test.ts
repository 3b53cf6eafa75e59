import { join } from 'node:path'
import t from 'tap'
import { Crosswalk } from '../../src/lib/crosswalk/index.ts'
import { Pseudonyms, namingOf } from '../../src/lib/deidentify/index.ts'
import { nameParticipant } from '../../src/lib/deidentify/study/name-participant.ts'
import { patientOf } from '../../src/lib/deidentify/study/patient.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'

t.test('files that cannot be read do not hide whose study it is', async (t) => {
  const of = (value: string) => ctImage({ elements: [el(0x00100020, 'LO', value)] })
  const folder = t.testdir({ '1': 'no DICOM', '2': '', '3': of('MRN-7'), '4': of('MRN-8') })
  const objects = ['1', '2', '3', '4'].map((name) => ({ path: join(folder, name), types: [] }))
  t.same(patientOf(objects), { PatientID: 'MRN-7', IssuerOfPatientID: '' })
  t.same(patientOf(objects.slice(0, 2)), { PatientID: '', IssuerOfPatientID: '' })
})

t.test('whom the crosswalk knows keeps the name, whatever the key', async (t) => {
  const key = Buffer.alloc(32, 1)
  const crosswalk = await Crosswalk.open(join(t.testdir(), 'crosswalk.ndjson'), [key])
  t.teardown(() => crosswalk.close())
  const pseudonyms = new Pseudonyms(Buffer.alloc(32, 2), 'P')
  const nameOf = (PatientID: string, IssuerOfPatientID = '', study = '2.25.1') =>
    nameParticipant(
      { PatientID, IssuerOfPatientID },
      study,
      'P',
      namingOf('P', 'hash'),
      pseudonyms,
      crosswalk,
    )
  const keyed = pseudonyms.participant('patient', 'MRN-7', '')
  t.equal(await nameOf('MRN-7'), keyed, 'of whom nobody knows the key makes the name')

  const of = (participant: string, PatientID: string, project = 'P') =>
    ({ kind: 'participant', project, participant, PatientID }) as const
  await crosswalk.note([of('OTHER', 'MRN-7', 'Q')])
  t.equal(await nameOf('MRN-7'), keyed, 'in another project it is another name')
  await crosswalk.note([of('FORMER', 'MRN-7')])
  t.equal(await nameOf('MRN-7'), 'FORMER')
  t.not(await nameOf('MRN-7', 'Elsewhere'), 'FORMER', 'the same number of another hospital')
  t.not(await nameOf('MRN-8'), 'FORMER')
  await crosswalk.note([of('SECOND', 'MRN-7')])
  t.equal(await nameOf('MRN-7'), keyed, 'which of two is meant nobody can tell')

  await crosswalk.note([
    {
      kind: 'study',
      project: 'P',
      participant: 'NOBODY',
      StudyInstanceUID: '2.25.9',
      newStudyInstanceUID: '2.25.99',
    },
  ])
  t.equal(await nameOf('', '', '2.25.9'), 'NOBODY', 'a study of nobody is known by its UID')
  t.equal(await nameOf('', '', '2.25.8'), pseudonyms.participant('study', '2.25.8'))
})
