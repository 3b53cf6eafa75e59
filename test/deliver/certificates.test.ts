// Who we are, and who the destination is, by certificates.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { CertificateAuthority, contentsOf } from '../fixtures/certificate-authority.ts'
import { freePort, missing, start } from '../fixtures/peers.ts'
import { WebPeer } from './carriers/stow/web-peer.ts'
import { configuration, filesBelow, send, type Sent } from './sending.ts'
import { makeStudy, temporary } from './studies.ts'

const skip = missing('openssl', 'storescp')
const authority = skip === false ? new CertificateAuthority(temporary()) : undefined
const serves = authority?.issue('localhost')
const expired = authority?.issue('expired.localhost', { isExpired: true })
const ours = authority?.issue('fiona')
const caFile = authority?.caFile

const firstTry = { max: 0 }
/** storescp may not listen yet. */
const until = { max: 100, delaySeconds: 0.1, multiplier: 1 }

function sendTo(url: string, more: object): Promise<Sent> {
  const config = configuration({
    projects: { ABCD: { destinations: ['far'] } },
    destinations: { far: { url, concurrency: 1, ...more } },
  })
  return send(['--config', config], [makeStudy().record])
}

async function storescp(t: Test, args: readonly string[]): Promise<{ port: number; into: string }> {
  const into = join(temporary(), 'in')
  mkdirSync(into)
  const port = await freePort()
  const scp = start('storescp', [...args, '-od', into, String(port)])
  t.teardown(() => scp.kill())
  return { port, into }
}

t.test('dicoms: a destination that wants to know who we are', { skip }, async (t) => {
  const tls = ['+tls', serves?.keyFile ?? '', serves?.certFile ?? '', '+cf', caFile ?? '', '-rc']
  const { port, into } = await storescp(t, tls)
  const url = `dicoms://SCP@localhost:${String(port)}`
  const known = await sendTo(url, { caFile, ...ours, retry: until })
  t.match(known.records, [{ status: 'sent', instances: { sent: 3 } }], known.stderr)
  t.equal(filesBelow(into).length, 3)
  const unknown = await sendTo(url, { caFile, retry: firstTry })
  t.equal(unknown.code, 1)
  t.match(unknown.records[0], { type: 'transfer', status: 'refused', instances: { sent: 0 } })
  // Its alert is lost where it resets the connection before we have read it.
  const words = /no secure connection .*ALERT|connection lost \(E|it closed the connection/
  t.match(unknown.records[1], { type: 'error', retryable: true, message: words })
  t.equal(filesBelow(into).length, 3)
})

t.test('dicoms: a certificate that has expired', { skip }, async (t) => {
  const tls = ['+tls', expired?.keyFile ?? '', expired?.certFile ?? '', '-ic']
  const { port, into } = await storescp(t, tls)
  const sent = await sendTo(`dicoms://SCP@localhost:${String(port)}`, {
    caFile,
    retry: { ...until, max: 3 },
  })
  t.equal(sent.code, 1)
  t.match(sent.records[1], { code: 'E_TLS', message: /CERT_HAS_EXPIRED/ })
  t.same(filesBelow(into), [])
})

const stow = async (t: Test, tls: object): Promise<{ peer: WebPeer; url: string }> => {
  const peer: WebPeer = await WebPeer.listen(
    (_number, posted, answer) => {
      peer.tell(posted, answer)
    },
    { tls },
  )
  t.teardown(() => peer.close())
  return { peer, url: `https://localhost:${String(peer.port)}/web` }
}

t.test('https: a service that wants to know who we are', { skip }, async (t) => {
  if (serves === undefined || caFile === undefined) throw new Error('no certificates')
  const ca = readFileSync(caFile)
  const { peer, url } = await stow(t, { ...contentsOf(serves), ca, requestCert: true })
  const known = await sendTo(url, { caFile, ...ours, retry: firstTry })
  t.match(known.records, [{ status: 'sent', instances: { sent: 3 } }], known.stderr)
  const unknown = await sendTo(url, { caFile, retry: firstTry })
  t.equal(unknown.code, 1)
  t.equal(unknown.records[1]?.['code'], 'E_TLS', JSON.stringify(unknown.records[1]))
  t.equal(peer.stored.size, 3)
})

t.test('https: a certificate that has expired', { skip }, async (t) => {
  if (expired === undefined) throw new Error('no certificates')
  const { peer, url } = await stow(t, contentsOf(expired))
  const sent = await sendTo(url, { caFile, retry: firstTry })
  t.match(sent.records[1], { code: 'E_TLS', message: /CERT_HAS_EXPIRED/ })
  t.equal(peer.stored.size, 0)
})
