import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, type Socket, connect, createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { type ConnectionOptions, type TLSSocket, connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { PduType } from '../../src/lib/dimse/index.ts'
import { RawPeer, implicit } from '../commitment/raw-peer.ts'
import { CT_IMAGE_STORAGE, ctElements, ctImage, dataSetBytes } from '../fixtures/dicom-writer.ts'
import { associateRq } from '../fixtures/odd-client.ts'
import { missing, run } from '../fixtures/peers.ts'
import { residentBytes } from '../fixtures/process-memory.ts'
import { Peer } from '../dimse/peer.ts'
import { Scp, newDataDir } from './scp.ts'

const peers = { skip: missing('storescu', 'echoscu', 'openssl') }

/** A self-signed certificate is its own authority: who has it, is let in. */
async function certificate(folder: string, name: string) {
  const files = { key: join(folder, `${name}.key`), cert: join(folder, `${name}.crt`) }
  const subject = ['-subj', `/CN=${name}`, '-days', '2', '-nodes', '-newkey', 'rsa:2048']
  await run('openssl', ['req', '-x509', ...subject, '-keyout', files.key, '-out', files.cert])
  return files
}

t.test(
  'with TLS, a sender with a certificate of the client CA is let in, no other',
  peers,
  async (t) => {
    const dataDir = newDataDir(t)
    const folder = join(dataDir, 'tls')
    mkdirSync(folder)
    const [own, scanner, stranger] = await Promise.all(
      ['fiona', 'scanner', 'stranger'].map((name) => certificate(folder, name)),
    )
    if (own === undefined || scanner === undefined || stranger === undefined)
      throw new Error('none')
    const config = join(dataDir, 'fiona.yaml')
    const tls = {
      certFile: 'tls/fiona.crt',
      keyFile: 'tls/fiona.key',
      clientCaFile: 'tls/scanner.crt',
    }
    writeFileSync(config, JSON.stringify({ receiver: { tls } }))
    const scp = await Scp.start(t, { dataDir, args: ['--config', config] })
    const address = ['127.0.0.1', String(scp.port)]
    const file = join(folder, 'ct.dcm')
    writeFileSync(file, ctImage({ rows: 512, columns: 512 }))

    const good = ['+tls', scanner.key, scanner.cert, '+cf', own.cert]
    const sent = await run('storescu', [...good, ...address, file])
    t.equal(sent.code, 0, sent.stderr)
    t.equal((await scp.recorded(1)).length, 1)
    const wrong = ['+tls', stranger.key, stranger.cert, '+cf', own.cert]
    t.not((await run('echoscu', [...wrong, ...address])).code, 0, 'another certificate')
    t.not((await run('echoscu', ['+tla', '+cf', own.cert, ...address])).code, 0, 'no certificate')
    t.not((await run('echoscu', address)).code, 0, 'no TLS')

    const silent = connect(scp.port, '127.0.0.1')
    await once(silent, 'connect')
    t.equal((await run('echoscu', [...good, ...address])).code, 0, 'beside a silent connection')
    silent.destroy()
    t.equal(await scp.end('SIGTERM'), 0)
  },
)

t.test(
  'the door for performed procedure steps asks for the same certificates',
  peers,
  async (t) => {
    const dataDir = newDataDir(t)
    const [own, scanner] = await Promise.all(
      ['fiona', 'scanner'].map((name) => certificate(dataDir, name)),
    )
    if (own === undefined || scanner === undefined) throw new Error('none')
    const config = join(dataDir, 'fiona.yaml')
    const tls = { certFile: own.cert, keyFile: own.key, clientCaFile: scanner.cert }
    writeFileSync(config, JSON.stringify({ receiver: { tls } }))
    const { port } = await Scp.start(t, { tool: 'fiona-mpps', dataDir, config })
    const good = ['+tls', scanner.key, scanner.cert, '+cf', own.cert]
    t.equal((await run('echoscu', [...good, '127.0.0.1', String(port)])).code, 0)
    t.not((await run('echoscu', ['127.0.0.1', String(port)])).code, 0, 'no TLS')
    const { code } = await run('echoscu', ['+tla', '+cf', own.cert, '127.0.0.1', String(port)])
    t.not(code, 0, 'no certificate')
  },
)

t.test('a certificate that cannot be read ends it at the start', async (t) => {
  const dataDir = newDataDir(t)
  const config = join(dataDir, 'fiona.yaml')
  writeFileSync(join(dataDir, 'junk'), 'junk')
  const start = (certFile: string) => {
    writeFileSync(config, JSON.stringify({ receiver: { tls: { certFile, keyFile: 'junk' } } }))
    return run('fiona-scp', ['--config', config, '--port', '0', '--data-dir', dataDir])
  }
  t.match(await start('nowhere.crt'), { code: 78, stderr: /receiver\.tls\.certFile: .*ENOENT/ })
  t.match(await start('junk'), { code: 78, stderr: /^error: receiver\.tls: / })
})

t.test('a TLS sender on the plain port is told that nobody understands it', async (t) => {
  const scp = await Scp.start(t)
  const peer = await Peer.connect(scp.port)
  peer.send(Buffer.from('16030100010100', 'hex'))
  t.match(await peer.next(), { type: PduType.Abort })
})

/** A receiver that takes TLS only, from whoever comes. */
async function secured(t: Test, args: readonly string[] = []): Promise<Scp> {
  const dataDir = newDataDir(t)
  const { cert, key } = await certificate(dataDir, 'fiona')
  const config = join(dataDir, 'fiona.yaml')
  writeFileSync(config, JSON.stringify({ receiver: { tls: { certFile: cert, keyFile: key } } }))
  return Scp.start(t, { dataDir, args: ['--config', config, ...args] })
}

const trusting = { host: '127.0.0.1', rejectUnauthorized: false }
const images = [{ id: 3, abstractSyntax: CT_IMAGE_STORAGE, transferSyntax: implicit }]

/** C-STORE by TLS from a client that does everything right. @returns its status */
async function goodSecureStore({ port }: Scp): Promise<number> {
  const peer = await RawPeer.associated(port, { contexts: images, tls: trusting })
  const dataSet = dataSetBytes(ctElements(), { explicitVR: false })
  const status = await peer.store(3, CT_IMAGE_STORAGE, '2.25.30011', dataSet)
  await peer.release()
  return status
}

/** What a client of TLS says first. */
async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connectTls({ ...trusting, port: (server.address() as AddressInfo).port })
  client.on('error', () => undefined)
  const [socket] = (await once(server, 'connection')) as [Socket]
  const [hello] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  client.destroy()
  server.close()
  return hello
}

const openFiles = ({ child }: Scp): number => readdirSync(`/proc/${String(child.pid)}/fd`).length

t.test(
  'SEC-11, SEC-12: crowds within a TLS handshake and behind it are bounded in number, time and memory',
  { skip: missing('openssl') },
  async (t) => {
    const scp = await secured(t, ['--idle-seconds', '3'])
    t.equal(await goodSecureStore(scp), 0)
    const before = openFiles(scp)
    const hello = await clientHello()
    const crowd: Socket[] = []
    const among = <One extends Socket>(socket: One): One => {
      socket.on('error', () => undefined)
      socket.resume()
      crowd.push(socket)
      return socket
    }
    const plain = async (...says: readonly Buffer[]): Promise<Socket> => {
      const socket = among(connect(scp.port, '127.0.0.1'))
      await once(socket, 'connect')
      for (const bytes of says) socket.write(bytes)
      return socket
    }
    const secure = async (...says: readonly Buffer[]): Promise<void> => {
      const socket = among(connectTls({ ...trusting, port: scp.port }))
      await once(socket, 'secureConnect')
      for (const bytes of says) socket.write(bytes)
      if (says.length > 0) await once(socket, 'data')
    }
    const times = (count: number, one: () => Promise<unknown>): Promise<unknown> =>
      Promise.all(Array.from({ length: count }, one))
    await times(40, () => secure())
    await times(40, () => secure(associateRq()))
    await times(20, () => plain(Buffer.from('GET / HTTP/1.1\r\n\r\n')))
    await times(20, async () => {
      const socket = await plain(hello)
      await once(socket, 'data')
      socket.resetAndDestroy()
    })
    await times(300, () => plain())
    await times(150, () => plain(hello.subarray(0, 100)))
    await times(150, () => plain(hello))
    const dripping = await plain()
    let at = 0
    const drip = setInterval(() => dripping.write(hello.subarray(at, ++at)), 300)
    t.teardown(() => {
      clearInterval(drip)
    })
    // Of 601 within their handshake the last 500 stay, for their three seconds, and 80 are through.
    t.ok(openFiles(scp) - before <= 600, `${String(openFiles(scp) - before)} connections`)
    t.equal(await goodSecureStore(scp), 0)
    t.equal(await goodSecureStore(scp), 0)
    for (const socket of crowd) if (!socket.closed) await once(socket, 'close')
    while (openFiles(scp) > before) await new Promise((resolve) => setTimeout(resolve, 20))
    const peak = residentBytes(scp.child.pid, 'peak')
    t.ok(peak < 200e6, `${String(Math.round(peak / 1e6))} MB at most`)
    t.same(scp.incoming(), [])
    t.equal(await goodSecureStore(scp), 0)
    // Whoever looks into the log sees who it was, and what became of each.
    const away = scp.log.filter(({ msg }) => msg === 'connection turned away')
    t.ok(away.every(({ address }) => address === '127.0.0.1'))
    const of = (reason: string): number => away.filter((line) => line['reason'] === reason).length
    const stopped = of('made room for others') + of('TLS: ERR_TLS_HANDSHAKE_TIMEOUT')
    t.equal(stopped, 601, 'of those that stop within it, each')
    t.equal(of('TLS: ERR_SSL_HTTP_REQUEST'), 20)
    t.equal(of('it went within the TLS handshake'), 20)
    t.equal(of('no association request in time'), 40)
  },
)

t.test(
  'BCP 195: TLS 1.2 and 1.3 with forward secrecy, nothing older or weaker, no renegotiation',
  { skip: missing('openssl') },
  async (t) => {
    const scp = await secured(t)
    const shaken = async (options: ConnectionOptions): Promise<TLSSocket | string> => {
      const socket = connectTls({ ...trusting, port: scp.port, ...options })
      return new Promise((resolve) => {
        socket.once('secureConnect', () => {
          resolve(socket)
        })
        socket.on('error', (error: NodeJS.ErrnoException) => {
          resolve(error.code ?? error.message)
        })
      })
    }
    const agreed = async (options: ConnectionOptions): Promise<string | null> => {
      const socket = await shaken(options)
      if (typeof socket === 'string') return socket
      const words = `${String(socket.getProtocol())} ${socket.getCipher().name}`
      socket.destroy()
      return words
    }
    t.match(await agreed({}), /^TLSv1\.3 TLS_AES_/)
    const older = { maxVersion: 'TLSv1.2' } as const
    for (const ciphers of ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES256-GCM-SHA384']) {
      t.equal(await agreed({ ...older, ciphers }), `TLSv1.2 ${ciphers}`)
    }
    for (const ciphers of ['AES128-GCM-SHA256', 'AES256-SHA', 'ECDHE-RSA-AES128-SHA256']) {
      t.match(await agreed({ ...older, ciphers }), /HANDSHAKE_FAILURE/, ciphers)
    }
    const oldest = {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL@SECLEVEL=0',
    } as const
    t.match(await agreed(oldest), /PROTOCOL_VERSION/)

    const socket = await shaken(older)
    if (typeof socket === 'string') throw new Error(socket)
    const refused = once(socket, 'error')
    socket.renegotiate({}, () => undefined)
    t.match(await refused, [{ code: /NO_RENEGOTIATION/ }])
    socket.destroy()
    t.equal(await goodSecureStore(scp), 0)
  },
)
