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
