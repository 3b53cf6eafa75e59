import t from 'tap'
import { archiveStudyPath, isProjectName, projectFolder } from '../../src/lib/storage/index.ts'
import { projectOfArchived } from '../../src/lib/storage/layout.ts'

const own = [
  ...['journal', 'delivered', 'keys', 'run', 'state', 'quarantine', 'incoming', 'crosswalk'],
  ...['crosswalk.ndjson', 'mpps', 'commitment', 'Journal', 'KEYS', 'lost+found'],
]
const noFolder = ['', '.', '..', '../keys', 'a/b', '/etc', 'a\0b', '-rf', '.hidden', ' x', 'a\nb']

t.test("a project never has a folder of FIONA's own, nor one outside", async (t) => {
  for (const name of [...own, ...noFolder]) {
    t.notOk(isProjectName(name), JSON.stringify(name))
    const path = archiveStudyPath('/data', name, '1.2.3')
    const [, data, folder = '', ...rest] = path.split('/')
    t.equal(data, 'data')
    t.same(rest, ['archive', '1.2.3'])
    t.notOk([...own, ...noFolder].includes(folder), folder)
  }
})

t.test('ordinary names are folders as they are', async (t) => {
  for (const name of ['default', 'ABCD', 'Prosjekt Æ', 'journal2', 'my-keys', 'x.y', '6Aournal']) {
    t.ok(isProjectName(name), name)
    t.equal(projectFolder(name), name)
  }
})

t.test('the folder leads back to the name, and names of one folder are one', async (t) => {
  for (const name of [...own, 'a/b', 'default', 'Prosjekt Æ']) {
    const path = `${archiveStudyPath('/data', name, '1.2.3')}/1.4/1.5.dcm`
    t.equal(projectOfArchived('/data', path), name)
  }
  t.equal(projectOfArchived('/data', '/data/journal/archive/1.2/1.3/1.4.dcm'), undefined)
  t.equal(new Set(own.map(projectFolder)).size, own.length)
})
