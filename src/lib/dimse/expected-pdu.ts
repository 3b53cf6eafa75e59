import { AbortReason, ProtocolError } from './pdu/index.ts'
import { type State, eventOfPdu, transition } from './state-machine.ts'

/**
 * Whether an acceptor may get a PDU now, by its header (PS3.8 table 9-10): nothing of what is not expected is read.
 * @param type the first byte of the PDU
 * @throws ProtocolError with the reason for the A-ABORT that AA-1 and AA-8 demand
 */
export function requireExpected(state: State, type: number): void {
  const event = eventOfPdu(type)
  const action = transition(state, event)?.action
  if (action !== 'AA-8' && action !== 'AA-1' && action !== undefined) return
  if (event === 'pdu invalid') {
    const message = `a PDU of type ${String(type)}, which is not DICOM`
    throw new ProtocolError(AbortReason.unrecognizedPdu, message)
  }
  const message = `a PDU of type ${String(type)} was not expected now`
  throw new ProtocolError(AbortReason.unexpectedPdu, message)
}
