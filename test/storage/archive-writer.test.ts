import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { partsIn } from '../fixtures/incoming.ts'
import { temporaryOfEnded } from '../fixtures/temporary-of-ended.ts'
import { ArchiveWriter } from '../../src/lib/storage/index.ts'

const identity = {
  project: 'default',
  StudyInstanceUID: '1.2.3',
  SeriesInstanceUID: '1.2.3.4',
  SOPInstanceUID: '1.2.3.4.5',
}

/** Preamble, DICM, group length, one meta element, then the "data set". */
function partTen(meta: string, dataSet: string): Buffer {
  const element = Buffer.alloc(8 + meta.length)
  element.writeUInt16LE(2, 0)
  element.writeUInt16LE(0x16, 2)
  element.write('AE', 4)
  element.writeUInt16LE(meta.length, 6)
  element.write(meta, 8)
  const length = Buffer.from([2, 0, 0, 0, 0x55, 0x4c, 4, 0, element.length, 0, 0, 0])
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    length,
    element,
    Buffer.from(dataSet),
  ])
}

async function store(archive: ArchiveWriter, meta: string, dataSet: string) {
  const part = await archive.begin()
  const bytes = partTen(meta, dataSet)
  writeFileSync(part.fd, bytes)
  return part.commit({ ...identity, dataSetOffset: bytes.length - dataSet.length })
}

t.test('an object lies under its UIDs, and nothing is left of its way there', async (t) => {
  const dataDir = t.testdir()
  const stored = await store(new ArchiveWriter({ dataDir }), 'SCANNER1', 'pixels')
  t.equal(stored.path, `${dataDir}/default/archive/1.2.3/1.2.3.4/1.2.3.4.5.dcm`)
  t.match(stored, { duplicate: false, conflict: false })
  t.same(readFileSync(stored.path), partTen('SCANNER1', 'pixels'))
  t.same(partsIn(dataDir), [])
})

t.test('the same data set again is a duplicate, whoever sent it', async (t) => {
  const dataDir = t.testdir()
  const archive = new ArchiveWriter({ dataDir })
  const first = await store(archive, 'SCANNER1', 'pixels')
  const again = await store(archive, 'OTHERONE', 'pixels')
  t.match(again, { duplicate: true, conflict: false, path: first.path })
  t.same(readdirSync(`${dataDir}/default/archive/1.2.3/1.2.3.4`), ['1.2.3.4.5.dcm'])
})

t.test(
  'other bytes under the same UID are kept beside the first, which stays as it was',
  async (t) => {
    const dataDir = t.testdir()
    const archive = new ArchiveWriter({ dataDir })
    const first = await store(archive, 'SCANNER1', 'pixels')
    const other = await store(archive, 'SCANNER1', 'PIXELS')
    t.match(other, { duplicate: false, conflict: true })
    t.same(readFileSync(first.path), partTen('SCANNER1', 'pixels'))
    t.same(readFileSync(other.path), partTen('SCANNER1', 'PIXELS'))
    t.match(await store(archive, 'SCANNER1', 'PIXELS'), { duplicate: true, path: other.path })
  },
)

t.test('SEC-04: a UID that is a path is refused before anything is placed', async (t) => {
  const dataDir = t.testdir()
  const archive = new ArchiveWriter({ dataDir })
  const part = await archive.begin()
  await t.rejects(part.commit({ ...identity, SOPInstanceUID: '../../x', dataSetOffset: 0 }), {
    code: 'E_UID_INVALID',
  })
  t.same(readdirSync(dataDir), ['incoming'])
})

t.test('a directory that was removed meanwhile is made again', async (t) => {
  const dataDir = t.testdir()
  const archive = new ArchiveWriter({ dataDir })
  const first = await store(archive, 'SCANNER1', 'pixels')
  rmSync(`${dataDir}/incoming`, { recursive: true })
  rmSync(`${dataDir}/default`, { recursive: true })
  const again = await store(archive, 'SCANNER1', 'pixels')
  t.match(again, { path: first.path, duplicate: false })
  t.same(readFileSync(again.path), partTen('SCANNER1', 'pixels'))
})

t.test('a note that a killed process left half-written goes, the others stay', async (t) => {
  const dataDir = t.testdir({ quarantine: { 'a.dcm': '', 'a.json': '{}' } })
  writeFileSync(join(dataDir, 'quarantine', temporaryOfEnded()), '{')
  await new ArchiveWriter({ dataDir }).prepare()
  t.same(readdirSync(join(dataDir, 'quarantine')), ['a.dcm', 'a.json'])
})
