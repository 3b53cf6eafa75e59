import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { loadConfig } from '../../src/lib/config/index.ts'
import { isProjectName } from '../../src/lib/storage/index.ts'
import { migrate } from '../../src/lib/manage/index.ts'
import { run } from '../fixtures/peers.ts'

/** A site as its installer left it: all values are strings (parity of the original's keys). */
const site = {
  DICOMIP: '10.0.0.1',
  DICOMPORT: '4006',
  DICOMAETITLE: 'SITE',
  SCANNERIP: '10.0.0.2',
  SCANNERPORT: '104',
  SCANNERAETITLE: 'CT1',
  SCANNERTYPE: 'SIEMENS',
  OTHERSCANNER: [{ SCANNERIP: '10.0.0.3', SCANNERAETITLE: 'MR1', SCANNERPORT: '104' }],
  MPPSPORT: '4007',
  MPPSMODE: 'mppson',
  SERVERUSER: 'account-of-a-server',
  DAICSERVER: 'sftp.example.org',
  PFILEDIR: '/data/SITE',
  CONNECTION: 'TOKEN-OF-REDCAP',
  SUBJECTID: 'id_redcap',
  WEBPROXY: '',
  DATADIR: '/data',
  LOCALTIMEZONE: 'America/Los_Angeles',
  HIDEPATTERN: '^x',
  Authentication: { LDAP: [{ password: 'PASSWORD-OF-LDAP' }] },
  SITES: {
    PCGC: {
      DICOMIP: '10.0.0.1',
      DICOMPORT: '4011',
      DICOMAETITLE: 'PCGCFIONA',
      DATADIR: '/dataPCGC',
      MPPSPORT: '4017',
      CONNECTION: 'TOKEN-OF-PCGC',
    },
    SMALL: { DICOMAETITLE: 'SMALL' },
  },
}

async function migrated(t: Pick<Test, 'testdir'>, original: object, beside: object = {}) {
  const folder = t.testdir({ original: { ...beside }, elsewhere: {} })
  const path = join(folder, 'original', 'config.json')
  writeFileSync(path, JSON.stringify(original, null, 2))
  const lines: string[] = []
  const left: { key: string; why: string; instead: string }[] = []
  await migrate({
    path,
    print: async (line) => {
      lines.push(line)
    },
    onLeft: (one) => left.push(one),
  })
  const yaml = lines.join('\n')
  const migratedPath = join(folder, 'elsewhere', 'fiona.yaml')
  writeFileSync(migratedPath, yaml)
  const meaningOf = async (file: string) => {
    return { ...(await loadConfig(file)), path: undefined }
  }
  return { yaml, left, before: await meaningOf(path), after: await meaningOf(migratedPath) }
}

t.test('the fiona.yaml of a site means what its config.json did', async (t) => {
  const rules = '[{"type":"CT","rules":[{"tag":["Modality"],"value":"CT"}]}]'
  const { yaml, before, after } = await migrated(t, site, { 'classifyRules.json': rules })
  t.same(after, before)
  t.match(after, {
    dataDir: '/data',
    receiver: { port: 4006, aeTitle: 'SITE' },
    mpps: { port: 4007 },
    classification: { semantics: 'compat' },
    projects: { PCGC: { receiver: { port: 4011, aeTitle: 'PCGCFIONA' } }, SMALL: {} },
  })
  t.match(after.classification.rules, /original\/classifyRules\.json$/)
  for (const said of [
    /^ {2}port: 4006 # DICOMPORT$/m,
    /^# {3}fiona-import --journal received --project default \/data\/site\/archive$/m,
    /^# {3}fiona-import --journal received --project PCGC \/dataPCGC\/site\/archive$/m,
    /^# {3}fiona-import --journal received --project SMALL \/dataSMALL\/site\/archive$/m,
  ]) {
    t.match(yaml, said)
  }
})

t.test(
  'every other key is named with a reason and a remedy, and its value by nobody',
  async (t) => {
    const { yaml, left } = await migrated(t, { ...site, MADEUP: 'A-VALUE' })
    const kept = ['DATADIR', 'DICOMAETITLE', 'DICOMPORT', 'MPPSPORT', 'SITES', 'WEBPROXY']
    const ofSites = [
      'SITES.PCGC.DICOMIP',
      'SITES.PCGC.DATADIR',
      'SITES.PCGC.MPPSPORT',
      'SITES.PCGC.CONNECTION',
      'SITES.SMALL.DICOMAETITLE',
    ]
    const others = Object.keys(site).filter((key) => !kept.includes(key))
    t.same(left.map(({ key }) => key).sort(), [...others, 'MADEUP', ...ofSites].sort())
    for (const { key, why, instead } of left) {
      t.ok(why.length > 10 && instead.length > 10, key)
      t.ok(yaml.includes(`#   ${key}: ${why}\n#     ${instead}`), key)
    }
    const unknown = left.filter(({ why }) => why === 'no FIONA is known to read it')
    t.same(
      unknown.map(({ key }) => key),
      ['MADEUP'],
    )
    t.notMatch(
      JSON.stringify([yaml, left]),
      /TOKEN-OF|PASSWORD-OF|A-VALUE|account-of|sftp\.example/,
    )
  },
)

t.test('a small file, and one without any rules, mean the same as well', async (t) => {
  for (const original of [
    { DICOMPORT: '104' },
    { DATADIR: '' },
    { SITES: {} },
    { DICOMPORT: 104 },
  ]) {
    const { before, after, left } = await migrated(t, original)
    t.same(after, before)
    t.same(left, [])
    t.equal(after.dataDir, '/data')
    t.equal(after.classification.rules, undefined)
  }
})

t.test(
  'whatever names and paths a file has, what is made of it can be read and means the same',
  async (t) => {
    const odd = fc.constantFrom(
      'yes',
      'null',
      '12',
      '1e3',
      '0x1F',
      '~',
      '.',
      'a b',
      "it's",
      'ø',
      'a#b',
      '<<',
    )
    const name = fc.oneof(odd, fc.stringMatching(/^[A-Za-z0-9_ -]{1,12}$/))
    const title = fc.oneof(odd, fc.stringMatching(/^[ -[\]-~]{1,16}$/))
    const path = fc.oneof(
      odd,
      fc.string({ minLength: 1 }).filter((text) => !text.includes('\0')),
    )
    const key = fc.oneof(fc.string(), fc.constant('A\nreceiver: { port: 1 }\n'))
    const sites = fc.dictionary(
      name.filter(isProjectName),
      fc.record({ DICOMAETITLE: title, DATADIR: path }),
      { maxKeys: 3 },
    )
    await fc.assert(
      fc.asyncProperty(title, path, sites, key, async (aeTitle, dataDir, SITES, odd) => {
        const original = { DICOMAETITLE: aeTitle, DATADIR: dataDir, SITES, [odd]: 'x' }
        const { before, after } = await migrated(t, original)
        return isDeepStrictEqual(before, after)
      }),
      { numRuns: 30 },
    )
  },
)

t.test(
  'mistakes of the original keep their lines, and what is no original is refused',
  async (t) => {
    const broken = { ...site, DICOMPORT: '4006x', SITES: { PCGC: 'none' } }
    await t.rejects(migrated(t, broken), {
      code: 'E_CONFIG',
      exitCode: 78,
      message: /config\.json:3: DICOMPORT must be integer\n.*: SITES\.PCGC must be object/,
    })
    await t.rejects(migrated(t, { dataDir: '/x' }), { code: 'E_NOT_ORIGINAL', exitCode: 65 })
  },
)

t.test('fiona-ctl migrate: the file on stdout, what is left behind in the log', async (t) => {
  const folder = t.testdir({ 'config.json': JSON.stringify(site) })
  mkdirSync(join(folder, 'empty'))
  const env = { FIONA_CONFIG: join(folder, 'config.json'), NODE_OPTIONS: '' }
  const { code, stdout, stderr } = await run('fiona-ctl', ['migrate'], { env })
  t.equal(code, 0, stderr)
  t.match(stdout, /^# fiona\.yaml, made by fiona-ctl migrate of /)
  t.match(stderr, /"key":"SCANNERIP".*"msg":"not carried over: FIONA fetches nothing/)
  t.match(await run('fiona-ctl', ['migrate'], { env: { FIONA_CONFIG: '', NODE_OPTIONS: '' } }), {
    code: 64,
    stderr: /migrate takes one config\.json/,
  })
})
