import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ParticipantView } from '../../src/lib/organize/participant-view.ts'
import { dataDirectory } from './organized.ts'

const names = { patient: 'P1', study: '20240102_030405', series: '1_Axial' }
const owner = { StudyInstanceUID: '2.25.1', SeriesInstanceUID: '2.25.1.1' }

t.test('a series is looked for once, not for each of its objects', (t) => {
  const root = dataDirectory()
  const view = new ParticipantView()
  const objects = [1, 2].map((n) => ({ ...owner, SOPInstanceUID: `2.25.1.1.${String(n)}` }))
  const [first, second] = objects
  if (first === undefined || second === undefined) throw new Error('no objects')
  const directory = view.directoryFor(root, names, first)
  // Somebody else's link: whoever looks now goes elsewhere.
  mkdirSync(directory, { recursive: true })
  symlinkSync('../../../../raw/2.25.9/2.25.9.9/2.25.9.9.9.dcm', join(directory, 'x.dcm'))
  t.equal(view.directoryFor(root, names, second), directory)
  t.not(new ParticipantView().directoryFor(root, names, second), directory)
  t.end()
})

t.test('an empty directory, left by a crash, belongs to whoever comes', (t) => {
  const root = dataDirectory()
  const directory = join(root, 'P1/20240102_030405/1_Axial')
  mkdirSync(directory, { recursive: true })
  t.equal(new ParticipantView().directoryFor(root, names, owner), directory)
  t.end()
})
