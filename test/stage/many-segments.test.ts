import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadCursor, pruneJournal } from '../../src/lib/journal/index.ts'
import { numbered, numbersOf, Site } from './staged.ts'

const segmentCount = 5000
const range = (from: number, to: number) => numbersOf(numbered(from, to))
const segmentOf = (n: number) => `${String(n).padStart(6, '0')}.ndjson`

/** As a shell loop leaves them that calls `fiona-journal append` for each record. */
function writeSegments(directory: string, from: number, to: number): void {
  for (let n = from; n < to; n++) {
    writeFileSync(join(directory, segmentOf(n)), `{"type":"test","n":${String(n)}}\n`)
  }
}

t.test('thousands of segments with one record each: all come through, in order', async (t) => {
  const site = new Site(t.testdir())
  const directory = site.path('a')
  mkdirSync(directory, { recursive: true })
  writeSegments(directory, 0, segmentCount)
  t.match(await site.once('cat'), { code: 0, stderr: '' })
  t.same(numbersOf(await site.records('b')), range(0, segmentCount))
  const saved = await loadCursor(directory, 's')
  t.equal(Object.keys(saved?.cursor ?? {}).length, segmentCount)

  await t.test('what was pruned leaves the cursor, and nothing is read twice', async (t) => {
    const { removed } = await pruneJournal(directory, { olderThanMs: 0 })
    t.equal(removed.length, segmentCount)
    writeSegments(directory, segmentCount, segmentCount + 1)
    t.match(await site.once('cat'), { code: 0, stderr: '' })
    const { cursor } = (await loadCursor(directory, 's')) ?? {}
    t.same(Object.keys(cursor ?? {}), [segmentOf(segmentCount)])
    t.same(numbersOf(await site.records('b')), range(0, segmentCount + 1))
  })
})
