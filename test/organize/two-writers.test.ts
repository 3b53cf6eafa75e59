import { rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Organizer, rebuildViews } from '../../src/lib/organize/index.ts'
import { dataDirectory, json, store } from './organized.ts'

const { signal } = new AbortController()
const counts = () => ({ objects: 0, errors: 0, foreign: 0 })
const failed = async (_path: string, error: Error) => {
  throw error
}
const jsonPath = (dataDir: string) => join(dataDir, 'default/raw/2.25.1/2.25.1.1.json')

t.test(
  'a rebuild amid the work of the chain: the count is right, types and sender stay',
  async (t) => {
    const dataDir = dataDirectory()
    const source = { callingAET: 'MR1', calledAET: 'FIONA', address: '10.0.0.1' }
    const records = Array.from({ length: 6 }, (_, object) =>
      store(dataDir, { object }, { source, ClassifyType: ['T1'] }),
    )
    const chain = new Organizer(dataDir)
    for (const record of records.slice(0, 2)) await chain.record(record)
    // Nothing is written yet: the rebuild knows of neither types nor sender, and links all six.
    await rebuildViews({ dataDir, signal, failed, counts: counts() })
    t.match(json(jsonPath(dataDir)), { NumFiles: '6' })
    for (const record of records.slice(2)) await chain.record(record)
    await chain.mark()
    t.match(json(jsonPath(dataDir)), {
      NumFiles: '6',
      ClassifyType: ['T1'],
      IncomingConnection: { CallerIP: '10.0.0.1' },
    })
  },
)

t.test('what the chain wrote after the rebuild had looked is taken in', async (t) => {
  const dataDir = dataDirectory()
  const first = store(dataDir, { object: 1 })
  const late = new Organizer(dataDir, { mends: true })
  await late.record(first)
  const chain = new Organizer(dataDir)
  await chain.record({ ...first, ClassifyType: ['T2'] })
  await chain.record(store(dataDir, { object: 2 }, { ClassifyType: ['T2'] }))
  await chain.mark()
  await late.mark()
  t.match(json(jsonPath(dataDir)), { NumFiles: '2', ClassifyType: ['T2'] })
})

t.test('a rebuild of what is right writes nothing', async (t) => {
  const dataDir = dataDirectory()
  store(dataDir)
  await rebuildViews({ dataDir, signal, failed, counts: counts() })
  const path = jsonPath(dataDir)
  const before = statSync(path, { bigint: true })
  const counted = counts()
  await rebuildViews({ dataDir, signal, failed, counts: counted })
  t.same(counted, { objects: 1, errors: 0, foreign: 0 })
  const after = statSync(path, { bigint: true })
  t.same([after.ino, after.mtimeNs], [before.ino, before.mtimeNs])
  rmSync(dataDir, { recursive: true })
})
