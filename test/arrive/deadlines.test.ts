import fc from 'fast-check'
import t from 'tap'
import { Deadlines } from '../../src/lib/arrive/deadlines.ts'

t.test('what is due comes in the order of time, nothing before its time', (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.nat(60), (times, now) => {
        const deadlines = new Deadlines<number>()
        for (const at of times) deadlines.push(at, at)
        const taken: number[] = []
        for (let item = deadlines.takeDue(now); item !== undefined; item = deadlines.takeDue(now)) {
          taken.push(item)
        }
        const sorted = [...times].sort((a, b) => a - b)
        const due = sorted.filter((at) => at <= now)
        return (
          JSON.stringify(taken) === JSON.stringify(due) && deadlines.next === sorted[due.length]
        )
      }),
    ),
  )
  t.end()
})
