import { spawnSync } from 'node:child_process'
import { appendFileSync, readFileSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { inProject } from '../fixtures/peers.ts'
import { copiedUnits } from './copied-units.ts'
import { effectiveSettings, filesOf, overruled } from './effective-settings.ts'

const analyze = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' })
const hasSystemd = analyze.status === 0
/** What only newer ones know, which older ones say and ignore: all of it is to be listed here. */
const later: Readonly<Record<string, number>> = { RestartSteps: 254, RestartMaxDelaySec: 254 }
const version = hasSystemd ? Number(/systemd (\d+)/.exec(analyze.stdout)?.[1]) : 0
const skip = hasSystemd ? false : 'systemd-analyze is not installed'
/** As systemd-analyze counts, where 10 is the most exposed. */
const mostExposure = 1.5

/** The units as a site has them, with the tools they start where they look for them. */
function site(test: typeof t): string {
  const { units } = copiedUnits(test)
  for (const stage of ['organize', 'request', 'deidentify', 'deliver']) {
    symlinkSync('fiona-stage@.service', join(units, `fiona-stage@${stage}.service`))
  }
  symlinkSync('fiona-scp@.service', join(units, 'fiona-scp@default.service'))
  symlinkSync('fiona-inbox@.service', join(units, 'fiona-inbox@srv-inbox.service'))
  symlinkSync('fiona-front-door@.service', join(units, 'fiona-front-door@organized.service'))
  return units
}

const instances = [
  'fiona-scp@default',
  'fiona-mpps',
  'fiona-front-door',
  'fiona-front-door@organized',
  'fiona-inbox@srv-inbox',
  'fiona-stage@organize',
  'fiona-stage@request',
  'fiona-stage@deidentify',
  'fiona-stage@deliver',
  'fiona-index',
  'fiona-job-prune',
  'fiona-job-enabled',
]

t.test('systemd understands every line of the units', { skip }, async (t) => {
  const units = site(t as never)
  const names = [
    ...instances.map((name) => `${name}.service`),
    'fiona-job-prune.timer',
    'fiona-job-enabled.path',
    'fiona.target',
  ]
  const { stderr } = spawnSync(
    'systemd-analyze',
    ['verify', '--man=no', ...names.map((name) => join(units, name))],
    { encoding: 'utf8' },
  )
  // The programs are not installed where the tests run.
  const complaints = stderr
    .split('\n')
    .filter(
      (line) =>
        line !== '' &&
        !/Command \/usr\/(?:bin\/fiona-|lib\/fiona\/)\S+ is not executable/.test(line),
    )
    .filter((line) => line.includes('fiona'))
    .filter((line) => {
      const key = /Unknown key (?:name )?'(\w+)' in section \S+, ignoring/.exec(line)?.[1]
      return version >= (later[key ?? ''] ?? 0)
    })
  t.strictSame(complaints, [])
})

for (const name of instances) {
  t.test(`${name} is shut in`, { skip }, async (t) => {
    const units = site(t as never)
    const { stdout } = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', '--no-pager', join(units, `${name}.service`)],
      { encoding: 'utf8' },
    )
    const score = Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN)
    t.ok(score <= mostExposure, `exposure ${String(score)}`)
  })
}

for (const name of instances) {
  t.test(`what the files of ${name} say holds, and nothing that is for more units`, async (t) => {
    t.strictSame(overruled(filesOf(name)), [])
  })
}

t.test('a setting of a unit itself that the drop-in of all overrules is noticed', async (t) => {
  const units = site(t as never)
  appendFileSync(
    join(units, 'fiona-mpps.service'),
    '\n[Service]\nPrivateTmp=no\nRestrictAddressFamilies=AF_UNIX\nRestrictRealtime=yes\n',
  )
  t.strictSame(overruled(filesOf('fiona-mpps', units)), [
    'fiona-mpps.service: PrivateTmp=no, but yes holds',
    'fiona-mpps.service: RestrictAddressFamilies=AF_UNIX, but AF_UNIX AF_UNIX AF_INET AF_INET6 holds',
  ])
})

t.test('the front door sees /tmp and no network', async (t) => {
  const settings = effectiveSettings(filesOf('fiona-front-door'))
  t.strictSame(settings.get('PrivateTmp'), ['no'])
  t.strictSame(settings.get('RestrictAddressFamilies'), ['AF_UNIX'])
  t.strictSame(settings.get('PrivateNetwork'), ['yes'])
})

t.test('an inbox and a further front door have no network', async (t) => {
  for (const name of ['fiona-inbox@srv-inbox', 'fiona-front-door@organized']) {
    const settings = effectiveSettings(filesOf(name))
    t.strictSame(settings.get('RestrictAddressFamilies'), ['AF_UNIX'], name)
    t.strictSame(settings.get('PrivateNetwork'), ['yes'], name)
  }
})

t.test('the index, which names patients, is closed to all that need it not', async (t) => {
  for (const name of instances) {
    const closed = effectiveSettings(filesOf(name)).get('InaccessiblePaths') ?? []
    t.equal(closed.includes('-/var/lib/fiona/index'), name !== 'fiona-index', name)
  }
})

t.test('where SQLite cannot be loaded the index ends for good, and is no failure', async (t) => {
  const settings = effectiveSettings(filesOf('fiona-index'))
  t.ok(settings.get('RestartPreventExitStatus')?.join(' ').split(' ').includes('69'))
  t.strictSame(settings.get('SuccessExitStatus'), ['69'])
})

t.test('what a killed process listened on, or read, is kept open', async (t) => {
  for (const name of [
    'fiona-scp@default',
    'fiona-mpps',
    'fiona-front-door',
    'fiona-front-door@organized',
  ]) {
    t.strictSame(effectiveSettings(filesOf(name)).get('FileDescriptorStoreMax'), ['1'], name)
  }
})

t.test('the front door reaches what it keeps on disk until it is done', async (t) => {
  const kept = '/var/lib/fiona/state/front-door/'
  for (const name of ['fiona-front-door', 'fiona-front-door@organized']) {
    const closed = effectiveSettings(filesOf(name)).get('InaccessiblePaths') ?? []
    t.strictSame(
      closed.filter((path) => kept.startsWith(`${path.replace(/^-/, '')}/`)),
      [],
      name,
    )
  }
})

t.test('a job runs once each time, as long as it takes', async (t) => {
  const settings = effectiveSettings(filesOf('fiona-job-anything-of-a-site'))
  // systemd refuses to start a oneshot service that is always started again.
  for (const [key, value] of Object.entries({
    Type: 'oneshot',
    Restart: 'no',
    WatchdogSec: '0',
    TimeoutStartSec: '1d',
    User: 'fiona',
    ProtectSystem: 'strict',
  })) {
    t.strictSame(settings.get(key), [value], key)
  }
})

t.test('what runs as root does not take the data directory', async (t) => {
  const settings = effectiveSettings(filesOf('fiona-job-enabled'))
  t.strictSame(settings.get('User'), ['root'])
  t.strictSame(settings.get('StateDirectory'), [''])
})

t.test('cron and the timer prune the same', async (t) => {
  const [command] = /fiona-journal prune .*/.exec(
    effectiveSettings(filesOf('fiona-job-prune')).get('ExecStart')?.join(' ') ?? '',
  ) ?? ['']
  t.match(readFileSync(inProject('share/cron.d/fiona'), 'utf8'), ` fiona  ${command} --config `)
})

t.test('only the stage that de-identifies is handed the key', async (t) => {
  const holders = readdirSync(inProject('systemd'), { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('.service') || path.endsWith('.conf'))
    .filter((path) =>
      /^LoadCredential=pseudonym\.key:/m.test(readFileSync(inProject(`systemd/${path}`), 'utf8')),
    )
  t.strictSame(holders, ['fiona-stage@deidentify.service.d/20-deidentify.conf'])
})

t.test('no drop-in hides another one by its name', async (t) => {
  const names = readdirSync(inProject('systemd'), { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('.conf'))
    .map((path) => path.replace(/.*\//, ''))
  t.equal(new Set(names).size, names.length, names.join(', '))
})
