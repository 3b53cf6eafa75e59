import t from 'tap'
import { type Priority, Turns } from '../../../src/lib/deliver/lane/turns.ts'

const take = (turns: Turns, count: number, ...wanting: Priority[]) => {
  const got: Record<Priority, number> = { high: 0, normal: 0, low: 0 }
  for (let i = 0; i < count; i++) got[turns.next(new Set(wanting))]++
  return got
}

t.test('turns by weight, and nobody starves', (t) => {
  t.same(take(new Turns(), 21, 'high', 'normal', 'low'), { high: 16, normal: 4, low: 1 })
  t.same(take(new Turns(), 5, 'normal', 'low'), { high: 0, normal: 4, low: 1 })
  t.same(take(new Turns(), 9, 'low'), { high: 0, normal: 0, low: 9 })
  t.end()
})

t.test('who comes late has saved nothing up', (t) => {
  const turns = new Turns()
  take(turns, 1000, 'high')
  t.ok(take(turns, 21, 'high', 'low').low <= 2)
  t.end()
})
