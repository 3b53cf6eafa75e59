import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/lib/config/index.ts'
import { readKeyFile } from '../../src/lib/crosswalk/key-file.ts'

t.beforeEach(() => {
  Reflect.deleteProperty(process.env, 'CREDENTIALS_DIRECTORY')
})

t.test('a secret that systemd hands over takes the place of the configured file', async (t) => {
  const folder = t.testdir({
    'fiona.yaml': 'deidentification: { keyFile: /etc/fiona/pseudonym.key }\n',
    handed: { 'pseudonym.key': 'x'.repeat(32) },
  })
  const path = join(folder, 'fiona.yaml')
  t.equal((await loadConfig(path)).deidentification.keyFile, '/etc/fiona/pseudonym.key')
  process.env['CREDENTIALS_DIRECTORY'] = join(folder, 'handed')
  t.equal((await loadConfig(path)).deidentification.keyFile, join(folder, 'handed/pseudonym.key'))
})

t.test('so does one of a folder that is handed over as a whole', async (t) => {
  const redcap = {
    url: 'https://redcap.example.org/api/',
    tokenFile: '/etc/fiona/redcap/incoming.token',
    autoIdTokenFile: '/etc/fiona/redcap/autoid.token',
    ownTokenFiles: { ABCD: '/etc/fiona/redcap/abcd.token' },
  }
  const folder = t.testdir({
    'fiona.yaml': JSON.stringify({ requests: [{ redcap }] }),
    handed: { 'redcap_incoming.token': '', 'redcap_abcd.token': '' },
  })
  process.env['CREDENTIALS_DIRECTORY'] = join(folder, 'handed')
  const [source] = (await loadConfig(join(folder, 'fiona.yaml'))).requests
  t.match(source?.redcap, {
    tokenFile: join(folder, 'handed/redcap_incoming.token'),
    autoIdTokenFile: '/etc/fiona/redcap/autoid.token',
    ownTokenFiles: { ABCD: join(folder, 'handed/redcap_abcd.token') },
  })
})

t.test('a service that is handed other secrets reads the configured file', async (t) => {
  const folder = t.testdir({ 'fiona.yaml': 'deidentification: { keyFile: a.key }\n', handed: {} })
  process.env['CREDENTIALS_DIRECTORY'] = join(folder, 'handed')
  const { deidentification } = await loadConfig(join(folder, 'fiona.yaml'))
  t.equal(deidentification.keyFile, join(folder, 'a.key'))
})

t.test('the access list of a credential is no open key file; another file is', async (t) => {
  const folder = t.testdir()
  const key = join(folder, 'handed', 'pseudonym.key')
  mkdirSync(join(folder, 'handed'))
  writeFileSync(key, 'x'.repeat(32))
  chmodSync(key, 0o440)
  await t.rejects(readKeyFile(key), { code: 'E_KEY_MODE' })
  process.env['CREDENTIALS_DIRECTORY'] = join(folder, 'handed')
  t.equal((await readKeyFile(key)).length, 32)
})
