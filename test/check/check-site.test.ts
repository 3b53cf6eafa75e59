import { chmodSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { checkSite } from '../../src/lib/check/index.ts'
import { loadConfig } from '../../src/lib/config/index.ts'

t.test('each thing that is wrong is a finding that says what to do', async (t) => {
  const taken = createServer((socket) => socket.destroy())
  taken.listen(0)
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const folder = t.testdir({ 'rules.json': '[{"type": 1}]', key: 'x'.repeat(40), no: 'a file' })
  chmodSync(join(folder, 'key'), 0o644)
  const config = {
    dataDir: 'data',
    receiver: { port, reserveBytes: 2 ** 52, tls: { certFile: 'none', keyFile: 'none' } },
    classification: { rules: 'rules.json' },
    deidentification: { keyFile: 'key' },
    projects: { ABCD: { destinations: ['gone'] } },
    destinations: {
      deaf: { url: `dicom://AE@127.0.0.1:${String(port)}`, timeoutSeconds: 5 },
      file: { url: 'file:no/where' },
    },
  }
  writeFileSync(join(folder, 'c.json'), JSON.stringify(config))
  const found = await checkSite(await loadConfig(join(folder, 'c.json')))
  const wrong = found.filter(({ level }) => level === 'error')
  t.same(
    wrong.map(({ what }) => what),
    [
      ...['rules', 'disk', 'tls', 'destination deaf', 'destination file', 'project ABCD'],
      ...['key', 'port of receiver'],
    ],
  )
  for (const { what, hint } of wrong) t.ok((hint ?? '').length > 5, what)
})

t.test('a site that is well has no errors', async (t) => {
  const folder = t.testdir({ 'c.yaml': 'dataDir: data\nreceiver: {port: 0, reserveBytes: 1}\n' })
  const found = await checkSite(await loadConfig(join(folder, 'c.yaml')))
  t.same(
    found.filter(({ level }) => level !== 'ok'),
    [],
  )
})

t.test('tables, rules and patterns of requests are looked at, with their lines', async (t) => {
  const folder = t.testdir({
    'c.yaml': `dataDir: data
receiver: { port: 0, reserveBytes: 1 }
projects:
  A: { requests: { naming: 'A_\\d', autoId: 'A_+' } }
requests:
  - table: good.csv
  - table: bad.csv
  - table: other.csv
`,
    'good.csv': 'PatientID,project,participant\nP1,A,A_1\n',
    'bad.csv': 'PatientID,project,participant\nP1,A,A_1\nSECRET,,A_1\n',
    'other.csv': 'PatientID,project,participant\nP1,A,A_1\nP2,B,A_1\n',
  })
  const found = await checkSite(await loadConfig(join(folder, 'c.yaml')))
  const about = found.filter(({ what }) => what.startsWith('requests'))
  t.match(about, [
    { level: 'error', message: /c\.yaml:4: projects\.A\.requests\.autoId .*makes no names/ },
    { level: 'ok', what: 'requests.0.table', message: /: 1 row$/ },
    { level: 'error', message: /bad\.csv:3: the project is missing/, at: /c\.yaml:7$/ },
    { level: 'error', message: /other\.csv:3: no project is called "B"/ },
  ])
  t.notMatch(JSON.stringify(about), /SECRET/)
})
