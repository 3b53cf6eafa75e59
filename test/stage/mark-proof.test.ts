import t from 'tap'
import { MarkProof } from '../../src/lib/stage/mark-proof.ts'

/** A pipeline that last did something at `movedAt`; when the wait for its first mark is over (ms). */
function waitedFor(movedAt: (now: number) => number): number {
  let now = 0
  let lookedAt = 0
  const life = {
    get sinceLook() {
      return now - lookedAt
    },
    get idleMs() {
      return lookedAt - movedAt(lookedAt)
    },
    look: () => {
      lookedAt = now
    },
  }
  const proof = new MarkProof(life, now)
  while (!proof.isOver(now)) now += 100
  return now
}

t.test('one that does nothing is waited for five seconds', async (t) => {
  t.equal(
    waitedFor(() => 0),
    5000,
  )
  t.equal(
    waitedFor((now) => Math.min(now, 2500)),
    5000,
    'it had started long before',
  )
})

t.test('one that still starts is waited for, however busy the machine', async (t) => {
  const over = waitedFor((now) => Math.min(now, 20_000))
  t.ok(over >= 22_000 && over <= 23_000, `until it has been still: ${String(over)}`)
})

t.test('one that computes for ever is fed in the end', async (t) => {
  t.equal(
    waitedFor((now) => now),
    60_000,
  )
})
