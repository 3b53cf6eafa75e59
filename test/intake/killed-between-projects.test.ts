// With `intake.projects: all` an object has a name in the archive of each of its projects, and a record in each:
// whoever dies between them has told nobody of success, and the next attempt completes what is missing.
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readJournal, journalPath } from '../../src/lib/journal/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { run } from '../fixtures/peers.ts'

const image = ctImage({ sopUID: '2.25.9.1' })
const path = (dataDir: string, project: string) =>
  join(dataDir, project, 'archive/2.25.1001/2.25.1001.1/2.25.9.1.dcm')

async function recorded(dataDir: string): Promise<AnyRecord[]> {
  const records: AnyRecord[] = []
  for await (const { lines } of readJournal(journalPath(dataDir, 'received'))) {
    for (const line of lines.toString().trimEnd().split('\n')) {
      records.push(JSON.parse(line) as AnyRecord)
    }
  }
  return records
}

const inode = (file: string) => statSync(file, { throwIfNoEntry: false })?.ino

for (const [point, names] of [
  ['archive.linked:1', 1],
  ['archive.name-synced:1', 1],
  ['archive.linked:2', 2],
  ['archive.name-synced:2', 2],
  ['journal.written:1', 2],
] as const) {
  t.test(`killed at ${point} nothing is lost: the next attempt completes both`, async (t) => {
    const root = t.testdir({ in: { 'a.dcm': image } })
    const dataDir = join(root, 'data')
    mkdirSync(dataDir)
    const config = join(root, 'c.json')
    const projects = { A: { match: { Modality: 'CT' } }, B: { match: { PatientID: 'EX' } } }
    writeFileSync(config, JSON.stringify({ dataDir, intake: { projects: 'all' }, projects }))
    const take = (armed: NodeJS.ProcessEnv) =>
      run('fiona-import', ['--journal', 'received', join(root, 'in')], {
        env: { FIONA_CONFIG: config, ...armed },
      })

    const died = await take({ FIONA_FAULT_POINT: point })
    t.not(died.code, 0)
    t.equal(died.stdout, '', 'nobody was told of success')
    const stored = ['A', 'B'].filter((project) => inode(path(dataDir, project)) !== undefined)
    t.same(stored, ['A', 'B'].slice(0, names), 'it died between the two')

    t.equal((await take({})).code, 0)
    const [one, other] = ['A', 'B'].map((project) => inode(path(dataDir, project)))
    t.ok(one !== undefined && one === other, 'one file, two names')
    const records = await recorded(dataDir)
    for (const project of ['A', 'B']) {
      const own = records.filter((record) => record['project'] === project)
      t.ok(own.length > 0, `a record in ${project}`)
      for (const record of own) t.equal(record['path'], path(dataDir, project))
    }
  })
}
