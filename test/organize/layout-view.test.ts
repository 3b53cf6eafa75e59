import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { participantsLayout } from '../../src/lib/layout/index.ts'
import { LayoutView } from '../../src/lib/organize/layout-view.ts'
import { dataDirectory } from './organized.ts'

const names = ['P1', '20240102_030405', '1_Axial']
const owner = { StudyInstanceUID: '2.25.1', SeriesInstanceUID: '2.25.1.1' }
const newView = () => new LayoutView(participantsLayout())

t.test('a series is looked for once, not for each of its objects', (t) => {
  const root = dataDirectory()
  const view = newView()
  const directory = view.directoryFor(root, names, owner)
  // Somebody else's link: whoever looks now goes elsewhere.
  mkdirSync(directory, { recursive: true })
  symlinkSync('../../../../raw/2.25.9/2.25.9.9/2.25.9.9.9.dcm', join(directory, 'x.dcm'))
  t.equal(view.directoryFor(root, names, owner), directory)
  t.not(newView().directoryFor(root, names, owner), directory)
  t.end()
})

t.test('an empty directory, left by a crash, belongs to whoever comes', (t) => {
  const root = dataDirectory()
  const directory = join(root, 'P1/20240102_030405/1_Axial')
  mkdirSync(directory, { recursive: true })
  t.equal(newView().directoryFor(root, names, owner), directory)
  t.end()
})
