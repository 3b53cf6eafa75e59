import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { dataDirectory, json } from '../organize/organized.ts'
import { hostile, runOrganize as run, stored, viewsIn } from './organize-tool.ts'

const rebuild = (dataDir: string, ...args: string[]) =>
  run(['--rebuild', '--data-dir', dataDir, '--log-level', 'warn', ...args])

t.test('after rm -rf of the views they are as they were, hostile names and all', (t) => {
  const dataDir = dataDirectory()
  const records = hostile.flatMap((name, at) =>
    [1, 2].map((object) =>
      stored(
        dataDir,
        { study: `2.25.${String(at + 1)}`, object, project: at % 2 === 0 ? 'ABCD' : 'default' },
        { PatientID: name, SeriesDescription: name, Modality: at === 0 ? 'SR' : 'CT' },
      ),
    ),
  )
  t.equal(run(['--data-dir', dataDir], records).code, 0)
  const before = viewsIn(dataDir)
  t.ok(Object.keys(before).length >= hostile.length * 5)
  for (const project of ['ABCD', 'default']) {
    for (const name of ['raw', 'participants', 'srs']) {
      rmSync(join(dataDir, project, name), { recursive: true, force: true })
    }
  }
  const done = rebuild(dataDir)
  t.match(done, { code: 0, err: '', records: [] })
  t.same(viewsIn(dataDir), before)
  t.end()
})

t.test('--project leaves all others alone; one that is not there is refused', (t) => {
  const dataDir = dataDirectory()
  for (const project of ['ABCD', 'default']) stored(dataDir, { project })
  t.equal(rebuild(dataDir, '--project', 'ABCD').code, 0)
  t.ok(existsSync(join(dataDir, 'ABCD/raw/2.25.1/2.25.1.1/2.25.1.1.1.dcm')))
  t.notOk(existsSync(join(dataDir, 'default/raw')))
  for (const project of ['nobody', '../default', 'journal']) {
    const { code, err } = rebuild(dataDir, '--project', project)
    t.equal(code, 65, project)
    t.match(err, /no archive of this project/, project)
  }
  t.equal(run(['--project', 'ABCD', '--data-dir', dataDir]).code, 64, 'not without --rebuild')
  t.end()
})

t.test('a legible series JSON keeps its types and sender; any other is made again', (t) => {
  const dataDir = dataDirectory()
  const source = { callingAET: 'MR1', calledAET: 'FIONA', address: '10.0.0.1' }
  const record = { ...stored(dataDir, {}), source, ClassifyType: ['T1'] }
  run(['--data-dir', dataDir], [record])
  const path = join(dataDir, 'default/raw/2.25.1/2.25.1.1.json')
  const before = readFileSync(path, 'utf8')

  rmSync(path.replace(/\.json$/, ''), { recursive: true })
  t.equal(rebuild(dataDir).code, 0)
  t.equal(readFileSync(path, 'utf8'), before, 'the links alone were gone')

  const wrong = { ...json(path), NumFiles: '7' }
  writeFileSync(path, JSON.stringify(wrong))
  rebuild(dataDir)
  t.equal(readFileSync(path, 'utf8'), before, 'a wrong count')

  writeFileSync(path, JSON.stringify({ ...wrong, StudyInstanceUID: '2.25.9', PatientID: 'other' }))
  rebuild(dataDir)
  t.match(json(path), { StudyInstanceUID: '2.25.1', PatientID: 'P1', ClassifyType: ['T1'] })

  writeFileSync(path, '{"half')
  rebuild(dataDir)
  t.match(json(path), { NumFiles: '1', IncomingConnection: { CallerIP: 'unknown' } })
  t.notOk('ClassifyType' in json(path), 'no header tells it')
  t.end()
})

t.test('what cannot be read, or lies where another should, is told and passed over', (t) => {
  const dataDir = dataDirectory()
  const good = String(stored(dataDir, {})['path'])
  const folder = join(dataDir, 'default/archive/2.25.1/2.25.1.1')
  const [damaged, misplaced] = [join(folder, '2.25.1.1.2.dcm'), join(folder, '2.25.1.1.3.dcm')]
  writeFileSync(damaged, 'no DICOM at all')
  cpSync(good, misplaced)
  const link = join(folder, '2.25.1.1.4.dcm')
  symlinkSync('/etc/passwd', link)
  writeFileSync(join(folder, 'notes.txt'), 'of somebody')
  const { code, err, records } = rebuild(dataDir)
  t.equal(code, 1)
  t.match(records, [
    { type: 'error', tool: 'fiona-organize', code: 'E_DICOM_PARSE', record: { path: damaged } },
    { type: 'error', code: 'E_IDENTITY_MISMATCH', record: { type: 'path', path: misplaced } },
  ])
  t.match(err, /"foreign":2/)
  t.same(readdirSync(join(dataDir, 'default/raw/2.25.1/2.25.1.1')), ['2.25.1.1.1.dcm'])
  t.end()
})

t.test('a link that leads to somebody else, though to a file, is replaced', (t) => {
  const dataDir = dataDirectory()
  stored(dataDir, {})
  const other = join(dataDir, 'other.dcm')
  writeFileSync(other, 'another patient')
  rebuild(dataDir)
  const before = viewsIn(dataDir)
  const links = Object.keys(before).filter((path) => path.endsWith('.dcm'))
  t.equal(links.length, 2)
  for (const path of links) {
    unlinkSync(join(dataDir, path))
    symlinkSync(other, join(dataDir, path))
  }
  t.equal(rebuild(dataDir).code, 0)
  t.same(viewsIn(dataDir), before)
  t.equal(readFileSync(other, 'utf8'), 'another patient')
  t.end()
})

t.test('no planted link is followed, in the views or in the archive', (t) => {
  const [dataDir, elsewhere] = [dataDirectory(), dataDirectory()]
  stored(dataDir, {})
  stored(dataDir, { study: '2.25.2' }, { PatientID: 'P2' })
  mkdirSync(join(dataDir, 'default/raw'))
  symlinkSync(elsewhere, join(dataDir, 'default/raw/2.25.1'))
  const { code, records } = rebuild(dataDir)
  t.equal(code, 1)
  t.match(records, [{ type: 'error', code: 'E_VIEW_BLOCKED' }])
  t.same(readdirSync(elsewhere), [])
  t.ok(existsSync(join(dataDir, 'default/raw/2.25.2/2.25.2.1/2.25.2.1.1.dcm')), 'the next is well')

  mkdirSync(join(dataDir, 'linked'))
  symlinkSync(join(dataDir, 'default/archive'), join(dataDir, 'linked/archive'))
  const refused = rebuild(dataDir, '--project', 'linked')
  t.equal(refused.code, 73)
  t.match(refused.err, /leads out of the archive/)
  t.notOk(existsSync(join(dataDir, 'linked/raw')))
  t.end()
})
