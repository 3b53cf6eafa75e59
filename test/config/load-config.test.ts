import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../src/lib/config/index.ts'

t.test('without a file the embedded defaults apply', async (t) => {
  const config = await loadConfig(undefined)
  t.match(config.receiver, {
    port: 11112,
    aeTitle: 'FIONA',
    durability: 'fsync',
    promiscuous: true,
  })
  t.equal(config.dataDir, join(process.cwd(), 'var'))
  t.equal(config.runDir, join(process.cwd(), 'var/run'))
})

t.test('paths are relative to the file; sizes may have units', async (t) => {
  const text = `dataDir: data
receiver: { reserveBytes: 5GiB }
destinations:
  A: { url: 'https://a.example.org', windowOverBytes: 1.5 GiB, batch: { bytes: 64M } }
  B: { url: 'https://b.example.org', windowOverBytes: 7 }
`
  const dir = t.testdir({ 'f.yaml': text })
  const config = await loadConfig(join(dir, 'f.yaml'))
  t.equal(config.dataDir, join(dir, 'data'))
  t.equal(config.receiver.reserveBytes, 5 * 2 ** 30)
  const { A, B } = config.destinations
  t.match(A, { windowOverBytes: 1.5 * 2 ** 30, batch: { bytes: 64 * 2 ** 20 } })
  t.equal(B?.windowOverBytes, 7)
})

t.test('files of requests and projects are relative to the file, too', async (t) => {
  const dir = t.testdir({
    'f.yaml': `requests:
  - table: lists/coupling.csv
  - redcap: { url: 'https://redcap.example.org/api/', tokenFile: secrets/token }
  - table: { file: /srv/coupling.csv, expireDays: 14 }
projects:
  A: { deidentify: { profile: profiles/a.yaml } }
  B: { deidentify: { profile: basic } }
  C: {}
`,
  })
  const { requests, projects } = await loadConfig(join(dir, 'f.yaml'))
  t.strictSame(requests[0]?.table, { file: join(dir, 'lists/coupling.csv') })
  t.equal(requests[1]?.redcap?.tokenFile, join(dir, 'secrets/token'))
  t.equal(requests[1]?.redcap?.url, 'https://redcap.example.org/api/')
  t.strictSame(requests[2]?.table, { file: '/srv/coupling.csv', expireDays: 14 })
  t.equal(projects['A']?.deidentify?.profile, join(dir, 'profiles/a.yaml'))
  t.equal(projects['B']?.deidentify?.profile, 'basic', 'a name is no path')
  t.equal(projects['C']?.deidentify, undefined)
})

t.test('an unknown key is named with its line and the nearest known key', async (t) => {
  const dir = t.testdir({ 'f.yaml': 'dataDir: /x\nreceiver:\n  prot: 104\n' })
  await t.rejects(loadConfig(join(dir, 'f.yaml')), {
    code: 'E_CONFIG',
    exitCode: 78,
    message: /f\.yaml:3: unknown key "prot" in receiver; did you mean "port"\?/,
  })
})

t.test('a wrong value is named with its line', async (t) => {
  const dir = t.testdir({ 'f.yaml': 'receiver:\n  port: 99999\n', 'g.yaml': 'a: [\n' })
  await t.rejects(loadConfig(join(dir, 'f.yaml')), { message: /f\.yaml:2: receiver\.port/ })
  await t.rejects(loadConfig(join(dir, 'g.yaml')), { message: /g\.yaml:\d: / })
})

t.test('a match that is no regular expression is named with its line', async (t) => {
  const text = "projects:\n  A/B:\n    match:\n      Modality: CT\n      calledAET: '^(AB'\n"
  const dir = t.testdir({ 'f.yaml': text })
  await t.rejects(loadConfig(join(dir, 'f.yaml')), {
    code: 'E_CONFIG',
    exitCode: 78,
    message: /f\.yaml:5: projects\.A\/B\.match\.calledAET is no regular expression .*\^\(AB/,
  })
})

t.test("an original site's config.json is read in its place", async (t) => {
  const dir = t.testdir({
    'config.json': '{"DICOMPORT":"4006","DICOMAETITLE":"MMIL","DATADIR":"/data"}',
  })
  const config = await loadConfig(join(dir, 'config.json'))
  t.match(config, { dataDir: '/data', receiver: { port: 4006, aeTitle: 'MMIL' } })
})
