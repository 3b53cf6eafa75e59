import { once } from 'node:events'
import { deflateRawSync } from 'node:zlib'
import t, { type Test } from 'tap'
import {
  type Answer,
  ByteBudget,
  type CollectOptions,
  CommandField,
  type CommandSet,
  DataSetCollector,
  DicomServer,
  type Operation,
  type ServiceProvider,
  Status,
  acceptAssociation,
  chooseReadableSyntax,
} from '../../src/lib/dimse/index.ts'
import type { DicomFile } from '../../src/lib/dicom/index.ts'
import { dataSetBytes, el, sq, syntax } from '../fixtures/dicom-writer.ts'
import { Peer, commandPdus, dataPdus } from './peer.ts'

const MPPS = '1.2.840.10008.3.1.2.3.3'
const patientName = 0x00100010

/** Takes N-CREATE, N-SET and N-ACTION, and remembers whose data sets it saw. */
class Collecting implements ServiceProvider {
  readonly seen: (string | undefined)[] = []
  readonly #options: CollectOptions
  readonly #answer: (dataSet: DicomFile, operation: Operation) => Answer | Promise<Answer>

  constructor(
    options: Partial<CollectOptions> = {},
    answer: (dataSet: DicomFile, operation: Operation) => Answer | Promise<Answer> = () => ({
      status: Status.success,
    }),
  ) {
    this.#options = { maxBytes: 60_000, maxParts: 1000, ...options }
    this.#answer = answer
  }

  associate(request: Parameters<ServiceProvider['associate']>[0]) {
    return acceptAssociation(request, {
      maxPduBytes: 16384,
      implementationClassUID: '2.25.1',
      implementationVersionName: 'TEST',
      choose: (_, syntaxes) => chooseReadableSyntax(syntaxes),
    })
  }

  consume(operation: Operation) {
    return new DataSetCollector(operation, this.#options, (dataSet) => {
      this.seen.push(dataSet.string(dataSet.dataSet, patientName))
      return this.#answer(dataSet, operation)
    })
  }

  perform(): Answer {
    return { status: Status.unrecognizedOperation }
  }
}

async function serve(t: Test, provider: Collecting): Promise<DicomServer> {
  const server = await DicomServer.listen(
    provider,
    {},
    { port: 0, host: '127.0.0.1', maxPduBytes: 16384, idleMs: 60_000, handshakeMs: 60_000 },
  )
  t.teardown(() => server.stop(0))
  return server
}

function associated(
  server: DicomServer,
  transferSyntax: string = syntax.explicit,
  maxPduLength = 16384,
): Promise<Peer> {
  return Peer.associated(server.port, {
    presentationContexts: [{ id: 1, abstractSyntax: MPPS, transferSyntaxes: [transferSyntax] }],
    userInformation: { maxPduLength, implementationClassUID: '2.25.7' },
  })
}

const create: CommandSet = {
  AffectedSOPClassUID: MPPS,
  CommandField: CommandField.NCreateRequest,
  MessageID: 7,
  CommandDataSetType: 1,
  AffectedSOPInstanceUID: '2.25.5',
}
const action: CommandSet = {
  RequestedSOPClassUID: MPPS,
  CommandField: CommandField.NActionRequest,
  MessageID: 8,
  CommandDataSetType: 1,
  RequestedSOPInstanceUID: '2.25.6',
  ActionTypeID: 1,
}
const named = (name: string) => el(patientName, 'PN', name)

/** Sends one request, and what came back. */
async function ask(peer: Peer, dataSet: Buffer, command = create) {
  peer.send(Buffer.concat([commandPdus(command), dataPdus(dataSet)]))
  return peer.message()
}

t.test('a data set comes parsed, in each transfer syntax that can be read', async (t) => {
  const provider = new Collecting()
  const server = await serve(t, provider)
  const encodings = {
    [syntax.implicit]: dataSetBytes([named('Implicit')], { explicitVR: false }),
    [syntax.explicit]: dataSetBytes([named('Explicit')]),
    [syntax.bigEndian]: dataSetBytes([named('Big')], { littleEndian: false }),
    [syntax.deflated]: deflateRawSync(dataSetBytes([named('Deflated')])),
  }
  for (const [transferSyntax, dataSet] of Object.entries(encodings)) {
    const peer = await associated(server, transferSyntax)
    const { command } = await ask(peer, dataSet)
    t.match(command, { Status: Status.success, MessageIDBeingRespondedTo: 7 }, transferSyntax)
    await peer.release()
  }
  t.same(provider.seen, ['Implicit', 'Explicit', 'Big', 'Deflated'])
})

t.test('a context is accepted with the first syntax that can be read, or not at all', (t) => {
  const { jpegBaseline, implicit, explicit, deflated } = syntax
  t.same(chooseReadableSyntax([jpegBaseline, explicit, implicit]), { transferSyntax: explicit })
  t.same(chooseReadableSyntax([deflated, implicit]), { transferSyntax: deflated })
  t.same(chooseReadableSyntax([jpegBaseline]), 'transferSyntaxesNotSupported')
  t.same(chooseReadableSyntax([]), 'transferSyntaxesNotSupported')
  t.end()
})

t.test('a response carries a data set, and the instance UID that we chose', async (t) => {
  const reply = dataSetBytes([el(0x00081195, 'UI', '2.25.10'), named('x'.repeat(5000))])
  const provider = new Collecting({}, () => ({
    status: Status.success,
    SOPInstanceUID: '2.25.99',
    dataSet: reply,
  }))
  const server = await serve(t, provider)
  // Peers that take everything, hardly anything, and fragments of odd length.
  for (const maxPduLength of [0, 128, 105]) {
    const peer = await associated(server, syntax.explicit, maxPduLength)
    const unnamed = { ...create, AffectedSOPInstanceUID: '' }
    const answer = await ask(peer, dataSetBytes([named('A')]), unnamed)
    t.match(answer.command, {
      CommandField: CommandField.NCreateResponse,
      AffectedSOPClassUID: MPPS,
      AffectedSOPInstanceUID: '2.25.99',
      CommandDataSetType: 1,
      Status: 0,
    })
    t.same(answer.dataSet, reply, `PDUs of ${String(maxPduLength)}`)
    await peer.release()
  }
})

t.test('responses repeat the action type and name the attributes in question', async (t) => {
  const provider = new Collecting({}, () => ({
    status: Status.missingAttribute,
    attributeIdentifiers: [0x00400252, 0x00400244],
  }))
  const server = await serve(t, provider)
  const peer = await associated(server)
  const answer = await ask(peer, dataSetBytes([named('A')]), action)
  t.match(answer.command, {
    CommandField: CommandField.NActionResponse,
    AffectedSOPClassUID: MPPS,
    AffectedSOPInstanceUID: '2.25.6',
    CommandDataSetType: 0x0101,
    ActionTypeID: 1,
    AttributeIdentifierList: [0x00400252, 0x00400244],
    Status: 0x0120,
  })
  t.notHas(answer, { dataSet: Buffer })
  await peer.release()
})

t.test('what is too long, damaged or a bomb is refused, and the association goes on', async (t) => {
  const provider = new Collecting()
  const server = await serve(t, provider)
  const peer = await associated(server)
  const good = dataSetBytes([named('Good')])
  const many = dataSetBytes([
    sq(
      0x00081199,
      Array.from({ length: 1001 }, () => []),
    ),
  ])
  const cases: readonly [Buffer, CommandSet, number, string][] = [
    [dataSetBytes([named('A'.repeat(65_000))]), create, 0x0213, 'longer than the limit'],
    [many, create, 0x0213, 'more items than the limit'],
    [good.subarray(0, -2), create, Status.invalidAttributeValue, 'cut off'],
    [Buffer.from('nothing of DICOM at all.'), create, Status.invalidAttributeValue, 'text'],
    [good.subarray(0, -2), action, Status.invalidArgumentValue, 'cut off, of an action'],
  ]
  for (const [dataSet, command, status, what] of cases) {
    t.equal((await ask(peer, dataSet, command)).command.Status, status, what)
    t.equal((await ask(peer, good)).command.Status, Status.success, `behind: ${what}`)
  }
  t.equal((await ask(peer, Buffer.alloc(0))).command.Status, Status.success, 'empty')
  await peer.release()
  const deflating = await associated(server, syntax.deflated)
  const bomb = deflateRawSync(dataSetBytes([el(0x7fe00010, 'OB', Buffer.alloc(50 << 20))]))
  t.ok(bomb.length < 60_000, `${String(bomb.length)} bytes`)
  t.equal((await ask(deflating, bomb)).command.Status, 0x0213)
  await deflating.release()
  t.same(provider.seen, [...cases.map(() => 'Good'), undefined])
})

t.test('memory is shared between associations, and given back however they end', async (t) => {
  const budget = new ByteBudget(64 * 1024)
  const provider = new Collecting({ budget })
  const server = await serve(t, provider)
  const half = dataSetBytes([named('A'.repeat(50_000))])
  const holder = await associated(server)
  // Half of a data set: it is held until the rest comes, or the association ends.
  const [first, rest] = [half.subarray(0, 40_000), half.subarray(40_000)]
  const lastPdu = dataPdus(first)
  const begun = Buffer.concat([commandPdus(create), withoutEnd(lastPdu)])
  holder.send(begun)
  const other = await associated(server)
  while ((await ask(other, half)).command.Status === Status.success);
  t.equal((await ask(other, half)).command.Status, 0x0213, 'while the other one holds it')
  holder.send(dataPdus(rest))
  t.equal(await holder.status(), Status.success)
  t.equal((await ask(other, half)).command.Status, Status.success, 'given back by the answer')
  holder.send(begun)
  while ((await ask(other, half)).command.Status === Status.success);
  holder.socket.destroy()
  await once(holder.socket, 'close')
  while ((await ask(other, half)).command.Status !== Status.success);
  t.pass('given back by the end of the association')
  await other.release()
})

/** The same PDUs, the last of which no longer says that it is. */
function withoutEnd(pdus: Buffer): Buffer {
  const open = Buffer.from(pdus)
  for (let at = 0; at < open.length; at += 6 + open.readUInt32BE(at + 2)) open[at + 11] = 0
  return open
}
