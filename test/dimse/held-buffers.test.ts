import t from 'tap'
import { giveHeldBuffer, takeHeldBuffer } from '../../src/lib/dimse/pdu/held-buffers.ts'
import { type ControlPdu, PduStream, PduType, encodeControlPdu } from '../../src/lib/dimse/index.ts'
import { associateRequest } from './peer.ts'

t.test(
  'a long one that was given back is the next that is taken; a short one is never shared',
  (t) => {
    const long = takeHeldBuffer(100_000)
    t.ok(long.length >= 100_000)
    t.not(takeHeldBuffer(100_000), long)
    giveHeldBuffer(long)
    t.equal(takeHeldBuffer(200_000), long)
    const short = takeHeldBuffer(100)
    giveHeldBuffer(short)
    t.not(takeHeldBuffer(100), short)
    t.end()
  },
)

/** A request longer than what is short, told apart by its calling AE title. */
function request(callingAETitle: string): Buffer {
  const presentationContexts = Array.from({ length: 100 }, (_, n) => ({
    id: 2 * n + 1,
    abstractSyntax: `1.2.840.10008.5.1.4.1.1.${String(n + 1)}`,
    transferSyntaxes: ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1'],
  }))
  return encodeControlPdu(associateRequest({ callingAETitle, presentationContexts }))
}

t.test('requests that come in pieces side by side are not mixed, whoever goes meanwhile', (t) => {
  const heard: ControlPdu[] = []
  const stream = () =>
    new PduStream(
      {
        header: () => undefined,
        control: (pdu) => heard.push(pdu),
        pdvBegin: () => undefined,
        pdvBytes: () => undefined,
        pdvEnd: () => undefined,
      },
      16384,
    )
  const pieces = (name: string) => {
    const bytes = request(name)
    return [bytes.subarray(0, 5000), bytes.subarray(5000)] as const
  }
  const [one, two, three] = [stream(), stream(), stream()]
  one.push(pieces('ONE')[0])
  two.push(pieces('TWO')[0])
  one.close()
  three.push(pieces('THREE')[0])
  two.push(pieces('TWO')[1])
  three.push(pieces('THREE')[1])
  two.push(request('AGAIN'))
  t.match(heard, [
    { type: PduType.AssociateRequest, callingAETitle: 'TWO' },
    { type: PduType.AssociateRequest, callingAETitle: 'THREE' },
    { type: PduType.AssociateRequest, callingAETitle: 'AGAIN' },
  ])
  t.equal(heard.length, 3)
  t.end()
})
