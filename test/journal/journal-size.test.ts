import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { journalSize, readJournal } from '../../src/lib/journal/index.ts'

t.test('segments that rested are known without being read, and are skipped', async (t) => {
  const directory = t.testdir({ 'a.ndjson': '{"n":1}\n', 'b.ndjson': '{"n":2}\n{"n":', '.c': 'x' })
  utimesSync(join(directory, 'a.ndjson'), 1000, 1000)
  const { bytes, rested } = await journalSize(directory, 2_000_000)
  t.equal(bytes, 8 + 13)
  t.same(rested, { 'a.ndjson': 8 })
  writeFileSync(join(directory, 'd.ndjson'), '{"n":3}\n')
  const seen: string[] = []
  for await (const { lines } of readJournal(directory, { cursor: rested })) seen.push(String(lines))
  t.same(seen, ['{"n":2}\n', '{"n":3}\n'])
})

t.test('a journal that is not there has no size', async (t) => {
  t.same(await journalSize(join(t.testdir(), 'none'), 0), { bytes: 0, rested: {} })
})
