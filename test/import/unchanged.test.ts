import { appendFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Unchanged } from '../../src/lib/import/index.ts'

t.test('a file is left alone until it changes, goes, or an hour is over', async (t) => {
  let now = 0
  const unchanged = new Unchanged(() => now)
  const path = join(t.testdir({ file: 'x' }), 'file')
  t.notOk(unchanged.has(path))
  unchanged.add(path)
  t.ok(unchanged.has(path))
  now = 3_599_999
  t.ok(unchanged.has(path))
  now = 3_600_000
  t.notOk(unchanged.has(path))
  unchanged.add(path)
  appendFileSync(path, 'y')
  t.notOk(unchanged.has(path))
  unchanged.add(path)
  rmSync(path)
  t.notOk(unchanged.has(path))
  unchanged.add(path)
  t.notOk(unchanged.has(path))
})
