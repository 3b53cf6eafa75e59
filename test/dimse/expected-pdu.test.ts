import t from 'tap'
import { requireExpected } from '../../src/lib/dimse/expected-pdu.ts'
import { AbortReason, PduType, ProtocolError, type State } from '../../src/lib/dimse/index.ts'

/** By the state of an acceptor, what it may get. */
const expected: readonly [state: State, types: readonly number[]][] = [
  [2, [PduType.AssociateRequest, PduType.Abort]],
  [6, [PduType.DataTransfer, PduType.ReleaseRequest, PduType.Abort]],
]

const reasonOf = (state: State, type: number): unknown => {
  try {
    requireExpected(state, type)
  } catch (error) {
    return error instanceof ProtocolError ? error.reason : error
  }
  return undefined
}

for (const [state, types] of expected) {
  t.test(`in state ${String(state)} only those come through, the reason is told`, async (t) => {
    for (let type = 0; type < 256; type += 1) {
      const isDicom = type >= 1 && type <= 7
      const refusal = isDicom ? AbortReason.unexpectedPdu : AbortReason.unrecognizedPdu
      const reason = types.includes(type) ? undefined : refusal
      t.equal(reasonOf(state, type), reason, `type ${String(type)}`)
    }
  })
}

t.test('whoever has been told that it is over may say what it likes', async (t) => {
  for (const type of [0, 1, 4, 5, 7, 0x47]) t.equal(reasonOf(13, type), undefined)
})
