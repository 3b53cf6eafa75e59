import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { binDir, missing, run } from '../fixtures/peers.ts'
import { until } from '../tools/import-site.ts'
import { dcmsend, linksBelow, makeObjects, sendFolders } from './objects.ts'
import { RunningChain } from './running-chain.ts'

const skip = missing('dcmsend')
const of = (type: string) => (records: readonly AnyRecord[]) =>
  records.filter((record) => record.type === type)

t.test(
  'what lost its records or its views arrives again, once, beside what is being received',
  { skip },
  async (t) => {
    const root = t.testdir()
    const dataDir = join(root, 'var')
    const env = { FIONA_CONFIG: '', TCP_NODELAY: '1' }
    const first = await RunningChain.start({ dataDir })
    t.teardown(() => first.stop())
    const objects = makeObjects(join(root, 'in'), 3, 60)
    const [, lost = '', unsaid = ''] = ['a0', 'a1', 'a2'].map((name) => join(root, 'in', name))
    await dcmsend(first.port, '+sd', join(root, 'in/a0'), lost)
    await first.until('organized', (records) => of('study')(records).length === 2)
    t.equal(await first.stop(), 0)

    // Its records are gone, with its views; of another study nobody ever wrote any.
    const journal = join(dataDir, 'journal/received')
    const segments = readdirSync(journal).filter((name) => name.endsWith('.ndjson'))
    for (const segment of segments) rmSync(join(journal, segment))
    rmSync(join(dataDir, 'default/raw/2.25.771'), { recursive: true })
    rmSync(join(dataDir, 'default/participants'), { recursive: true })
    const { code } = await run(`${binDir}/fiona-import`, [unsaid, '--data-dir', dataDir], { env })
    t.equal(code, 0)

    const chain = await RunningChain.start({ dataDir })
    t.teardown(() => chain.stop())
    makeObjects(join(root, 'more'), 5, 40)
    rmSync(join(root, 'more/a0'), { recursive: true })
    rmSync(join(root, 'more/a1'), { recursive: true })
    rmSync(join(root, 'more/a2'), { recursive: true })
    const words = ['--reconcile', '--mend', '--data-dir', dataDir, '--settle-seconds', '5']
    const [mended] = await Promise.all([
      run(`${binDir}/fiona-import`, words, { env }),
      sendFolders(join(root, 'more'), chain.port),
    ])
    t.equal(mended.code, 0, mended.stderr)

    const received = of('instance')(await chain.records('received'))
    const all = objects.length + 2 * 40
    t.equal(received.length, all)
    t.equal(new Set(received.map(({ path }) => path)).size, all)
    const organized = await chain.until('organized', (records) => of('study')(records).length === 5)
    const revisions = of('study')(organized).map((one) => [
      one['StudyInstanceUID'],
      one['revision'],
    ])
    t.strictSame(
      revisions.sort(),
      [0, 1, 2, 3, 4].map((n) => [`2.25.77${String(n)}`, 1]),
      'what was known is no revision; what nobody knew is the first',
    )
    // What the first chain said just before its end is said again: nobody had told that it arrived.
    await chain.until('sent', (records) => {
      const requests = new Set(of('transfer')(records).map(({ requestId }) => requestId))
      return requests.size === 5
    })
    // What is no revision gets its views back without a record, so only the views tell.
    const linksOf = (view: string) => linksBelow(join(dataDir, 'default', view)).length
    await until(() => linksOf('raw') === all && linksOf('participants') === all)
    t.equal(linksOf('raw'), all)
    t.equal(linksOf('participants'), all)
    t.same(await chain.records('errors'), [])
    const well = await run(`${binDir}/fiona-import`, words.toSpliced(1, 1), { env })
    t.match(well, { code: 0, stdout: '' })
    t.equal(await chain.stop(), 0)
  },
)
