import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { joinMoves, MovingCursor } from '../../src/lib/journal/index.ts'

t.test('a cursor moves by what was read; the rest of it stays', (t) => {
  const cursor = new MovingCursor({ 'a.ndjson': 8, 'b.ndjson': 4 })
  cursor.move(new Map([['b.ndjson', 9]]))
  cursor.move(new Map([['c.ndjson', 1]]))
  t.same(cursor.whole(), { 'a.ndjson': 8, 'b.ndjson': 9, 'c.ndjson': 1 })
  t.end()
})

t.test('of moves one behind the other the last counts, and none of them changes', (t) => {
  const first = new Map([
    ['a', 1],
    ['b', 1],
  ])
  const second = new Map([['b', 2]])
  t.same(
    [...joinMoves(first, second)],
    [
      ['a', 1],
      ['b', 2],
    ],
  )
  t.same(
    [...joinMoves(second, first)],
    [
      ['b', 1],
      ['a', 1],
    ],
  )
  t.same([...joinMoves()], [])
  t.same(
    [...first],
    [
      ['a', 1],
      ['b', 1],
    ],
  )
  t.end()
})

t.test('segments that are gone are forgotten, others and later ones are not', async (t) => {
  const directory = t.testdir({ 'a.ndjson': '{}\n', 'b.ndjson': '{}\n' })
  const cursor = new MovingCursor({ 'a.ndjson': 3, 'b.ndjson': 3 })
  unlinkSync(join(directory, 'a.ndjson'))
  const forgetting = cursor.forgetGone(directory)
  cursor.move(new Map([['later.ndjson', 3]]))
  await forgetting
  t.same(cursor.whole(), { 'b.ndjson': 3, 'later.ndjson': 3 })
})
