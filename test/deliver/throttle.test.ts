import fc from 'fast-check'
import t from 'tap'
import { Throttle } from '../../src/lib/deliver/throttle.ts'

t.test('whatever is asked for and when, the rate is kept and no burst is saved up', (t) => {
  const law = fc.property(
    fc.double({ min: 0.01, max: 1000, noNaN: true }),
    fc.array(fc.tuple(fc.integer({ min: 1, max: 1 << 20 }), fc.integer({ min: 0, max: 5000 }))),
    (mbit, asks) => {
      let now = 0
      let freeAt = 0
      const throttle = new Throttle(mbit, () => now)
      for (const [bytes, pause] of asks) {
        now += pause
        const starts = now + throttle.reserve(bytes)
        // Not before what was taken earlier has gone.
        if (starts < freeAt - 1e-6) return false
        freeAt = starts + bytes / ((mbit * 1e6) / 8 / 1000)
      }
      return true
    },
  )
  fc.assert(law)
  t.end()
})

t.test('pieces are small where the way is narrow', (t) => {
  t.equal(new Throttle(undefined).pieceBytes, 1 << 20)
  t.equal(new Throttle(undefined).reserve(1e12), 0)
  t.equal(new Throttle(1).pieceBytes, 31_250)
  t.equal(new Throttle(0.001).pieceBytes, 4096)
  t.end()
})

t.test('a wait ends when it is told to', async (t) => {
  const throttle = new Throttle(0.001)
  const stop = new AbortController()
  await throttle.take(1 << 20, stop.signal)
  const waiting = throttle.take(1, stop.signal)
  stop.abort()
  await waiting
  t.pass()
})
