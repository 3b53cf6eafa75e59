import fc from 'fast-check'
import t from 'tap'
import {
  type ControlPdu,
  PduStream,
  PduType,
  encodeControlPdu,
  encodeDataHeader,
  encodeDataTransfer,
  maxFragmentBytes,
  pduLimits,
  readControlPdu,
} from '../../src/lib/dimse/index.ts'
import { Recorder } from './recorder.ts'

const uid = fc.stringMatching(/^[1-9][0-9]{0,9}(\.[1-9][0-9]{0,9}){0,4}$/)
const title = fc.stringMatching(/^[A-Z0-9][A-Z0-9_-]{0,14}[A-Z0-9]?$/)
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
const userInformation = fc.record(
  {
    maxPduLength: fc.nat(0xffffffff),
    implementationClassUID: uid,
    implementationVersionName: title,
    asynchronousOperations: fc.record({ invoked: fc.nat(0xffff), performed: fc.nat(0xffff) }),
    roles: fc.array(fc.record({ SOPClassUID: uid, scu: fc.boolean(), scp: fc.boolean() }), {
      minLength: 1,
      maxLength: 4,
    }),
    extendedNegotiations: fc.array(fc.record({ SOPClassUID: uid, information: bytes }), {
      minLength: 1,
      maxLength: 3,
    }),
    others: fc.array(fc.record({ type: fc.constantFrom(0x57, 0x58, 0x7f), bytes }), {
      minLength: 1,
      maxLength: 3,
    }),
  },
  { requiredKeys: ['maxPduLength', 'implementationClassUID'] },
)
const ids = fc.uniqueArray(
  fc.nat(127).map((n) => 2 * n + 1),
  { maxLength: 128 },
)
const common = {
  protocolVersion: fc.nat(0xffff),
  calledAETitle: title,
  callingAETitle: title,
  applicationContext: uid,
  userInformation,
}
const request = ids.chain((list) =>
  fc.record({
    type: fc.constant(PduType.AssociateRequest),
    ...common,
    presentationContexts: fc.tuple(
      ...list.map((id) =>
        fc.record({
          id: fc.constant(id),
          abstractSyntax: uid,
          transferSyntaxes: fc.array(uid, { maxLength: 5 }),
        }),
      ),
    ),
  }),
)
const accept = ids.chain((list) =>
  fc.record({
    type: fc.constant(PduType.AssociateAccept),
    ...common,
    presentationContexts: fc.tuple(
      ...list.map((id) =>
        fc.record({
          id: fc.constant(id),
          result: fc.constantFrom(0, 1, 2, 3, 4),
          transferSyntax: uid,
        }),
      ),
    ),
  }),
)
const byte = fc.nat(255)
const anyControlPdu = fc.oneof(
  request,
  accept,
  fc.record({
    type: fc.constant(PduType.AssociateReject),
    result: byte,
    source: byte,
    reason: byte,
  }),
  fc.constant({ type: PduType.ReleaseRequest }),
  fc.constant({ type: PduType.ReleaseResponse }),
  fc.record({ type: fc.constant(PduType.Abort), source: byte, reason: byte }),
) as fc.Arbitrary<ControlPdu>

/** Cuts at arbitrary places. */
function pieces(whole: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b)
  const ends = [...places, whole.length]
  return ends.map((end, n) => whole.subarray(n === 0 ? 0 : ends[n - 1], end))
}
const cuts = fc.array(fc.nat(), { maxLength: 30 })

t.test('what is written is read again as it was', (t) => {
  fc.assert(
    fc.property(anyControlPdu, (pdu) => {
      const encoded = encodeControlPdu(pdu)
      t.same(readControlPdu(encoded[0] ?? 0, encoded.subarray(6)), pdu)
    }),
    { numRuns: 60 },
  )
  t.end()
})

t.test('the bytes are those of PS3.8 9.3', (t) => {
  const hex = (pdu: ControlPdu) => encodeControlPdu(pdu).toString('hex')
  t.equal(hex({ type: PduType.ReleaseRequest }), '05000000000400000000')
  t.equal(hex({ type: PduType.ReleaseResponse }), '06000000000400000000')
  t.equal(hex({ type: PduType.Abort, source: 2, reason: 6 }), '07000000000400000206')
  t.equal(
    hex({ type: PduType.AssociateReject, result: 1, source: 3, reason: 2 }),
    '03000000000400010302',
  )
  const rq = encodeControlPdu({
    type: PduType.AssociateRequest,
    protocolVersion: 1,
    calledAETitle: 'ANY',
    callingAETitle: 'ME',
    applicationContext: '1.2',
    presentationContexts: [{ id: 3, abstractSyntax: '1.3', transferSyntaxes: ['1.4', '1.5'] }],
    userInformation: { maxPduLength: 16384, implementationClassUID: '1.6' },
  })
  t.equal(rq.readUInt32BE(2), rq.length - 6)
  t.equal(rq.toString('latin1', 10, 42), 'ANY             ME              ')
  t.equal(
    rq.subarray(74).toString('hex'),
    '10000003312e32' +
      '2000001903000000' +
      '30000003312e33' +
      '40000003312e34' +
      '40000003312e35' +
      '5000000f' +
      '5100000400004000' +
      '52000003312e36',
  )
  t.end()
})

t.test('PDUs cut anywhere on the wire come out the same', (t) => {
  const data = fc
    .record({
      contextId: fc.nat(127).map((n) => 2 * n + 1),
      isCommand: fc.boolean(),
      bytes: fc.uint8Array({ maxLength: 2000 }).map((array) => Buffer.from(array)),
      maxBytes: fc.integer({ min: 1, max: 500 }),
    })
    .map(({ maxBytes, ...message }) => ({ message, maxBytes }))
  fc.assert(
    fc.property(fc.array(fc.oneof(anyControlPdu, data), { maxLength: 6 }), cuts, (list, cuts) => {
      const wire = Buffer.concat(
        list.map((one) =>
          'message' in one ? encodeDataTransfer(one.message, one.maxBytes) : encodeControlPdu(one),
        ),
      )
      const recorder = new Recorder()
      const stream = new PduStream(recorder, 4096)
      for (const piece of pieces(wire, cuts)) t.equal(stream.push(piece), piece.length)
      t.ok(stream.isAtRest)
      t.same(
        recorder.whole,
        list.map((one) =>
          'message' in one ? { ...one.message, bytes: one.message.bytes.toString('hex') } : one,
        ),
      )
    }),
    { numRuns: 100 },
  )
  t.end()
})

t.test('several fragments in one PDU are told apart', (t) => {
  const recorder = new Recorder()
  const stream = new PduStream(recorder, 4096)
  const pdv = (last: number, text: string) => {
    const header = Buffer.alloc(6)
    header.writeUInt32BE(text.length + 2)
    header[4] = 1
    header[5] = last
    return Buffer.concat([header, Buffer.from(text)])
  }
  const body = Buffer.concat([
    pdv(1, 'com'),
    pdv(3, 'mand'),
    pdv(0, 'da'),
    pdv(0, ''),
    pdv(2, 'ta'),
  ])
  const head = Buffer.from([4, 0, 0, 0, 0, body.length])
  stream.push(Buffer.concat([head, body]))
  t.same(recorder.whole, [
    { contextId: 1, isCommand: true, bytes: Buffer.from('command').toString('hex') },
    { contextId: 1, isCommand: false, bytes: Buffer.from('data').toString('hex') },
  ])
  t.end()
})

t.test('a listener that stops the stream gets the rest when it asks again', (t) => {
  const wire = Buffer.concat(
    ['one', 'two'].map((text) =>
      encodeDataTransfer({ contextId: 1, isCommand: false, bytes: Buffer.from(text) }, 100),
    ),
  )
  const recorder = new Recorder()
  const stream = new PduStream(recorder, 4096)
  recorder.atEnd = () => {
    stream.stop()
  }
  const consumed = stream.push(wire)
  t.equal(consumed, wire.length / 2)
  t.equal(recorder.whole.length, 1)
  t.equal(stream.push(wire.subarray(consumed)), wire.length / 2)
  t.equal(recorder.whole.length, 2)
  t.end()
})

t.test('lengths that cannot be are refused before anything is kept', (t) => {
  const cases: [string, string, RegExp][] = [
    ['a P-DATA-TF of 4 GiB', '0400ffffffff', /P-DATA-TF of 4294967295/],
    ['a P-DATA-TF one byte longer than announced', '040000001001', /P-DATA-TF of 4097/],
    ['a P-DATA-TF without a fragment', '040000000000', /without a fragment/],
    ['a fragment shorter than its header', '04000000000a000000010103aabbccdd', /fragment of 1 /],
    ['a fragment longer than its PDU', '04000000000a000000090103aabbccdd', /fragment of 9 /],
    ['bytes behind the last fragment', '04000000000a000000040103aabbccdd', /2 bytes behind/],
    ['an A-ASSOCIATE-RQ of 4 GiB', '0100ffffffff', /type 1 with 4294967295/],
    ['a release with contents', '050000000005', /type 5/],
    ['an abort without contents', '070000000000', /type 7/],
    ['a PDU of an unknown type', '080000000004', /type 8/],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n').toString('hex'), /type 71/],
    ['a TLS ClientHello', '160301020001000001fc0303', /type 22/],
  ]
  for (const [what, hex, message] of cases) {
    const stream = new PduStream(new Recorder(), 4096)
    t.throws(
      () => stream.push(Buffer.from(hex, 'hex')),
      { code: 'E_DICOM_PROTOCOL', message },
      what,
    )
  }
  t.end()
})

t.test('an association request that lies about its lengths is refused', (t) => {
  const head = Buffer.concat([Buffer.from([0, 1, 0, 0]), Buffer.alloc(64, 0x20)])
  const read = (...items: string[]) =>
    readControlPdu(1, Buffer.concat([head, Buffer.from(items.join(''), 'hex')]))
  const uid65 = '31'.repeat(pduLimits.maxUidBytes + 1)
  const cases: [string, string][] = [
    ['an item longer than the PDU', '1000ffff31'],
    ['an item header cut off', '100000'],
    ['a context with an even identifier', '2000000402000000'],
    ['a context twice', '20000004010000002000000401000000'],
    ['a context item that is cut', '200000020100'],
    ['a sub-item longer than its item', '200000080100000030001000'],
    ['an abstract syntax longer than a UID', `2000004b010000003000${'0043'}${uid65}`],
    ['a role selection with a SOP class longer than itself', '5000000654000002ffff'],
    ['a maximum length of two bytes', '50000006510000020001'],
  ]
  for (const [what, items] of cases) t.throws(() => read(items), { code: 'E_DICOM_PROTOCOL' }, what)
  t.throws(() => readControlPdu(1, head.subarray(0, 40)), { code: 'E_DICOM_PROTOCOL' })
  t.match(read('99000001ff', '10000003312e32'), { applicationContext: '1.2' }, 'unknown items pass')
  t.match(read('20000004ff000000'), { presentationContexts: [{ id: 255, transferSyntaxes: [] }] })
  t.end()
})

t.test('random bytes are refused or understood, and nothing else happens', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.uint8Array({ maxLength: 300 }),
      (type, array) => {
        try {
          readControlPdu(type, Buffer.from(array))
        } catch (error) {
          t.match(error, { code: 'E_DICOM_PROTOCOL' })
        }
      },
    ),
  )
  t.end()
})

t.test('fragments keep to the smaller of two maxima', (t) => {
  t.equal(maxFragmentBytes(16384, 131072), 16378)
  t.equal(maxFragmentBytes(0, 131072), 131066)
  t.equal(maxFragmentBytes(3, 131072), 1)
  t.same(
    encodeDataHeader({ contextId: 5, isCommand: true, isLast: true }, 10).toString('hex'),
    '040000000010' + '0000000c' + '05' + '03',
  )
  t.end()
})
