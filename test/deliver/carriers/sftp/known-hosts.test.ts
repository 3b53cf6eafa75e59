import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  algorithmsFor,
  judge,
  keysOf,
} from '../../../../src/lib/deliver/carriers/sftp/known-hosts.ts'

const key = Buffer.from('the key')
const text = key.toString('base64')
const hashed = (name: string): string => {
  const salt = Buffer.from('a salt of some twenty bytes')
  const hash = createHmac('sha1', salt).update(name).digest('base64')
  return `|1|${salt.toString('base64')}|${hash}`
}

t.test('a line names a server as OpenSSH would have it', (t) => {
  for (const [names, host, port, isNamed] of [
    ['host.example', 'host.example', 22, true],
    ['host.example', 'host.example', 2222, false],
    ['[host.example]:2222', 'host.example', 2222, true],
    ['a,HOST.example', 'host.example', 22, true],
    ['*.example', 'host.example', 22, true],
    ['h?st.example', 'host.example', 22, true],
    ['*.example,!host.*', 'host.example', 22, false],
    [hashed('host.example'), 'host.example', 22, true],
    [hashed('[host.example]:2222'), 'host.example', 2222, true],
    [hashed('other.example'), 'host.example', 22, false],
  ] as const) {
    const found = keysOf(`# comment\n\n${names} ssh-ed25519 ${text} somebody@somewhere`, host, port)
    t.equal(found.length, isNamed ? 1 : 0, `${names} for ${host}:${String(port)}`)
  }
  t.same(keysOf(`@cert-authority host ssh-ed25519 ${text}`, 'host', 22), [])
  t.end()
})

t.test('what a key shows', (t) => {
  const known = keysOf(`host ssh-rsa ${text}`, 'host', 22)
  t.equal(judge(known, key), 'known')
  t.equal(judge(known, Buffer.from('another')), 'changed')
  t.equal(judge([], key), 'unknown')
  t.equal(
    judge(keysOf(`host ssh-rsa ${text}\n@revoked * ssh-rsa ${text}`, 'host', 22), key),
    'revoked',
  )
  t.same(algorithmsFor(known), ['rsa-sha2-512', 'rsa-sha2-256'], 'never by SHA-1')
  t.end()
})

t.test('whatever stands in the file, it makes nobody known by accident', (t) => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      const file = `${one} ssh-ed25519 ${other}\n${other}`
      return keysOf(file, 'host.example', 22).every(({ key: found }) => !found.equals(key))
    }),
  )
  t.end()
})
