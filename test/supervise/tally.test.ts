import t from 'tap'
import { Rate } from '../../src/lib/supervise/rate.ts'
import { Tally } from '../../src/lib/supervise/tally.ts'

t.test('each thing is counted in the journal where it happens first', (t) => {
  let now = 5_000
  const tally = new Tally(() => now)
  for (const journal of ['received', 'organized'])
    tally.add(journal, { type: 'instance', size: 10 })
  tally.add('organized', { type: 'study', revision: 1 })
  tally.add('organized', { type: 'study', revision: 2 })
  tally.add('held', { type: 'held' })
  tally.add('sent', { type: 'transfer', status: 'sent', instances: { sent: 3, failed: 0 } })
  tally.add('sent', { type: 'transfer', status: 'partial', instances: { sent: 1, failed: 2 } })
  tally.add('errors', { type: 'error' })
  tally.add('received', { type: 'instance', size: 'much' })
  t.same(tally.counts, {
    ...{ objects: 2, objectsPerSecond: 0.2, bytesPerSecond: 1, studies: 2, again: 1, held: 1 },
    ...{ deliveries: 2, undelivered: 1, delivered: 4, deliveredPerSecond: 4 / 60, errors: 1 },
  })
  now += 10_000
  t.match(tally.counts, { objects: 2, objectsPerSecond: 0, bytesPerSecond: 0 })
  t.end()
})

t.test('a rate is that of the last seconds only', (t) => {
  const rate = new Rate(4)
  rate.add(8, 1_000_900)
  t.equal(rate.perSecond(1_000_999), 2)
  t.equal(rate.perSecond(1_003_999), 2)
  t.equal(rate.perSecond(1_004_000), 0)
  rate.add(4, 1_900_000)
  rate.add(4, 1_903_000)
  t.equal(rate.perSecond(1_903_500), 2)
  t.equal(rate.perSecond(1_904_500), 1)
  t.equal(rate.total, 16)
  t.end()
})
