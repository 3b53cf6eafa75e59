// Sites that are really broken, one thing each, and what `fiona-ctl check` says: the place, what is wrong, what to do.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { mayMount, readOnly } from '../fixtures/mounts.ts'
import { type Finished, freePort, missing, run } from '../fixtures/peers.ts'
import { newDataDir } from './scp.ts'

type Settings = Readonly<Record<string, unknown>>

interface Broken {
  readonly name: string
  /** Written as JSON, a key a line: so `at` can be told. */
  readonly config?: Settings
  /** What is done to the site's folder first. */
  readonly prepare?: (folder: string, t: Test) => void | Promise<void>
  /** Words before fiona-ctl. */
  readonly as?: (folder: string) => readonly string[]
  /** Of the one line that tells it; FILE stands for the configuration file. */
  readonly says: RegExp
  readonly hint: RegExp
  readonly level?: 'warning'
  /** 78: the configuration cannot be read at all. */
  readonly code?: number
  readonly skip?: string | false
}

const isRoot = process.getuid?.() === 0
/** Root without what makes it root. */
const asNobody = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search,-net_bind_service']
const needsRoot = isRoot ? missing('setpriv') : 'this takes root'

function certificate(
  folder: string,
  name: string,
  { clock = [], days = 30 }: { clock?: readonly string[]; days?: number } = {},
): void {
  const [command = '', ...args] = [
    ...[...clock, 'openssl', 'req', '-x509', '-newkey', 'ec', '-nodes', '-subj', '/CN=localhost'],
    ...['-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', String(days)],
    ...['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)],
  ]
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  chmodSync(join(folder, `${name}.key`), 0o600)
}

const tls = (cert: string, key: string): Settings => ({
  receiver: { tls: { certFile: cert, keyFile: key } },
})
const pacs = (url: string, more: Settings = {}): Settings => ({
  destinations: { pacs: { url, ...more } },
  projects: { default: { destinations: ['pacs'] } },
})

const broken: readonly Broken[] = [
  {
    name: 'an unknown key',
    config: { reciever: {} },
    says: /^error: FILE:3: unknown key "reciever"; did you mean "receiver"\?/,
    hint: /correct the configuration/,
    code: 78,
  },
  {
    name: 'a port that is none',
    config: { receiver: { port: 70000 } },
    says: /^error: FILE:4: receiver\.port must be <= 65535/,
    hint: /correct the configuration/,
    code: 78,
  },
  {
    name: 'two doors on one port',
    config: { mpps: { port: 11 }, projects: { ABCD: { receiver: { port: 11 } } } },
    says: /^error: FILE:\d+: projects\.ABCD\.receiver\.port is 11, and so is mpps\.port/,
    hint: /correct the configuration/,
    code: 78,
  },
  {
    name: 'a reserved name of a project',
    config: { projects: { journal: {} } },
    says: /^error: FILE:4: projects\.journal is no name of a project/,
    hint: /correct the configuration/,
    code: 78,
  },
  {
    name: 'an address that is none',
    config: { receiver: { allow: [{ address: '10.1.0.0/33' }] } },
    says: /^error: FILE:\d+: receiver\.allow\.0\.address is no address: "10\.1\.0\.0\/33"; write/,
    hint: /correct the configuration/,
    code: 78,
  },
  {
    name: 'half a file',
    prepare: (folder) => {
      writeFileSync(join(folder, 'c.json'), '{\n"dataDir": "data",\n"receiver": {\n')
    },
    says: /^error: FILE:4: /,
    hint: /correct the configuration/,
    code: 78,
  },
  {
    name: 'rules that are no JSON',
    config: { classification: { rules: 'rules.json' } },
    prepare: (folder) => {
      writeFileSync(join(folder, 'rules.json'), '[\n{"type": "T1",}\n]')
    },
    says: /^error +rules: .*\/rules\.json:2:\d+: not JSON/,
    hint: /correct the rule file/,
  },
  {
    name: 'rules that are not there',
    config: { classification: { rules: 'rules.json' } },
    says: /^error +rules: .*rules\.json/,
    hint: /./,
  },
  {
    name: 'rules that ask for a type nobody gives',
    config: { classification: { rules: 'rules.json' } },
    prepare: (folder) => {
      const rules = [
        { type: 'T1', rules: [{ tag: ['0x08', '0x60'], value: 'MR' }] },
        { type: 'T2', rules: [{ tag: ['ClassifyType'], operator: 'contains', value: 'TI' }] },
      ]
      writeFileSync(join(folder, 'rules.json'), JSON.stringify(rules, null, 1))
    },
    says: /^warning +rules: .*rules\.json:\d+:\d+: no definition gives the type "TI"; did you mean/,
    hint: /docs\/rules\.md/,
    level: 'warning',
  },
  {
    name: 'a key that is not there',
    config: { deidentification: { keyFile: 'none.key' } },
    says: /^error +key: FILE:4: no key file at .*none\.key/,
    hint: /head -c 32 \/dev\/urandom/,
  },
  {
    name: 'a key that everybody may read',
    config: { deidentification: { keyFile: 'a.key' } },
    prepare: (folder) => {
      writeFileSync(join(folder, 'a.key'), 'x'.repeat(40))
      chmodSync(join(folder, 'a.key'), 0o644)
    },
    says: /^error +key: FILE:4: others may use the key file .*a\.key \(mode 644\)/,
    hint: /chmod 600/,
  },
  {
    name: 'a key that is too short',
    config: { deidentification: { keyFile: 'a.key' } },
    prepare: (folder) => {
      writeFileSync(join(folder, 'a.key'), 'x', { mode: 0o600 })
    },
    says: /^error +key: FILE:4: the key file .* has 1 bytes/,
    hint: /urandom/,
  },
  {
    name: 'a port below 1024 without the right',
    config: { receiver: { port: 104 } },
    as: () => asNobody,
    says: /^error +port of receiver: FILE:4: 104 cannot be opened \(EACCES\)/,
    hint: /below 1024 need a privilege/,
    skip: needsRoot,
  },
  {
    name: 'a data directory of another user',
    prepare: (folder) => {
      mkdirSync(join(folder, 'data'), { mode: 0o700 })
      chownSync(join(folder, 'data'), 65534, 65534)
    },
    as: () => asNobody,
    says: /^error +data directory: .*\/data is not writable/,
    hint: /chown it to the user FIONA runs as/,
    skip: needsRoot,
  },
  {
    name: 'a data directory on a read-only disk',
    prepare: (folder) => {
      mkdirSync(join(folder, 'data'), { mode: 0o750 })
    },
    as: (folder) => ['sh', '-c', `exec ${readOnly(join(folder, 'data'))} "$@"`, 'sh'],
    says: /^error +data directory: .*\/data is on a read-only file system/,
    hint: /mount it for writing/,
    skip: mayMount(),
  },
  {
    name: 'a data directory that is a file',
    prepare: (folder) => {
      writeFileSync(join(folder, 'data'), '')
    },
    says: /^error +data directory: .*\/data is no directory/,
    hint: /./,
  },
  {
    name: 'a disk that is full as far as the reserve goes',
    config: { receiver: { reserveBytes: '4000T' } },
    says: /^error +disk: FILE:4: .* kept in reserve: objects are refused/,
    hint: /make room, or lower receiver\.reserveBytes/,
  },
  {
    name: 'a host that nobody knows',
    config: pacs('dicom://PACS@no-such-host.invalid:104'),
    says: /^error +destination pacs: FILE:5: .*no-such-host\.invalid/,
    hint: /./,
  },
  {
    name: 'a destination that refuses the connection',
    config: pacs('dicom://PACS@127.0.0.1:1'),
    says: /^error +destination pacs: FILE:5: .*127\.0\.0\.1.*/,
    hint: /is it running/i,
  },
  {
    name: 'a destination without AE title',
    config: pacs('dicom://127.0.0.1:104'),
    says: /^error +destination pacs: FILE:5: destinations\.pacs\.url: the called AE title is missing/,
    hint: /dicom:\/\/CALLEDAET@host:port/,
  },
  {
    name: 'a destination of a scheme that nobody speaks',
    config: pacs('gopher://pacs'),
    says: /^error +destination pacs: FILE:5: destinations\.pacs\.url: "gopher:\/\/pacs" is no destination/,
    hint: /dicoms:\/\//,
  },
  {
    name: 'a destination that is not configured',
    config: { projects: { ABCD: { destinations: ['gone'] } } },
    says: /^error +project ABCD: FILE:5: its destination gone is not configured/,
    hint: /add destinations\.gone/,
  },
  {
    name: 'a CA of a destination that is not there',
    config: pacs('dicoms://PACS@127.0.0.1', { caFile: 'ca.pem' }),
    says: /^error +destination pacs: FILE:5: .*caFile .*ca\.pem cannot be read/,
    hint: /PEM/,
  },
  {
    name: 'doors with one AE title',
    config: { projects: { ABCD: { receiver: { port: 11119, aeTitle: 'FIONA' } } } },
    says: /^warning +doors: FILE:7: projects\.ABCD\.receiver\.aeTitle is FIONA, and so is receiver/,
    hint: /of its own/,
    level: 'warning',
  },
  {
    name: 'a certificate that has ended',
    config: tls('a.crt', 'a.key'),
    prepare: (folder) => {
      // Older openssl makes no certificate that has ended.
      certificate(folder, 'a', { clock: ['faketime', '2020-01-01'], days: 1 })
    },
    says: /^error +tls: FILE:5: the certificate ended on /,
    hint: /put a new certificate into/,
    skip: missing('openssl', 'faketime'),
  },
  {
    name: 'a key of another certificate',
    config: tls('a.crt', 'b.key'),
    prepare: (folder) => {
      certificate(folder, 'a')
      certificate(folder, 'b')
    },
    says: /^error +tls: FILE:4: receiver\.tls: .*mismatch/,
    hint: /PEM/,
    skip: missing('openssl'),
  },
  {
    name: 'a certificate that is not there',
    config: tls('a.crt', 'a.key'),
    says: /^error +tls: FILE:4: receiver\.tls\.certFile: .*a\.crt cannot be read \(ENOENT\)/,
    hint: /PEM/,
  },
  {
    name: 'a profile that is not there',
    config: { projects: { ABCD: { deidentify: { profile: 'p.yaml' } } } },
    says: /^error +profile of ABCD: FILE:6: .*profile/,
    hint: /basic/,
  },
  {
    name: 'a token that is not there',
    config: { requests: [{ redcap: { url: 'https://redcap.invalid/', tokenFile: 'a.token' } }] },
    says: /^error +redcap: FILE:\d+: .*a\.token cannot be read \(ENOENT\)/,
    hint: /copy the token from the page API/,
  },
  {
    name: 'a quiet time beyond the longest wait',
    config: { arrival: { quietSeconds: 60, maxWaitSeconds: 30 } },
    says: /^error +arrival: FILE:3: quietSeconds 60 is longer than maxWaitSeconds 30/,
    hint: /lower quietSeconds/,
  },
  {
    name: 'a clock that was ahead, or is behind',
    prepare: (folder) => {
      const directory = join(folder, 'data', 'journal', 'received')
      mkdirSync(directory, { recursive: true })
      const later = new Date(Date.now() + 86_400_000)
      writeFileSync(join(directory, 'a.ndjson'), '{"type":"test"}\n')
      utimesSync(join(directory, 'a.ndjson'), later, later)
      chmodSync(join(folder, 'data'), 0o750)
    },
    says: /^error +clock: it says .*, and journal received was written at /,
    hint: /NTP/,
  },
  {
    name: 'a file that says which doors are disabled, damaged',
    prepare: (folder) => {
      mkdirSync(join(folder, 'data'), { mode: 0o750 })
      writeFileSync(join(folder, 'data', 'disabled.json'), '{"v":1,')
    },
    says: /^error +enabled: .*disabled\.json does not list what is disabled/,
    hint: /write \{"v":1,"disabled":\[\]\}/,
  },
]

async function check(
  t: Test,
  { config = {}, prepare, as }: Pick<Broken, 'config' | 'prepare' | 'as'>,
): Promise<Finished & { path: string }> {
  const folder = newDataDir(t)
  const path = join(folder, 'c.json')
  const receiver = { port: await freePort(), reserveBytes: 1, ...(config['receiver'] as Settings) }
  // What is about the receiver comes first, so that its lines can be told.
  const { port, reserveBytes, ...more } = receiver
  const own = config['receiver'] as { port?: number; reserveBytes?: unknown } | undefined
  const ordered =
    own?.reserveBytes === undefined
      ? { ...(own?.port === undefined ? {} : { port }), ...more, port, reserveBytes }
      : { reserveBytes, ...more, port }
  const site = { dataDir: 'data', ...config, receiver: ordered }
  writeFileSync(path, JSON.stringify(site, null, 1))
  await prepare?.(folder, t)
  const [command = 'fiona-ctl', ...words] = [...(as?.(folder) ?? []), 'fiona-ctl', 'check']
  return { ...(await run(command, words, { env: { FIONA_CONFIG: path } })), path }
}

for (const site of broken) {
  const { name, says, hint, level, code, skip } = site
  t.test(name, { skip: skip ?? false }, async (t) => {
    const { path, ...ended } = await check(t, site)
    t.equal(ended.code, code ?? (level === 'warning' ? 0 : 1))
    const text = (code === 78 ? ended.stderr : ended.stdout).replaceAll(path, 'FILE')
    const lines = text.trimEnd().split('\n')
    const told = lines.filter((line) => /^(?:error|warning)/.test(line))
    t.equal(told.length, 1, `one line, not:\n${text}`)
    t.match(told[0], says)
    t.match(
      lines.find((line) => line.trimStart().startsWith('hint: ')),
      hint,
    )
    t.notMatch(ended.stdout + ended.stderr, /^ +at /m, 'no stack trace')
  })
}

t.test('a port that another program has', async (t) => {
  const taken = createServer().listen(0)
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const { code, stdout } = await check(t, { config: { receiver: { port } } })
  t.equal(code, 1)
  t.match(
    stdout,
    /^error +port of receiver: .*c\.json:4: \d+ cannot be opened \(EADDRINUSE\)\n +hint: stop/m,
  )
})

t.test('no false alarm on a site that is well', { skip: missing('openssl') }, async (t) => {
  const { code, stdout, stderr } = await check(t, {
    config: {
      ...tls('a.crt', 'a.key'),
      destinations: { folder: { url: 'file:delivered' } },
      projects: { ABCD: { destinations: ['folder'], arrival: { quietSeconds: 5 } } },
      deidentification: { keyFile: 'p.key' },
      arrival: { quietSeconds: 60 },
    },
    prepare: (folder) => {
      certificate(folder, 'a', { days: 300 })
      mkdirSync(join(folder, 'data'), { mode: 0o750 })
      writeFileSync(join(folder, 'p.key'), 'x'.repeat(32), { mode: 0o600 })
    },
  })
  t.equal(code, 0, stdout)
  t.equal(stderr, '')
  t.notMatch(stdout, /^(?:error|warning)/m)
})

t.test('a chain does not start with a destination that nothing can be delivered to', async (t) => {
  const folder = newDataDir(t)
  const path = join(folder, 'c.json')
  const receiver = { port: await freePort() }
  const config = { dataDir: 'data', receiver, ...pacs('dicom://127.0.0.1:104') }
  writeFileSync(path, JSON.stringify(config))
  const { code, stderr } = await run('fiona-ctl', ['up'], { env: { FIONA_CONFIG: path } })
  t.equal(code, 78)
  t.match(
    stderr,
    /^error: .*c\.json: destinations\.pacs\.url: the called AE title is missing\nhint: use/,
  )
  t.notOk(existsSync(join(folder, 'data')), 'nothing was made')
})
