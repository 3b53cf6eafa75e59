/**
 * The upper layer's state machine, PS3.8 9.2, as the table it is in the standard (table 9-10). Both sides
 * of an association look up what to do; what an action does to the connection is theirs.
 */

/**
 * 1 idle; 2 connected, awaiting A-ASSOCIATE-RQ; 3 awaiting the local answer to it; 4 connecting;
 * 5 awaiting the answer to ours; 6 established; 7 awaiting A-RELEASE-RP; 8 awaiting the local answer to
 * a release; 9 to 12 release collision; 13 awaiting the end of the connection.
 */
export type State = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13

export type ProtocolAction =
  | `AE-${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`
  | `DT-${1 | 2}`
  | `AR-${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10}`
  | `AA-${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}`

/** `pdu` events come from the peer, `local` ones from whoever uses the association. */
export type ProtocolEvent =
  | 'local associate'
  | 'transport connected'
  | 'pdu associate-ac'
  | 'pdu associate-rj'
  | 'transport indication'
  | 'pdu associate-rq'
  | 'local accept'
  | 'local reject'
  | 'local data'
  | 'pdu data'
  | 'local release'
  | 'pdu release-rq'
  | 'pdu release-rp'
  | 'local release response'
  | 'local abort'
  | 'pdu abort'
  | 'transport closed'
  | 'artim expired'
  | 'pdu invalid'

/** Actions by state 1 to 13; a dot where the event cannot happen. */
// prettier-ignore
const rows: Readonly<Record<ProtocolEvent, string>> = {
  //                         1    2    3    4    5    6    7    8    9    10   11   12   13
  'local associate':        'AE-1 .    .    .    .    .    .    .    .    .    .    .    .   ',
  'transport connected':    '.    .    .    AE-2 .    .    .    .    .    .    .    .    .   ',
  'pdu associate-ac':       '.    AA-1 AA-8 .    AE-3 AA-8 AA-8 AA-8 AA-8 AA-8 AA-8 AA-8 AA-6',
  'pdu associate-rj':       '.    AA-1 AA-8 .    AE-4 AA-8 AA-8 AA-8 AA-8 AA-8 AA-8 AA-8 AA-6',
  'transport indication':   'AE-5 .    .    .    .    .    .    .    .    .    .    .    .   ',
  'pdu associate-rq':       '.    AE-6 AA-8 .    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8 AA-8 AA-8 AA-7',
  'local accept':           '.    .    AE-7 .    .    .    .    .    .    .    .    .    .   ',
  'local reject':           '.    .    AE-8 .    .    .    .    .    .    .    .    .    .   ',
  'local data':             '.    .    .    .    .    DT-1 .    AR-7 .    .    .    .    .   ',
  'pdu data':               '.    AA-1 AA-8 .    AA-8 DT-2 AR-6 AA-8 AA-8 AA-8 AA-8 AA-8 AA-6',
  'local release':          '.    .    .    .    .    AR-1 .    .    .    .    .    .    .   ',
  'pdu release-rq':         '.    AA-1 AA-8 .    AA-8 AR-2 AR-8 AA-8 AA-8 AA-8 AA-8 AA-8 AA-6',
  'pdu release-rp':         '.    AA-1 AA-8 .    AA-8 AA-8 AR-3 AA-8 AA-8 AR-10 AR-3 AA-8 AA-6',
  'local release response': '.    .    .    .    .    .    .    AR-4 AR-9 .    .    AR-4 .   ',
  'local abort':            '.    .    AA-1 AA-2 AA-1 AA-1 AA-1 AA-1 AA-1 AA-1 AA-1 AA-1 .   ',
  'pdu abort':              '.    AA-2 AA-3 .    AA-3 AA-3 AA-3 AA-3 AA-3 AA-3 AA-3 AA-3 AA-2',
  'transport closed':       '.    AA-5 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AA-4 AR-5',
  'artim expired':          '.    AA-2 .    .    .    .    .    .    .    .    .    .    AA-2',
  'pdu invalid':            '.    AA-1 AA-8 .    AA-8 AA-8 AA-8 AA-8 AA-8 AA-8 AA-8 AA-8 AA-7',
}

const table = Object.fromEntries(
  Object.entries(rows).map(([event, row]) => [event, row.trim().split(/ +/)]),
)

/**
 * The state after an action (tables 9-6 to 9-9). AR-8 and AE-6 depend on more than the event: a
 * requestor goes on to 9, an acceptor to 10; a request that is refused at once goes to 13.
 */
const nextState: Readonly<Record<ProtocolAction, State>> = {
  'AE-1': 4,
  'AE-2': 5,
  'AE-3': 6,
  'AE-4': 1,
  'AE-5': 2,
  'AE-6': 3,
  'AE-7': 6,
  'AE-8': 13,
  'DT-1': 6,
  'DT-2': 6,
  'AR-1': 7,
  'AR-2': 8,
  'AR-3': 1,
  'AR-4': 13,
  'AR-5': 1,
  'AR-6': 7,
  'AR-7': 8,
  'AR-8': 10,
  'AR-9': 11,
  'AR-10': 12,
  'AA-1': 13,
  'AA-2': 1,
  'AA-3': 1,
  'AA-4': 1,
  'AA-5': 1,
  'AA-6': 13,
  'AA-7': 13,
  'AA-8': 13,
}

export interface Transition {
  readonly action: ProtocolAction
  readonly next: State
}

/** Undefined where the standard has no such event: a mistake of the caller, never of the peer. */
export function transition(
  state: State,
  event: ProtocolEvent,
  side: 'requestor' | 'acceptor' = 'acceptor',
): Transition | undefined {
  const action = table[event]?.[state - 1]
  if (action === undefined || action === '.') return undefined
  const known = action as ProtocolAction
  const next = known === 'AR-8' && side === 'requestor' ? 9 : nextState[known]
  return { action: known, next }
}

const pduEvents: Readonly<Record<number, ProtocolEvent>> = {
  1: 'pdu associate-rq',
  2: 'pdu associate-ac',
  3: 'pdu associate-rj',
  4: 'pdu data',
  5: 'pdu release-rq',
  6: 'pdu release-rp',
  7: 'pdu abort',
}

export function eventOfPdu(type: number): ProtocolEvent {
  return pduEvents[type] ?? 'pdu invalid'
}
