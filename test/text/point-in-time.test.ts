import t from 'tap'
import { pointInTime } from '../../src/lib/text/index.ts'

const now = new Date(2026, 10, 24, 15, 30).getTime()
const local = (...parts: [number, number, number, number?, number?, number?]) =>
  new Date(...parts).getTime()

t.test('what people write for a time', async (t) => {
  const forms: readonly (readonly [string, number])[] = [
    ['90m', now - 90 * 60_000],
    ['2h', now - 7_200_000],
    ['7d', now - 7 * 86_400_000],
    ['2w', now - 14 * 86_400_000],
    ['today', local(2026, 10, 24)],
    ['Yesterday', local(2026, 10, 23)],
    ['2026-11-03', local(2026, 10, 3)],
    ['2026-11-03 07:05', local(2026, 10, 3, 7, 5)],
    ['2026-11-03T07:05:09', local(2026, 10, 3, 7, 5, 9)],
    ['2026-11-03T07:05:09Z', Date.UTC(2026, 10, 3, 7, 5, 9)],
    ['2026-11-03T07:05:09.250+01:00', Date.UTC(2026, 10, 3, 6, 5, 9, 250)],
    ['2024-02-29', local(2024, 1, 29)],
  ]
  for (const [text, time] of forms) t.equal(pointInTime(text, now), time, text)
})

t.test('anything else is none', async (t) => {
  for (const text of [
    ...['', 'tomorrow', '2', 'h', '-2h', '1.5h', '2h ago', '24.11.2026', '11/24/2026'],
    ...['2026-11', '2026-02-30', '2026-13-01', '2026-11-24T25:00', '2026-11-24x', 'Z'],
  ]) {
    t.equal(pointInTime(text, now), undefined, text)
  }
})
