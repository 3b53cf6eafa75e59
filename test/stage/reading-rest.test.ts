import t from 'tap'
import { ReadingRest } from '../../src/lib/stage/reading-rest.ts'

t.test('what comes first is not waited for, little that comes again and again is', (t) => {
  const rest = new ReadingRest()
  t.equal(rest.after(100, 0), 0)
  t.equal(rest.after(100, 1000), 0, 'after a pause')
  const waits: number[] = []
  for (let now = 1001; waits.length < 5; now += 5) waits.push(rest.after(4096, now))
  t.same(waits, [1, 2, 4, 4, 4])
  t.end()
})

t.test('a program that prints much is read at once', (t) => {
  const rest = new ReadingRest()
  let now = 0
  const next = (bytes: number) => rest.after(bytes, (now += 1))
  next(4096)
  t.same([next(4096), next(4096)], [1, 2])
  t.equal(next(40_000), 2, 'enough: it stays so')
  t.equal(next(65_536), 0)
  t.equal(next(65_536), 0)
  t.end()
})
