import t from 'tap'
import {
  JournalWriter,
  Lease,
  MovingCursor,
  leasePath,
  loadCursor,
} from '../../src/lib/journal/index.ts'
import { Outlets } from '../../src/lib/stage/outlets.ts'
import { moveFirstAway } from '../../src/lib/stage/poison.ts'
import { recordsOf } from '../journal/lines-of.ts'
import { Site, numbered } from './staged.ts'

t.test('the record at the cursor goes to the errors, each time the next one', async (t) => {
  const site = new Site(t.testdir())
  const from = site.path('a')
  await site.append('a', numbered(0, 2))
  await using writer = await JournalWriter.open(from)
  await writer.appendLines(Buffer.from('no record\n'))
  const outlets = new Outlets(
    { to: site.path('b'), errors: site.path('errors'), held: site.path('held') },
    's',
  )
  const lease = await Lease.acquire(leasePath(from, 's'), { what: 'stage s', hint: '', waitMs: 0 })
  const context = {
    from,
    stage: 's',
    workers: 2,
    lease,
    outlets,
    progress: { cursor: new MovingCursor(undefined), tidiedAt: 0, seq: 7, passesMarks: true },
    sort: { stage: 's', journal: 'a', diverted: new Set<'error' | 'held'>(['error']) },
  }
  for (let n = 0; n < 3; n += 1) {
    t.ok(await moveFirstAway(context, 'signal SIGSEGV'))
    const saved = await loadCursor(from, 's')
    t.match(saved, { cursor: context.progress.cursor.whole(), seq: 7, workers: 2 })
  }
  t.notOk(await moveFirstAway(context, 'signal SIGSEGV'), 'there is no more')
  await outlets.close()
  await lease.release()
  const poison = { code: 'E_STAGE_POISON', message: /SIGSEGV/, stage: 's', journal: 'a' }
  t.match(await recordsOf(site.path('errors')), [
    { ...poison, record: { n: 0 } },
    { ...poison, record: { n: 1 } },
    { ...poison, record: 'no record' },
  ])
})
