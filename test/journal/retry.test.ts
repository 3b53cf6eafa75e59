import { join } from 'node:path'
import t, { type Test } from 'tap'
import { JournalWriter, retryErrors } from '../../src/lib/journal/index.ts'
import { recordsOf } from './lines-of.ts'

const error = (n: number, more: object = {}) => ({
  type: 'error',
  code: 'E_X',
  stage: 's',
  journal: 'a',
  record: { type: 'test', n },
  ...more,
})

async function site(t: Test, errors: readonly object[]) {
  const dataDir = t.testdir({ journal: { a: {}, other: {} } })
  const path = (name: string) => join(dataDir, 'journal', name)
  const fail = async (records: readonly object[]) => {
    await using writer = await JournalWriter.open(path('errors'))
    for (const record of records) await writer.append(JSON.stringify(record))
  }
  await fail(errors)
  return {
    dataDir,
    path,
    fail,
    retry: (more = {}) => retryErrors(path('errors'), { dataDir, ...more }),
  }
}

t.test(
  'each error is handed in once, where its stage had it from; one that fails again anew',
  async (t) => {
    const { path, fail, retry } = await site(t, [error(1), error(2)])
    t.same((await retry({ dryRun: true })).retried, { a: 2 })
    t.same((await retry()).retried, { a: 2 })
    t.same(await recordsOf(path('a')), [error(1).record, error(2).record])
    t.match(await retry(), { retried: {}, left: { 'retried before': 2 } })
    await fail([error(2)])
    t.same((await retry()).retried, { a: 1 })
    t.same((await retry({ again: true })).retried, { a: 3 })
  },
)

t.test('only what is asked for, and to where is asked', async (t) => {
  const { path, retry } = await site(t, [
    error(1),
    error(2, { code: 'E_Y' }),
    error(3, { stage: 'x' }),
  ])
  t.same((await retry({ code: 'E_Y' })).retried, { a: 1 })
  t.same((await retry({ stage: 'x', to: 'other' })).retried, { other: 1 })
  t.same(await recordsOf(path('other')), [error(3).record])
  t.match(await retry(), { retried: { a: 1 }, left: { 'retried before': 2 } })
})

t.test('what is no record, or says a path as its journal, stays', async (t) => {
  const { retry } = await site(t, [
    error(1, { record: '/a/path' }),
    error(2, { record: null }),
    error(3, { record: { type: 'mark', seq: 1 } }),
    error(4, { journal: undefined }),
    error(5, { journal: '/tmp/elsewhere' }),
  ])
  t.same(await retry(), {
    retried: {},
    left: { 'retried before': 0, 'holds no record': 3, 'of unknown origin': 2 },
  })
})

t.test('a journal that is not there is told, and nothing counts as handed in', async (t) => {
  const { retry } = await site(t, [error(1, { journal: 'gone' })])
  for (const more of [{}, {}, { dryRun: true }]) {
    t.match(await retry(more), {
      retried: {},
      left: { 'retried before': 0, 'of unknown origin': 1 },
    })
  }
  await t.rejects(retry({ to: 'gone' }), { code: 'E_JOURNAL_MISSING' })
})

t.test('an error that names a journal which is gone does not keep the others', async (t) => {
  const { path, retry } = await site(t, [
    error(1),
    error(2, { journal: 'gone' }),
    error(3, { journal: '..' }),
    error(4),
  ])
  for (const again of [2, 0]) {
    t.match(await retry(), {
      retried: again === 0 ? {} : { a: again },
      left: { 'of unknown origin': 2 },
    })
  }
  t.same(await recordsOf(path('a')), [error(1).record, error(4).record])
  await t.rejects(retry({ to: 'gone', again: true }), { code: 'E_JOURNAL_MISSING' })
})
