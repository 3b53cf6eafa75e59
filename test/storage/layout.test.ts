import fc from 'fast-check'
import t from 'tap'
import { archivePath, projectOfArchived } from '../../src/lib/storage/index.ts'

const uids = {
  StudyInstanceUID: '1.2.3',
  SeriesInstanceUID: '1.2.3.4',
  SOPInstanceUID: '1.2.3.4.5',
}

t.test('the project of an archived object is told by its path, whatever its name', (t) => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }), (name) => {
      const project = name.normalize('NFC')
      const path = archivePath('/data', { project, ...uids })
      return projectOfArchived('/data', path) === project
    }),
  )
  t.end()
})

t.test('other paths are of no project', (t) => {
  for (const path of [
    '/data/P/raw/1.2.3/1.2.3.4/1.2.3.4.5.dcm',
    '/data/P/archive/1.2.3/1.2.3.4.5.dcm',
    '/data/P/archive/x/1.2.3.4/1.2.3.4.5.dcm',
    '/data/P/archive/1.2.3/1.2.3.4/deeper/1.dcm',
    '/data/P/archive/1.2.3/1.2.3.4/1.2.3.4.5.part',
    '/data/archive/1.2.3/1.2.3.4/1.dcm',
    '/archive/1.2.3/1.2.3.4/1.dcm',
    '/data2/P/archive/1.2.3/1.2.3.4/1.dcm',
  ]) {
    t.equal(projectOfArchived('/data', path), undefined, path)
  }
  t.equal(projectOfArchived('/data', '/data/%E0/archive/1.2/1.3/1.4.dcm'), '%E0')
  t.end()
})
