import t from 'tap'
import {
  type ProtocolEvent,
  type State,
  eventOfPdu,
  transition,
} from '../../src/lib/dimse/index.ts'

const all: readonly State[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
type Expected = Readonly<Record<number, readonly [action: string, next: number]>>

/** The same in the states 3 and 5 to 12, unless a state says otherwise. */
const inBetween = [3, 5, 6, 7, 8, 9, 10, 11, 12]
const each = (states: readonly number[], action: string, next: number): Expected =>
  Object.fromEntries(states.map((state) => [state, [action, next]]))
const unexpected = { ...each(inBetween, 'AA-8', 13), 2: ['AA-1', 13], 13: ['AA-6', 13] } as Expected

/** PS3.8 table 9-10, written down event by event. */
const standard: Readonly<Record<ProtocolEvent, Expected>> = {
  'local associate': { 1: ['AE-1', 4] },
  'transport connected': { 4: ['AE-2', 5] },
  'pdu associate-ac': { ...unexpected, 5: ['AE-3', 6] },
  'pdu associate-rj': { ...unexpected, 5: ['AE-4', 1] },
  'transport indication': { 1: ['AE-5', 2] },
  'pdu associate-rq': { ...unexpected, 2: ['AE-6', 3], 13: ['AA-7', 13] },
  'local accept': { 3: ['AE-7', 6] },
  'local reject': { 3: ['AE-8', 13] },
  'local data': { 6: ['DT-1', 6], 8: ['AR-7', 8] },
  'pdu data': { ...unexpected, 6: ['DT-2', 6], 7: ['AR-6', 7] },
  'local release': { 6: ['AR-1', 7] },
  'pdu release-rq': { ...unexpected, 6: ['AR-2', 8], 7: ['AR-8', 10] },
  'pdu release-rp': { ...unexpected, 7: ['AR-3', 1], 10: ['AR-10', 12], 11: ['AR-3', 1] },
  'local release response': { 8: ['AR-4', 13], 9: ['AR-9', 11], 12: ['AR-4', 13] },
  'local abort': { ...each(inBetween, 'AA-1', 13), 4: ['AA-2', 1] },
  'pdu abort': { ...each(inBetween, 'AA-3', 1), 2: ['AA-2', 1], 13: ['AA-2', 1] },
  'transport closed': { ...each([...inBetween, 4], 'AA-4', 1), 2: ['AA-5', 1], 13: ['AR-5', 1] },
  'artim expired': { 2: ['AA-2', 1], 13: ['AA-2', 1] },
  'pdu invalid': { ...unexpected, 13: ['AA-7', 13] },
}

for (const [event, cells] of Object.entries(standard)) {
  t.test(`${event} does in each state what PS3.8 table 9-10 says`, (t) => {
    for (const state of all) {
      const expected = cells[state]
      t.same(
        transition(state, event as ProtocolEvent),
        expected === undefined ? undefined : { action: expected[0], next: expected[1] },
        `in state ${String(state)}`,
      )
    }
    t.end()
  })
}

t.test('a release collision leads the requestor elsewhere than the acceptor', (t) => {
  t.same(transition(7, 'pdu release-rq', 'requestor'), { action: 'AR-8', next: 9 })
  t.same(transition(7, 'pdu release-rq', 'acceptor'), { action: 'AR-8', next: 10 })
  t.end()
})

t.test('each type of PDU is its event, any other is invalid', (t) => {
  t.same(
    [1, 2, 3, 4, 5, 6, 7].map(eventOfPdu),
    ['rq', 'ac', 'rj', 'data', 'release-rq', 'release-rp', 'abort'].map((name) =>
      name.length === 2 ? `pdu associate-${name}` : `pdu ${name}`,
    ),
  )
  for (const type of [0, 8, 0x16, 0x47, 255]) t.equal(eventOfPdu(type), 'pdu invalid')
  t.end()
})
