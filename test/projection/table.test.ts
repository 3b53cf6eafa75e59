import t from 'tap'
import { tableOf } from '../../src/lib/projection/index.ts'
import { displayWidth } from '../../src/lib/text/index.ts'

const study = {
  project: 'ABCD',
  PatientID: '日本語の名前\u001b[2J',
  StudyDescription: 'a long description of a study of the head',
  StudyInstanceUID: '1.2.840.113619.2.55.3.604688119.969.1268071029.320',
  instances: 1200,
  series: 12,
  bytes: 630_000_000,
  state: 'complete',
  lastTime: '2026-11-24T12:00:00.000Z',
}

const rows: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  studies: study,
  series: {
    ...{
      project: 'ABCD-LONG-NAME',
      Modality: 'MR',
      SeriesNumber: '1001',
      instances: 1200,
      bytes: 1e9,
    },
    ...{ SeriesDescription: 'T1w MPRAGE with a long name', ClassifyType: ['T1', 'ABCD-T1', 'GE'] },
    ...{ SeriesInstanceUID: study.StudyInstanceUID, lastTime: study.lastTime },
  },
  projects: {
    ...{ project: 'ABCD-LONG-NAME', studies: 12_345, series: 123_456, instances: 12_345_678 },
    ...{
      bytes: 5e12,
      held: 12,
      failed: 3,
      delivered: 12_000,
      errors: 17,
      lastTime: study.lastTime,
    },
  },
  errors: {
    ...{ time: study.lastTime, stage: 'deidentify', code: 'E_IDENTITY_MISMATCH', project: 'ABCD' },
    ...{ message: 'x'.repeat(300), StudyInstanceUID: study.StudyInstanceUID, retried: true },
  },
  deliveries: {
    ...{ lastTime: study.lastTime, project: 'ABCD', state: 'delivered', instances: 1200 },
    ...{ destinations: 'research-pacs folder', requestId: 'a'.repeat(40), reasons: 'BURNED_IN' },
  },
}

t.test('at 80 and 120 columns each list shows what a person looks for', async (t) => {
  const looksFor: Readonly<Record<string, readonly string[]>> = {
    studies: ['LAST OBJECT', 'PROJECT', 'PATIENT', 'DESCRIPTION', 'OBJECTS', 'STATE'],
    series: ['LAST OBJECT', 'PROJECT', 'MOD', 'DESCRIPTION', 'OBJECTS', 'TYPES'],
    projects: ['PROJECT', 'STUDIES', 'HELD', 'FAILED', 'ERRORS', 'LAST OBJECT'],
    errors: ['TIME', 'STAGE', 'CODE', 'MESSAGE'],
    deliveries: ['LAST NEWS', 'PROJECT', 'STATE', 'DESTINATION', 'WHY', 'REQUEST'],
  }
  for (const [what, row] of Object.entries(rows)) {
    for (const width of [80, 120]) {
      const [head = '', line = ''] = tableOf(what, [row], width)
      for (const title of looksFor[what] ?? []) {
        // A title may be cut to the width of what stands below it, never away.
        t.ok(head.includes(title.slice(0, 6)), `${what} at ${String(width)}: ${head}`)
      }
      t.ok(displayWidth(head) <= width && displayWidth(line) <= width, `${what}: ${line}`)
    }
  }
})

t.test('a table fits every width, and holds nothing that a terminal obeys', async (t) => {
  for (const width of [20, 40, 80, 100, 132, 300]) {
    const lines = tableOf('studies', [study, { ...study, PatientID: 'P1' }], width)
    t.equal(lines.length, 3)
    for (const line of lines) {
      t.ok(displayWidth(line) <= width, `${String(width)}: ${line}`)
      t.notMatch(line, /\p{Cc}/u)
    }
  }
  t.match(tableOf('studies', [study], 300)[1], study.StudyInstanceUID)
  t.match(tableOf('studies', [study], 80)[1], /complete/)
})

t.test('a study of two patients is told as such', async (t) => {
  const state = (conflicts: string) => tableOf('studies', [{ ...study, conflicts }], 300)[1]
  t.match(state('PatientID StudyDate'), /complete ! patients /)
  t.match(state('StudyDate'), /complete ! {2}/)
  t.match(tableOf('studies', [study], 300)[1], /complete {2}/)
})
