import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { PduType } from '../../src/lib/dimse/index.ts'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { missing, run } from '../fixtures/peers.ts'
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
