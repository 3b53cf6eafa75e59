import { once } from 'node:events'
import { statSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { newDataDir } from '../tools/scp.ts'
import { askChain, ControlServer, controlSocket } from '../../src/lib/control/index.ts'

async function server(t: Test, folder = newDataDir(t)) {
  const asked: unknown[] = []
  const path = controlSocket(folder)
  const control = await ControlServer.open(path, async (request) => {
    asked.push(request)
    return { seen: request.do }
  })
  t.teardown(() => control[Symbol.asyncDispose]())
  return { folder, path, asked }
}

async function answerTo(path: string, bytes: string | Buffer): Promise<string> {
  const socket = connect(path)
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  socket.on('error', () => undefined)
  socket.write(bytes)
  await once(socket, 'close')
  return text
}

t.test('only its own user may open the socket, and an old one is no obstacle', async (t) => {
  const folder = newDataDir(t)
  writeFileSync(controlSocket(folder), 'left behind')
  const { path } = await server(t, folder)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.match(await askChain(folder, { do: 'status' }), { ok: true, seen: 'status' })
})

t.test('a socket that lies deeper than an address is long can be used', async (t) => {
  const long = 'x'.repeat(120)
  const folder = join(t.testdir({ [long]: {} }), long)
  await server(t, folder)
  t.match(await askChain(folder, { do: 'status' }), { ok: true })
})

t.test('what is no request is told so, and nothing is done', async (t) => {
  const { path, asked } = await server(t)
  const lines = ['', 'null', '[]', '{"do":"rm"}', '{"do":"stop","part":{}}', '\u0000\ufffd', '{']
  for (const line of lines) t.match(await answerTo(path, `${line}\n`), /"ok":false/, line)
  t.match(await answerTo(path, Buffer.alloc(10_000, 'x')), /"ok":false/, 'a line without end')
  t.same(asked, [])
})

t.test('hundreds of connections that say nothing keep nobody out for good', async (t) => {
  const { folder, path } = await server(t)
  const idle: Socket[] = []
  for (let count = 0; count < 300; count += 1) {
    idle.push(connect(path).on('error', () => undefined))
  }
  await Promise.all(idle.slice(0, 10).map((socket) => once(socket, 'connect')))
  for (const socket of idle) socket.destroy()
  let answer: unknown
  while (answer === undefined) answer = await askChain(folder, { do: 'status' })
  t.match(answer, { ok: true })
})

t.test('whoever asked for the end hears it with the process, not before', async (t) => {
  const folder = newDataDir(t)
  const path = controlSocket(folder)
  let isAsked = (): void => undefined
  const asked = new Promise<void>((resolve) => (isAsked = resolve))
  const first = await ControlServer.open(path, () => {
    isAsked()
    return new Promise(() => undefined)
  })
  const socket = connect(path)
  t.teardown(() => socket.destroy())
  socket.write('{"do":"stop"}\n')
  await asked
  await first[Symbol.asyncDispose]()
  t.equal(await askChain(folder, { do: 'status' }), undefined, 'nobody new is heard')
  await server(t, folder)
  t.match(await askChain(folder, { do: 'status' }), { ok: true }, 'the next one is')
  t.notOk(socket.destroyed || socket.readableEnded)
})

t.test('where no chain runs there is no answer', async (t) => {
  t.equal(await askChain(t.testdir(), { do: 'status' }), undefined)
})
