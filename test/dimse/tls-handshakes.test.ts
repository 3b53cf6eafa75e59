import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type Socket, connect } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import t from 'tap'
import { DicomServer, type ServiceProvider } from '../../src/lib/dimse/index.ts'
import { missing, run } from '../fixtures/peers.ts'

const provider: ServiceProvider = {
  associate: () => {
    throw new Error('nobody asks')
  },
  consume: () => {
    throw new Error('nobody asks')
  },
  perform: () => ({ status: 0 }),
}

t.test(
  'TLS handshakes that do not go on make room for who comes, and do not hold up the end',
  { skip: missing('openssl') },
  async (t) => {
    const [key, cert] = ['key', 'cert'].map((name) => join(t.testdir(), name))
    const subject = ['-subj', '/CN=x', '-days', '2', '-nodes', '-newkey', 'rsa:2048']
    await run('openssl', ['req', '-x509', ...subject, '-keyout', key ?? '', '-out', cert ?? ''])
    const server = await DicomServer.listen(
      provider,
      {},
      {
        port: 0,
        maxPduBytes: 16384,
        idleMs: 60_000,
        handshakeMs: 60_000,
        maxConnections: 10,
        tls: { key: readFileSync(key ?? ''), cert: readFileSync(cert ?? '') },
      },
    )
    const crowd: Socket[] = []
    let closed = 0
    for (let n = 0; n < 30; n++) {
      const socket = connect(server.port, '127.0.0.1')
      socket.on('error', () => undefined)
      socket.on('close', () => closed++)
      socket.resume()
      crowd.push(socket)
      await once(socket, 'connect')
    }
    while (closed < 20) await new Promise((resolve) => setTimeout(resolve, 5))
    t.equal(closed, 20, 'the first twenty had to go')
    const good = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(good, 'secureConnect')
    // With TLS 1.3 the client is through before the server has heard it.
    while (server.connections < 1) await new Promise((resolve) => setTimeout(resolve, 5))
    const goodClosed = once(good, 'close')
    good.resume()
    await server.stop(60_000)
    await goodClosed
    while (closed < 30) await new Promise((resolve) => setTimeout(resolve, 5))
  },
)
