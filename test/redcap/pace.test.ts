import t from 'tap'
import { Pace } from '../../src/lib/redcap/pace.ts'

t.test('within any 60 seconds no more calls go out than are allowed', async (t) => {
  let now = 0
  const pace = new Pace(
    3,
    () => now,
    async (ms) => {
      now += ms
    },
  )
  const { signal } = new AbortController()
  const times: number[] = []
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      await pace.turn(signal)
      times.push(now)
      now += 1000
    }),
  )
  t.equal(times.length, 10)
  for (const [at, time] of times.entries()) {
    const later = times[at + 3]
    if (later !== undefined) t.ok(later - time >= 60_000, `${String(time)} → ${String(later)}`)
  }
})

t.test('who is stopped while waiting gives way to the next', async (t) => {
  const stop = new AbortController()
  let now = 0
  const pace = new Pace(
    1,
    () => now,
    async (ms, signal) => {
      signal.throwIfAborted()
      now += ms
    },
  )
  const { signal } = new AbortController()
  await pace.turn(signal)
  stop.abort(new Error('stopped'))
  await t.rejects(pace.turn(stop.signal), { message: 'stopped' })
  await pace.turn(signal)
  t.equal(now, 60_000)
})
