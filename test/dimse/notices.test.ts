// Requests of the accepting side on an association that the peer opened.
import { once } from 'node:events'
import t, { type Test } from 'tap'
import {
  type Answer,
  CommandField,
  type CommandSet,
  DicomServer,
  type DicomServerOptions,
  Draining,
  type Notice,
  type Operation,
  PduType,
  type ServiceProvider,
  Status,
  acceptAssociation,
  echoRequest,
  responseTo,
} from '../../src/lib/dimse/index.ts'
import { Peer, commandPdus, dataPdus } from './peer.ts'

const texts = ['012345', '6789']
const notice: Notice = {
  contextId: 1,
  SOPClassUID: '2.25.3',
  SOPInstanceUID: '2.25.4',
  EventTypeID: 2,
  dataSet: {
    async *[Symbol.asyncIterator]() {
      for (const text of texts) yield Buffer.from(text)
    },
  },
}

/** Answers C-ECHO when a test says so, and hands out the way back. */
class Echoing implements ServiceProvider {
  readonly operations: Operation[] = []
  answerWhen: Promise<void> = Promise.resolve()
  #arrived: (() => void) | undefined

  associate(request: Parameters<ServiceProvider['associate']>[0]) {
    return acceptAssociation(request, {
      maxPduBytes: 16384,
      implementationClassUID: '2.25.1',
      implementationVersionName: 'TEST',
      choose: (_, [transferSyntax = '']) => ({ transferSyntax }),
    })
  }

  consume() {
    return new Draining({ status: Status.success })
  }

  async perform(operation: Operation): Promise<Answer> {
    this.operations.push(operation)
    this.#arrived?.()
    await this.answerWhen
    return { status: Status.success }
  }

  async arrived(count: number): Promise<Operation> {
    while (this.operations.length < count) {
      await new Promise<void>((resolve) => (this.#arrived = resolve))
    }
    const last = this.operations[count - 1]
    if (last === undefined) throw new Error('no operation')
    return last
  }
}

async function serve(t: Test, options: Partial<DicomServerOptions> = {}) {
  const provider = new Echoing()
  const server = await DicomServer.listen(
    provider,
    {},
    {
      port: 0,
      host: '127.0.0.1',
      maxPduBytes: 16384,
      idleMs: 60_000,
      handshakeMs: 60_000,
      ...options,
    },
  )
  t.teardown(() => server.stop(0))
  return { provider, server, peer: await Peer.associated(server.port) }
}

const patient = new AbortController().signal
const answerTo = (command: CommandSet, answer: Answer = { status: 0 }): Buffer =>
  Buffer.concat([
    commandPdus(responseTo(command, answer)),
    ...(answer.dataSet === undefined ? [] : [dataPdus(answer.dataSet)]),
  ])

t.test(
  'a notice waits for the answer to what the peer asked, and never comes before it',
  async (t) => {
    const { provider, peer } = await serve(t)
    let answer = (): void => undefined
    provider.answerWhen = new Promise((resolve) => (answer = resolve))
    peer.send(commandPdus(echoRequest(1)))
    const { wayBack } = await provider.arrived(1)
    const response = wayBack.notify(notice, patient)
    answer()
    t.match((await peer.message()).command, { CommandField: CommandField.CEchoResponse })
    const heard = await peer.message()
    t.match(heard.command, {
      CommandField: CommandField.NEventReportRequest,
      AffectedSOPClassUID: '2.25.3',
      AffectedSOPInstanceUID: '2.25.4',
      EventTypeID: 2,
      CommandDataSetType: 1,
    })
    t.equal(heard.dataSet?.toString(), texts.join(''))
    peer.send(answerTo(heard.command))
    t.match(await response, { Status: 0, EventTypeID: 2 })
    await peer.release()
  },
)

t.test('a peer within a message, or in an operation, is not asked in between', async (t) => {
  const { provider, peer } = await serve(t)
  peer.send(commandPdus(echoRequest(1)))
  const { wayBack } = await provider.arrived(1)
  await peer.message()
  // The first half of a command: the rest comes when the notice would have been sent long ago.
  const echo = commandPdus(echoRequest(2), 1, 20)
  const half = Buffer.from(echo.subarray(0, 32))
  peer.send(half)
  const response = wayBack.notify(notice, patient)
  const sent = once(peer.socket, 'data')
  const early = await Promise.race([sent.then(() => 'sent'), later(500)])
  t.equal(early, 'nothing')
  peer.send(echo.subarray(32))
  t.match((await peer.message()).command, { CommandField: CommandField.CEchoResponse })
  const heard = await peer.message()
  t.match(heard.command, { CommandField: CommandField.NEventReportRequest })
  peer.send(answerTo(heard.command))
  await response
  await peer.release()
})

t.test('one notice at a time; an answer may have a data set', async (t) => {
  const { provider, peer } = await serve(t)
  peer.send(commandPdus(echoRequest(1)))
  const { wayBack } = await provider.arrived(1)
  await peer.message()
  const [first, second] = [wayBack.notify(notice, patient), wayBack.notify(notice, patient)]
  const one = await peer.message()
  // The peer may have operations of its own meanwhile; their answers are all that comes.
  peer.send(commandPdus(echoRequest(2)))
  t.match((await peer.message()).command, { CommandField: CommandField.CEchoResponse })
  peer.send(answerTo(one.command, { status: 0x0112, dataSet: Buffer.alloc(70_000) }))
  t.match(await first, { Status: 0x0112 })
  const two = await peer.message()
  t.not(two.command.MessageID, one.command.MessageID)
  peer.send(answerTo(two.command))
  t.match(await second, { Status: 0 })
  await peer.release()
})

t.test('whoever waits hears that the association is over', async (t) => {
  const { provider, peer } = await serve(t)
  peer.send(commandPdus(echoRequest(1)))
  const { wayBack } = await provider.arrived(1)
  await peer.message()
  t.equal(wayBack.isOpen, true)
  const [sent, queued] = [wayBack.notify(notice, patient), wayBack.notify(notice, patient)]
  const ends = Promise.allSettled([sent, queued])
  await peer.message()
  // A release crosses the notice: it is answered, and the notice is not (PS3.8 9.2, AR-2 and AR-4).
  peer.send({ type: PduType.ReleaseRequest })
  t.match(await peer.next(), { type: PduType.ReleaseResponse })
  const lost = { status: 'rejected', reason: { code: 'E_ASSOCIATION_ABORTED', retryable: true } }
  t.match(await ends, [lost, lost])
  t.equal(wayBack.isOpen, false)
  await t.rejects(wayBack.notify(notice, patient), { code: 'E_ASSOCIATION_ABORTED' })
  peer.socket.destroy()
})

t.test('who stops waiting frees the others; a late answer harms nobody', async (t) => {
  const { provider, peer } = await serve(t)
  peer.send(commandPdus(echoRequest(1)))
  const { wayBack } = await provider.arrived(1)
  await peer.message()
  const impatient = new AbortController()
  const sent = wayBack.notify(notice, impatient.signal)
  const queued = wayBack.notify(notice, impatient.signal)
  const third = wayBack.notify(notice, patient)
  const ends = Promise.allSettled([sent, queued])
  const first = await peer.message()
  impatient.abort(new Error('enough'))
  const given = { status: 'rejected', reason: { message: 'enough' } }
  t.match(await ends, [given, given])
  await t.rejects(wayBack.notify(notice, impatient.signal), { message: 'enough' })
  peer.send(answerTo(first.command))
  const next = await peer.message()
  peer.send(answerTo(next.command))
  t.match(await third, { Status: 0 })
  await peer.release()
})

t.test('an answer to nothing, or twice, ends the association', async (t) => {
  const { provider, peer } = await serve(t)
  peer.send(commandPdus(echoRequest(1)))
  const { wayBack } = await provider.arrived(1)
  await peer.message()
  const response = wayBack.notify(notice, patient)
  const { command } = await peer.message()
  peer.send(answerTo(command))
  await response
  peer.send(answerTo(command))
  t.match(await peer.next(), { type: PduType.Abort })
  peer.socket.destroy()
})

/** Blocks of 64 KiB, and how many were asked for. */
function countedBlocks(count: number) {
  const counted = { asked: 0 }
  const dataSet = {
    async *[Symbol.asyncIterator]() {
      for (; counted.asked < count; counted.asked++) yield Buffer.alloc(1 << 16, counted.asked)
    },
  }
  return { counted, notice: { ...notice, dataSet } }
}

t.test('a long notice is made while it goes out, as fast as the peer takes it', async (t) => {
  const { provider, peer } = await serve(t)
  peer.send(commandPdus(echoRequest(1)))
  const { wayBack } = await provider.arrived(1)
  await peer.message()
  peer.socket.pause()
  // More than the buffers of two sockets.
  const blocks = 400
  const { counted, notice: long } = countedBlocks(blocks)
  const response = wayBack.notify(long, patient)
  // What the peer says meanwhile is dealt with behind it.
  for (let before = -1; before !== counted.asked || before === 0;) {
    before = counted.asked
    await later(300)
  }
  t.ok(counted.asked < blocks, `${String(counted.asked)} blocks made for a peer that takes none`)
  peer.send(commandPdus(echoRequest(2)))
  peer.socket.resume()
  const { command, dataSet } = await peer.message()
  t.equal(dataSet?.length, blocks << 16)
  for (let at = 0; at < blocks; at++) {
    const block = dataSet?.subarray(at << 16, (at + 1) << 16)
    if (block?.equals(Buffer.alloc(1 << 16, at)) !== true) t.fail(`block ${String(at)}`)
  }
  t.match((await peer.message()).command, { CommandField: CommandField.CEchoResponse })
  peer.send(answerTo(command))
  t.match(await response, { Status: 0 })
  await peer.release()
})

t.test('a peer that does not take a notice is not waited for longer than others', async (t) => {
  const { provider, peer } = await serve(t, { idleMs: 400 })
  peer.send(commandPdus(echoRequest(1)))
  const { wayBack } = await provider.arrived(1)
  await peer.message()
  peer.socket.pause()
  const { notice: long } = countedBlocks(1000)
  await t.rejects(wayBack.notify(long, patient), { code: 'E_ASSOCIATION_ABORTED' })
  t.equal(wayBack.isOpen, false)
  peer.socket.destroy()
})

t.test('half a notice whose rest cannot be made is ended by A-ABORT', async (t) => {
  const { provider, peer } = await serve(t)
  peer.send(commandPdus(echoRequest(1)))
  const { wayBack } = await provider.arrived(1)
  await peer.message()
  const dataSet = {
    async *[Symbol.asyncIterator]() {
      yield* [Buffer.alloc(8), Buffer.alloc(8)]
      throw new Error('no more')
    },
  }
  const lost = t.rejects(wayBack.notify({ ...notice, dataSet }, patient), {
    code: 'E_ASSOCIATION_ABORTED',
  })
  let heard = await peer.next()
  while (heard !== 'closed' && heard.type === 'command') heard = await peer.next()
  t.match(heard, { type: PduType.Abort })
  await lost
  peer.socket.destroy()
})

t.test('whoever waits for what we owe it is not idle', async (t) => {
  const { provider, peer } = await serve(t, { idleMs: 100 })
  peer.send(commandPdus(echoRequest(1)))
  const { wayBack } = await provider.arrived(1)
  await peer.message()
  let pay = (): void => undefined
  wayBack.owe(new Promise((resolve) => (pay = resolve)))
  const next = peer.next()
  t.equal(await Promise.race([next, later(500)]), 'nothing')
  pay()
  t.match(await next, { type: PduType.Abort }, 'then it is')
  peer.socket.destroy()
})

function later(ms: number): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, ms, 'nothing'))
}
