import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { journalPath, pruneJournal } from '../../src/lib/journal/index.ts'
import { parseRecord } from '../../src/lib/record/index.ts'
import { viewsIn } from '../tools/organize-tool.ts'
import { lines, received, run, segment, site, storedNow, study } from './site.ts'

const well = { objects: 9, pruned: 0, unrecorded: 0, unseen: 0, gone: 0, foreign: 0, errors: 0 }
const pathsOf = (dataDir: string) => received(dataDir).map((record) => String(record['path']))
const sha256 = /^[0-9a-f]{64}$/

t.test('where all is well nothing is found, and nothing is written', async (t) => {
  const dataDir = await site(t as never, 3)
  const before = [received(dataDir), viewsIn(dataDir)]
  const { found, failed, counts } = await run(dataDir, { mends: true })
  t.same([found, failed], [[], []])
  t.same(counts, well)
  t.same([received(dataDir), viewsIn(dataDir)], before)
})

t.test('a lost segment is told first, and mended once however often that is asked', async (t) => {
  const dataDir = await site(t as never, 3)
  const lost = pathsOf(dataDir).slice(3, 6)
  rmSync(segment(dataDir, 2))

  const told = await run(dataDir)
  t.same(told.counts, { ...well, unrecorded: 3 })
  t.match(told.found, [
    { type: 'reconcile', found: 'unrecorded', project: 'EVEN', StudyInstanceUID: study(2) },
    { path: lost[1] },
    { path: lost[2] },
  ])
  t.equal(received(dataDir).length, 6, 'nothing was changed')

  for (const unrecorded of [3, 0]) {
    const mended = await run(dataDir, { mends: true })
    t.same(mended.counts, { ...well, unrecorded })
    t.ok(mended.found.every((finding) => finding.mended === true))
    t.same(pathsOf(dataDir).sort(), [...new Set([...pathsOf(dataDir), ...lost])].sort())
    t.equal(received(dataDir).length, 9)
  }
  const [again] = received(dataDir).filter(({ reconciled }) => reconciled === true)
  t.match(again, { type: 'instance', project: 'EVEN', duplicate: false, sha256 })
  t.doesNotThrow(() => parseRecord(again))
})

t.test('views that are gone, or lead elsewhere, are made again; records stay', async (t) => {
  const dataDir = await site(t as never, 3)
  const before = viewsIn(dataDir)
  rmSync(join(dataDir, 'ODD/raw', study(1)), { recursive: true })
  rmSync(join(dataDir, 'EVEN/participants'), { recursive: true })
  const wrong = join(dataDir, 'ODD/raw', study(3), `${study(3)}.1`, `${study(3)}.1.1.dcm`)
  rmSync(wrong)
  symlinkSync('/etc/passwd', wrong)
  const told = await run(dataDir)
  t.same(told.counts, { ...well, unseen: 7 })
  await run(dataDir, { mends: true })
  t.same(viewsIn(dataDir), before)
  t.equal(received(dataDir).length, 9)
  t.same((await run(dataDir)).counts, well)
})

t.test('a record whose file is gone is told, and stays', async (t) => {
  const dataDir = await site(t as never, 3)
  const [gone = '', link = ''] = pathsOf(dataDir)
  rmSync(gone)
  rmSync(link)
  symlinkSync('/etc/passwd', link)
  const elsewhere = { ...storedNow(dataDir, 9, 1), path: '/elsewhere/x.dcm' }
  appendFileSync(segment(dataDir, 1), lines([elsewhere, { type: 'instance', path: gone }]))
  rmSync(join(dataDir, 'ODD/archive', study(9)), { recursive: true })
  const { found, counts } = await run(dataDir, { mends: true })
  t.same(counts, { ...well, objects: 7, gone: 2, foreign: 1 })
  t.match(
    found.map(({ found, path }) => [found, path]),
    [
      ['gone', gone],
      ['gone', link],
      ['foreign', link],
    ],
  )
  t.equal(received(dataDir).length, 11)
})

t.test('--project and studies restrict all of it', async (t) => {
  const dataDir = await site(t as never, 4)
  for (const n of [1, 2, 3, 4]) rmSync(segment(dataDir, n))
  rmSync(join(dataDir, 'EVEN/raw'), { recursive: true })
  t.match((await run(dataDir, { project: 'ODD' })).counts, { objects: 6, unrecorded: 6 })
  const both = { studies: [study(2), study(3), study(99)] }
  t.match((await run(dataDir, both)).counts, { objects: 6, unrecorded: 6 })
  await run(dataDir, { ...both, project: 'ODD', mends: true })
  t.strictSame([...new Set(received(dataDir).map((one) => one['StudyInstanceUID']))], [study(3)])
  await t.rejects(run(dataDir, { project: 'nobody' }), { code: 'E_FILE_MISSING' })
})

t.test('a long journal is read in passes that find the same', async (t) => {
  const dataDir = await site(t as never, 12)
  for (const n of [3, 8]) rmSync(segment(dataDir, n))
  rmSync(join(dataDir, 'ODD/raw', study(5)), { recursive: true })
  rmSync(join(dataDir, 'EVEN/archive', study(6), `${study(6)}.1`, `${study(6)}.1.2.dcm`))
  symlinkSync('/etc', join(dataDir, 'ODD/archive/planted'))
  const once = await run(dataDir)
  const often = await run(dataDir, { bytesAPass: 500 })
  t.match(once.counts, { objects: 35, unrecorded: 6, unseen: 3, gone: 1, foreign: 1 })
  t.same(often.counts, once.counts)
  const paths = (from: typeof once) =>
    from.found.map(({ found, path }) => `${found} ${path}`).sort()
  t.same(paths(often), paths(once))
})

t.test('a torn last line is no record, and whoever tore it is left alone', async (t) => {
  const dataDir = await site(t as never, 2)
  const path = segment(dataDir, 2)
  const text = readFileSync(path, 'utf8')
  truncateSync(path, text.length - 100)
  await run(dataDir, { mends: true })
  t.equal(received(dataDir).length, 6)
  t.equal(new Set(pathsOf(dataDir)).size, 6)
  t.equal(readFileSync(path, 'utf8'), text.slice(0, -100))
})

t.test('what prune removed is all right as long as it is seen', async (t) => {
  const dataDir = await site(t as never, 3)
  const journal = journalPath(dataDir, 'received')
  const long = new Date(Date.now() - 10 * 86_400_000)
  for (const record of received(dataDir)) utimesSync(String(record['path']), long, long)
  utimesSync(segment(dataDir, 1), long, long)
  utimesSync(segment(dataDir, 2), long, long)
  const day = 86_400_000
  const { removed } = await pruneJournal(journal, { olderThanMs: 5 * day, unread: true })
  t.equal(removed.length, 2)
  t.same((await run(dataDir)).counts, { ...well, pruned: 6 })
  rmSync(join(dataDir, 'EVEN/raw'), { recursive: true })
  t.same((await run(dataDir)).counts, { ...well, pruned: 3, unrecorded: 3 })
  // Written after what was pruned.
  rmSync(segment(dataDir, 3))
  utimesSync(
    join(dataDir, 'ODD/archive', study(3), `${study(3)}.1/${study(3)}.1.1.dcm`),
    1e10,
    1e10,
  )
  t.same((await run(dataDir)).counts, { ...well, pruned: 5, unrecorded: 4 })
})

t.test('what somebody put into the archive is told, never followed, never recorded', async (t) => {
  const dataDir = await site(t as never, 1)
  const archive = join(dataDir, 'ODD/archive')
  const series = join(archive, study(1), `${study(1)}.1`)
  const good = join(series, `${study(1)}.1.1.dcm`)
  writeFileSync(join(series, `${study(1)}.1.8.dcm`), 'no DICOM at all')
  cpSync(good, join(series, `${study(1)}.1.9.dcm`))
  symlinkSync(good, join(series, `${study(1)}.1.10.dcm`))
  symlinkSync(series, join(archive, study(1), `${study(1)}.2`))
  symlinkSync('/', join(archive, study(7)))
  mkdirSync(join(archive, '\u001b]0;x\u0007'))
  writeFileSync(join(archive, study(1), 'notes.txt'), '')
  const { found, failed, counts } = await run(dataDir, { mends: true })
  t.match(counts, { objects: 5, foreign: 5, errors: 2, unrecorded: 0 })
  t.ok(found.every((finding) => finding.found === 'foreign'))
  t.strictSame(failed.map(({ code }) => code).sort(), ['E_DICOM_PARSE', 'E_IDENTITY_MISMATCH'])
  t.equal(received(dataDir).length, 3)
})

t.test('an object that is being received is no missing one', async (t) => {
  const dataDir = await site(t as never, 2)
  const late = storedNow(dataDir, 5, 1)
  const lost = storedNow(dataDir, 7, 1)
  const running = run(dataDir, { mends: true, settleMs: 1000 })
  // Its record follows while it is waited for.
  await delay(300)
  appendFileSync(segment(dataDir, 2), lines([late]))
  const { found } = await running
  t.strictSame(
    found.filter(({ found }) => found === 'unrecorded').map(({ path }) => path),
    [lost['path']],
  )
  t.equal(pathsOf(dataDir).filter((path) => path === late['path']).length, 1)
})
