import fc from 'fast-check'
import t from 'tap'
import { Pseudonyms, shiftTemporal } from '../../src/lib/deidentify/index.ts'
import { key } from './deidentified.ts'

const cases: readonly (readonly [
  vr: string,
  text: string,
  days: number,
  shifted: string | undefined,
])[] = [
  ['DA', '20230917', -1, '20230916'],
  ['DA', '20230917 ', 14, '20231001'],
  ['DA', '20240228', 1, '20240229'],
  ['DA', '20230228', 1, '20230301'],
  ['DA', '20240301', -1, '20240229'],
  ['DA', '19000228', 1, '19000301'],
  ['DA', '20000229', 365, '20010228'],
  ['DA', '20230101', -1, '20221231'],
  ['DA', '2023.09.17', -1, '20230916'],
  ['DA', '20230917\\20230918', -1, '20230916\\20230917'],
  ['DA', '20230917\\', -1, '20230916\\'],
  ['DA', '', -1, ''],
  ['DA', '  ', -1, ''],
  ['DA', '00010101', -1, undefined],
  ['DA', '00990101', -1, '00981231'],
  ['DA', '99991231', 1, undefined],
  ['DA', '00000101', 400, undefined],
  ['DA', '20230229', 1, undefined],
  ['DA', '20231301', 1, undefined],
  ['DA', '20230900', 1, undefined],
  ['DA', '230917', -1, undefined],
  ['DA', '202309', -1, undefined],
  ['DA', '2023', -1, undefined],
  ['DA', '2023-09-17', -1, undefined],
  ['DA', '17.09.2023', -1, undefined],
  ['DA', '20230901-20230917', -1, undefined],
  ['DA', '20230917 Zwartkops', -1, undefined],
  ['DA', '20230917\\Zwartkops', -1, undefined],
  ['DA', '20230917141516', -1, undefined],
  ['DA', '２０２３0917', -1, undefined],
  ['DT', '20230917141516.123456+0200', -1, '20230916141516.123456+0200'],
  ['DT', '20230917000000-1130', -1, '20230916000000-1130'],
  ['DT', '20230917235959.9+1400', 1, '20230918235959.9+1400'],
  ['DT', '202309171415', -1, '202309161415'],
  ['DT', '2023091714', -1, '2023091614'],
  ['DT', '20230917', -1, '20230916'],
  ['DT', '20230917+0100', -1, '20230916+0100'],
  ['DT', '202309', -15, '202308'],
  ['DT', '202309', -1, '202309'],
  ['DT', '2023', -200, '2022'],
  ['DT', '2023+0100', -200, '2022+0100'],
  ['DT', '20230917141560', -1, '20230916141560'],
  ['DT', '20230917246000', -1, undefined],
  ['DT', '20230917141516+9900', -1, undefined],
  ['DT', '20230917141516.', -1, undefined],
  ['DT', '20230917141516.1234567', -1, undefined],
  ['DT', '2023091', -1, undefined],
  ['DT', '20230917-20230918', -1, undefined],
  ['DT', '99991231235959', 1, undefined],
  ['TM', '235959.999999', -1, '235959.999999'],
  ['TM', '14', -1, '14'],
  ['TM', '14:15:16', -1, '141516'],
  ['TM', '240000', -1, undefined],
  ['TM', '1415-1500', -1, undefined],
  ['TM', 'Zwartkops', -1, undefined],
  ['SH', '+0100', -1, '+0100'],
  ['SH', 'Berlin', -1, undefined],
  ['OB', '20230917', -1, undefined],
]

for (const [vr, text, days, shifted] of cases) {
  t.test(`${vr} ${JSON.stringify(text)} by ${String(days)} days`, (t) => {
    t.equal(shiftTemporal(text, vr, days), shifted)
    t.end()
  })
}

const day = fc.date({
  min: new Date('0100-01-01T00:00:00Z'),
  max: new Date('9000-01-01T00:00:00Z'),
  noInvalidDate: true,
})
const written = (date: Date) => date.toISOString().slice(0, 10).replaceAll('-', '')

t.test('intervals stay, and the way back is the way', (t) => {
  fc.assert(
    fc.property(day, day, fc.integer({ min: -3653, max: 3653 }), (a, b, days) => {
      const shifted = [a, b].map((date) => shiftTemporal(written(date), 'DA', days) ?? '')
      const at = (text: string) => Date.parse(text.replace(/(....)(..)(..)/, '$1-$2-$3T00:00:00Z'))
      const [first = '', second = ''] = shifted
      const before = at(written(b)) - at(written(a))
      return at(second) - at(first) === before && shiftTemporal(first, 'DA', -days) === written(a)
    }),
  )
  t.end()
})

t.test('whatever is not understood does not pass', (t) => {
  fc.assert(
    fc.property(fc.string({ maxLength: 30 }), fc.constantFrom('DA', 'DT'), (text, vr) => {
      const shifted = shiftTemporal(text, vr, -400)
      return shifted === undefined || shifted !== text.trim() || !/\d/.test(text)
    }),
  )
  t.end()
})

t.test('a participant has days of their own, the same everywhere with the same key', (t) => {
  const shift = { mode: 'perParticipant', maxDays: 365 } as const
  const here = new Pseudonyms(key, 'A')
  const days = Array.from({ length: 2000 }, (_, at) => here.days(shift, `S${String(at)}`))
  t.ok(days.every((number) => Number.isInteger(number) && number >= -365 && number <= -1))
  t.ok(new Set(days).size > 350, 'nearly every number of days is somebody’s')
  t.equal(new Pseudonyms(key, 'A').days(shift, 'S7'), here.days(shift, 'S7'))
  const differing = (other: Pseudonyms) =>
    days.filter((number, at) => other.days(shift, `S${String(at)}`) !== number).length
  t.ok(differing(new Pseudonyms(key, 'B')) > 1950)
  t.ok(differing(new Pseudonyms(Buffer.from('another key, of thirty-two bytes!!'), 'A')) > 1950)
  t.equal(here.days({ mode: 'fixed', days: 42 }, 'S7'), 42)
  t.equal(here.days({ mode: 'none' }, 'S7'), 0)
  t.end()
})
