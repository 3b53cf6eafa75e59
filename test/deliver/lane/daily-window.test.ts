// The zone of the tests: it has a summer time.
process.env['TZ'] = 'Europe/Oslo'
import fc from 'fast-check'
import t from 'tap'
import { DailyWindow, windowTrouble } from '../../../src/lib/deliver/lane/daily-window.ts'

const local = (text: string) => new Date(text)

t.test('over midnight, and within a day', (t) => {
  const night = new DailyWindow('20:00-06:00')
  t.equal(night.opensAt(local('2026-01-10T23:00')), undefined)
  t.equal(night.opensAt(local('2026-01-10T05:59')), undefined)
  t.same(night.opensAt(local('2026-01-10T06:00')), local('2026-01-10T20:00'))
  t.same(night.closesAt(local('2026-01-10T23:00')), local('2026-01-11T06:00'))
  t.same(night.closesAt(local('2026-01-10T01:00')), local('2026-01-10T06:00'))
  const noon = new DailyWindow('12:00-13:30')
  t.equal(noon.opensAt(local('2026-01-10T12:00')), undefined)
  t.same(noon.opensAt(local('2026-01-10T13:30')), local('2026-01-11T12:00'))
  t.end()
})

t.test('the day that has 23 hours, and the one that has 25', (t) => {
  const night = new DailyWindow('20:00-06:00')
  const spring = local('2026-03-28T23:00')
  t.equal(night.closesAt(spring).getTime() - spring.getTime(), 6 * 3600_000)
  const autumn = local('2026-10-24T23:00')
  t.equal(night.closesAt(autumn).getTime() - autumn.getTime(), 8 * 3600_000)
  t.end()
})

t.test('whenever it is closed, it opens later, within a day and an hour', (t) => {
  const minutes = fc.integer({ min: 0, max: 1439 })
  const time = (minute: number) =>
    [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':')
  const law = fc.property(
    minutes,
    minutes,
    fc.date({ min: new Date('2025-01-01'), max: new Date('2027-01-01'), noInvalidDate: true }),
    (from, to, now) => {
      fc.pre(from !== to)
      const text = `${time(from)}-${time(to)}`
      const window = new DailyWindow(text)
      const opens = window.opensAt(now)
      const then = (opens ?? window.closesAt(now)).getTime() - now.getTime()
      return windowTrouble(text) === undefined && then > 0 && then <= 25 * 3600_000
    },
  )
  fc.assert(law)
  t.end()
})
