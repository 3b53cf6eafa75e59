import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { ArchiveExamination } from '../../src/lib/commitment/examine-archive.ts'
import { RecentSeries } from '../../src/lib/commitment/recent-series.ts'
import { ReferenceList } from '../../src/lib/commitment/reference-list.ts'
import type { Reference } from '../../src/lib/transaction/index.ts'
import type { Config } from '../../src/lib/config/index.ts'
import { Intake } from '../../src/lib/intake/index.ts'
import type { Durability } from '../../src/lib/storage/index.ts'
import { CT_IMAGE_STORAGE, ctImage, syntax } from '../fixtures/dicom-writer.ts'

const { signal } = new AbortController()
const source = { callingAET: 'MODALITY', calledAET: 'FIONA', address: '127.0.0.1' }
const CT = (SOPInstanceUID: string): Reference => ({
  SOPClassUID: CT_IMAGE_STORAGE,
  SOPInstanceUID,
})

function setUp(t: Test, options: { projects?: Config['projects']; durability?: Durability } = {}) {
  const dataDir = t.testdir()
  const { projects = {}, durability = 'fsync' } = options
  const recent = new RecentSeries()
  const intake = new Intake({ dataDir, projects, durability })
  const examination = new ArchiveExamination({ dataDir, durability, intake, recent })
  /** Puts bytes where an object of the archive would be. */
  const put = (name: string, bytes: Buffer, project = 'default', series = '2.25.2'): string => {
    const path = join(dataDir, project, 'archive', '2.25.1', series, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, bytes)
    return path
  }
  const examine = async (references: readonly Reference[], patienceMs = 0) => {
    const outcome = await examination.examine(
      ReferenceList.from(references),
      { source },
      {
        patienceMs,
        signal,
      },
    )
    return {
      committed: [...outcome.committed()].map(({ SOPInstanceUID }) => SOPInstanceUID),
      failed: Object.fromEntries(
        [...outcome.failed()].map((one) => [one.SOPInstanceUID, one.reason]),
      ),
    }
  }
  return { dataDir, recent, put, examine, examination }
}

for (const durability of ['fsync', 'none'] as const) {
  t.test(`what nobody noted is found by searching all of it (${durability})`, async (t) => {
    const { put, examine } = setUp(t, { durability })
    put('2.25.11.dcm', ctImage({ sopUID: '2.25.11' }))
    put('2.25.12.dcm', ctImage({ sopUID: '2.25.12' }), 'default', '2.25.3')
    t.same(await examine([CT('2.25.11'), CT('2.25.12'), CT('2.25.13'), CT('2.25.11')]), {
      committed: ['2.25.11', '2.25.12', '2.25.11'],
      failed: { '2.25.13': 0x0112 },
    })
  })
}

t.test('files that only look like it do not count', async (t) => {
  const { dataDir, put, examine } = setUp(t)
  const whole = ctImage({ sopUID: '2.25.11' })
  put('2.25.11.dcm', whole.subarray(0, -20))
  put('2.25.12.dcm', ctImage({ sopUID: '2.25.99' }))
  put('2.25.13.dcm', Buffer.alloc(0))
  const outside = join(dataDir, 'outside.dcm')
  writeFileSync(outside, ctImage({ sopUID: '2.25.14' }))
  symlinkSync(outside, join(dirname(put('x', Buffer.alloc(0))), '2.25.14.dcm'))
  mkdirSync(join(dataDir, 'default/archive/2.25.1/2.25.2/2.25.15.dcm'))
  put('.2.25.16.dcm.tmp', ctImage({ sopUID: '2.25.16' }))
  const numbers = [11, 12, 13, 14, 15, 16].map((n) => CT(`2.25.${String(n)}`))
  t.same(await examine(numbers), {
    committed: [],
    failed: {
      '2.25.11': 0x0110,
      '2.25.12': 0x0110,
      '2.25.13': 0x0110,
      '2.25.14': 0x0112,
      '2.25.15': 0x0112,
      '2.25.16': 0x0112,
    },
  })
})

t.test('of several objects under one UID the one that fits counts', async (t) => {
  const { put, examine, recent } = setUp(t)
  const MR = '1.2.840.10008.5.1.4.1.1.4'
  const elements = [{ tag: 0x00080016, vr: 'UI', value: MR }]
  recent.note(put('2.25.11.dcm', ctImage({ sopUID: '2.25.11', elements })))
  const beside = ctImage({ sopUID: '2.25.11' })
  put('2.25.11~0123456789abcdef.dcm', beside, 'default', '2.25.3')
  t.same(await examine([CT('2.25.11')]), { committed: ['2.25.11'], failed: {} })
  const both = [{ SOPClassUID: MR, SOPInstanceUID: '2.25.11' }, CT('2.25.11')]
  t.same(await examine(both), { committed: ['2.25.11', '2.25.11'], failed: {} })
  const neither = { SOPClassUID: '1.2.3', SOPInstanceUID: '2.25.11' }
  t.same(await examine([neither]), { committed: [], failed: { '2.25.11': 0x0119 } })
})

t.test('the project is that of an object which comes from this peer', async (t) => {
  const projects: Config['projects'] = {
    HEADS: { match: { calledAET: '^FIONA$', BodyPartExamined: '^HEAD' }, destinations: [] },
    OTHER: { match: { calledAET: '^ELSEWHERE$' }, destinations: [] },
  }
  const { put, examine } = setUp(t, { projects })
  const head = [{ tag: 0x00180015, vr: 'CS', value: 'HEAD' }]
  put('2.25.11.dcm', ctImage({ sopUID: '2.25.11', elements: head }), 'HEADS')
  put('2.25.12.dcm', ctImage({ sopUID: '2.25.12', elements: head }), 'default')
  put('2.25.13.dcm', ctImage({ sopUID: '2.25.13' }), 'default')
  put('2.25.14.dcm', ctImage({ sopUID: '2.25.14' }), 'OTHER')
  t.same(await examine([11, 12, 13, 14].map((n) => CT(`2.25.${String(n)}`))), {
    committed: ['2.25.11', '2.25.13'],
    failed: { '2.25.12': 0x0112, '2.25.14': 0x0112 },
  })
})

t.test('each transfer syntax is read to its end', async (t) => {
  const { put, examine } = setUp(t)
  const syntaxes = [syntax.implicit, syntax.explicit, syntax.deflated, syntax.bigEndian]
  syntaxes.forEach((transferSyntax, n) => {
    const sopUID = `2.25.2${String(n)}`
    put(`${sopUID}.dcm`, ctImage({ sopUID, transferSyntax }))
    const cut = `2.25.3${String(n)}`
    put(`${cut}.dcm`, ctImage({ sopUID: cut, transferSyntax }).subarray(0, -10))
  })
  const numbers = syntaxes.map((_, n) => String(n))
  t.same(await examine(numbers.flatMap((n) => [CT(`2.25.2${n}`), CT(`2.25.3${n}`)])), {
    committed: numbers.map((n) => `2.25.2${n}`),
    failed: Object.fromEntries(numbers.map((n) => [`2.25.3${n}`, 0x0110])),
  })
})

t.test(
  'an object that is stored meanwhile is found, and one that never comes is not',
  async (t) => {
    const { put, examine, recent } = setUp(t)
    const pending = examine([CT('2.25.11')], 60_000)
    recent.note(put('2.25.11.dcm', ctImage({ sopUID: '2.25.11' })))
    t.same(await pending, { committed: ['2.25.11'], failed: {} })
    t.same(await examine([CT('2.25.12')], 1), { committed: [], failed: { '2.25.12': 0x0112 } })
  },
)

t.test('a search ends when it is told to', async (t) => {
  const { put, examination } = setUp(t)
  put('2.25.11.dcm', ctImage({ sopUID: '2.25.11' }))
  const stop = new AbortController()
  const options = { patienceMs: 60_000, signal: stop.signal }
  const waiting = examination.examine(ReferenceList.from([CT('2.25.12')]), { source }, options)
  stop.abort()
  await t.rejects(waiting, { name: 'AbortError' })
  const there = ReferenceList.from([CT('2.25.11')])
  await t.rejects(examination.examine(there, { source }, { ...options, patienceMs: 0 }))
})

t.test('of the series of a long day the last are remembered', async (t) => {
  const recent = new RecentSeries()
  for (let n = 0; n < 10_000; n++) recent.note(`/a/${String(n % 5000)}/x.dcm`)
  const list = recent.list()
  t.equal(list.length, 4096)
  t.equal(list[0], '/a/4999')
  t.equal(new Set(list).size, list.length)
  t.equal(recent.notes, 10_000)
})

t.test('many who ask for what is nowhere are served, and each hears of its own', async (t) => {
  const { put, examine } = setUp(t)
  put('2.25.11.dcm', ctImage({ sopUID: '2.25.11' }))
  put('2.25.12.dcm', ctImage({ sopUID: '2.25.12' }), 'default', '2.25.3')
  const asked = Array.from({ length: 50 }, (_, n) => CT(`2.25.${String(n)}`))
  const outcomes = await Promise.all(asked.map((one) => examine([one, CT('2.25.99')])))
  outcomes.forEach(({ committed, failed }, n) => {
    const isThere = n === 11 || n === 12
    t.same(committed, isThere ? [`2.25.${String(n)}`] : [])
    t.equal(failed['2.25.99'], 0x0112)
    t.equal(failed[`2.25.${String(n)}`], isThere ? undefined : 0x0112)
  })
})
