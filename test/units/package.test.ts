import { spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { inProject } from '../fixtures/peers.ts'
import { toolNames } from '../fixtures/peers.ts'
import { withoutSqlite } from '../fixtures/sqlite.ts'

const hasDpkg = spawnSync('dpkg-deb', ['--version']).status === 0
const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0

t.test(
  'the package holds programs, units, pages, completion and a configuration, all of root',
  { skip: hasDpkg ? false : 'dpkg-deb is not installed' },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'fiona-package-test-'))
    t.teardown(() => {
      rmSync(folder, { recursive: true, force: true })
    })
    const built = spawnSync(
      process.execPath,
      [inProject('scripts/package.mjs'), '--as-built', folder],
      {
        encoding: 'utf8',
      },
    )
    t.equal(built.status, 0, built.stderr)
    const [deb = ''] = readdirSync(folder)
    const listing = spawnSync('dpkg-deb', ['--contents', join(folder, deb)], { encoding: 'utf8' })
    const entries = new Map(
      listing.stdout
        .trim()
        .split('\n')
        .map((line) => {
          const [mode = '', owner = '', , , , path = ''] = line.split(/\s+/)
          return [path, { mode, owner, line }] as const
        }),
    )
    const mode = (path: string): string | undefined => entries.get(`./${path}`)?.mode
    t.match(entries.get('./usr/lib/fiona/bin/package.json')?.mode, '-rw-r--r--')
    for (const tool of toolNames) {
      t.equal(mode(`usr/lib/fiona/bin/${tool}`), '-rwxr-xr-x', tool)
      t.match(entries.get(`./usr/bin/${tool}`)?.line, `-> ../lib/fiona/bin/${tool}`)
      t.equal(mode(`usr/share/bash-completion/completions/${tool}`), '-rw-r--r--')
      t.equal(mode(`usr/share/zsh/vendor-completions/_${tool}`), '-rw-r--r--')
    }
    for (const path of [
      'usr/share/fiona/fiona.yaml',
      'usr/lib/fiona/dist/load.js',
      'usr/lib/fiona/dist/package.json',
      'usr/lib/fiona/dist/main.js',
      'usr/lib/fiona/dist/main.js.compiled',
      'usr/lib/systemd/system/fiona.target',
      'usr/lib/systemd/system/fiona-.service.d/10-all-services.conf',
      'usr/lib/systemd/system/fiona-stage@deidentify.service.d/20-deidentify.conf',
      'usr/lib/tmpfiles.d/fiona.conf',
      'usr/share/man/man8/fiona-scp.8.gz',
      'usr/share/doc/fiona/installing.md',
      'usr/share/doc/fiona/LICENCES.txt',
      'usr/lib/fiona/dist/LICENCES.txt',
      'usr/share/doc/fiona/examples/cron.d/fiona',
    ]) {
      t.equal(mode(path), '-rw-r--r--', path)
    }
    for (const [path, { mode, owner }] of entries) {
      t.equal(owner, 'root/root', path)
      if (!mode.startsWith('l'))
        t.notMatch(mode, /^.{5}w|^.{8}w|[sSt]/, `${path} is written by root alone`)
    }
    const modules = [...entries.keys()]
      .map((path) => /\/node_modules\/([^/]+)\/./.exec(path)?.[1])
      .filter((name) => name !== undefined)
    const wanted = withoutSqlite === false ? ['better-sqlite3', 'bindings', 'file-uri-to-path'] : []
    t.strictSame(
      [...new Set(modules)].sort(),
      wanted,
      'of node_modules nothing but the index needs',
    )
    t.equal(
      deb.endsWith('_all.deb'),
      withoutSqlite !== false,
      'what is compiled is for one architecture',
    )
    t.notOk(
      [...entries.keys()].some((path) => path.startsWith('./etc/')),
      'nothing that dpkg asks about at an upgrade: postinst makes the configuration once',
    )
    t.notOk(entries.has('./etc/fiona/pseudonym.key'), 'no key comes with the package')
  },
)

t.test('whose code is bundled is named, and the text of each licence goes with it', async (t) => {
  const texts = readFileSync(inProject('dist/LICENCES.txt'), 'utf8')
  const notice = readFileSync(inProject('NOTICE.md'), 'utf8')
  const titles = [...texts.matchAll(/^={80}\n(.+)\n={80}\n\n([^=]+)/gm)]
  const names = titles.map(([, title = '']) => (title.split(/[ ,]/)[0] ?? '').toLowerCase())
  for (const name of [
    '@cornerstonejs/codec-openjpeg',
    'charls',
    'openjpeg',
    'openjph',
    'pino',
    'ssh2',
  ]) {
    t.ok(names.includes(name), name)
  }
  for (const [, title = '', text = ''] of titles) {
    t.match(text, /permi(t|ssion)|redistribut|public domain/i, title)
  }
  // Those of pino, of which there are many, are named as such.
  const ofPino =
    /^(@pinojs\/|atomic-|on-exit-|pino-|process-|quick-format|real-require|safe-stable|sonic-boom|thread-stream)/
  const unnamed = names.filter(
    (name) => !notice.toLowerCase().includes(name.replace('@cornerstonejs/', '')),
  )
  t.strictSame(
    unnamed.filter((name) => !ofPino.test(name)),
    [],
  )
  const wasm = readdirSync(inProject('dist')).filter((name) => name.endsWith('.wasm'))
  const compiled = titles.filter(([, title = '']) => title.includes('compiled into'))
  t.equal(wasm.length, 3)
  t.ok(compiled.length >= wasm.length)
})

t.test(
  'the scripts of the package are clean',
  { skip: hasShellcheck ? false : 'shellcheck is not installed' },
  async (t) => {
    const scripts = ['postinst', 'prerm', 'postrm', 'obey-enabled'].map((name) =>
      inProject(`packaging/${name}`),
    )
    const { status, stdout } = spawnSync('shellcheck', scripts, { encoding: 'utf8' })
    t.equal(status, 0, stdout)
  },
)

t.test('obey-enabled knows what the file of three characters closes', async (t) => {
  const folder = t.testdir({ config: {} })
  const script = readFileSync(inProject('packaging/obey-enabled'), 'utf8').replaceAll(
    '/var/lib/fiona',
    folder,
  )
  const may = (what: string): number | null =>
    spawnSync('sh', ['-s', 'may', what], { input: script }).status
  t.same([may('reception'), may('mpps')], [0, 0], 'no file')
  for (const [text, reception, mpps] of [
    ['110', 0, 0],
    ['000', 1, 1],
    ['011', 1, 0],
    ['101\n', 0, 1],
    ['', 0, 0],
    ['0', 1, 0],
    ['\n0', 0, 1],
  ] as const) {
    writeFileSync(join(folder, 'enabled'), text)
    t.same([may('reception'), may('mpps')], [reception, mpps], JSON.stringify(text))
  }
  writeFileSync(join(folder, 'config', 'enabled'), '01')
  writeFileSync(join(folder, 'enabled'), '10')
  t.same([may('reception'), may('mpps')], [1, 0], 'the file in config comes first')
  rmSync(join(folder, 'config', 'enabled'))
  mkdirSync(join(folder, 'config', 'enabled'))
  t.equal(may('reception'), 255, 'what cannot be read is no yes')
})

t.test(
  'what is installed from the package lists what arrived, with a library of its own',
  { skip: hasDpkg ? withoutSqlite : 'dpkg-deb is not installed' },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'fiona-package-test-'))
    t.teardown(() => {
      rmSync(folder, { recursive: true, force: true })
    })
    spawnSync(process.execPath, [inProject('scripts/package.mjs'), '--as-built', folder])
    const [deb = ''] = readdirSync(folder)
    const root = join(folder, 'root')
    spawnSync('dpkg-deb', ['--extract', join(folder, deb), root])
    const dataDir = join(folder, 'var')
    const run = (tool: string, ...args: string[]) =>
      // By this Node, wherever the system's lies; tap's loaders are for the tests.
      spawnSync(process.execPath, [join(root, 'usr/lib/fiona/bin', tool), ...args], {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], FIONA_CONFIG: '' },
      })
    const made = run('fiona-index', '--once', '--data-dir', dataDir)
    t.equal(made.status, 0, made.stderr)
    t.match(run('fiona-ls', 'projects', '--data-dir', dataDir), { status: 0, stderr: '' })
  },
)

/** A system where the chain was closed and opened by hand, and where the site has a unit of its own. */
function managedSystem(test: typeof t): string {
  const root = mkdtempSync(join(tmpdir(), 'fiona-removal-test-'))
  test.teardown(() => {
    rmSync(root, { recursive: true, force: true })
  })
  const settings = join(root, 'etc/systemd/system')
  const wanted = join(settings, 'fiona.target.wants')
  mkdirSync(join(settings, 'fiona-scp@default.service.d'), { recursive: true })
  mkdirSync(wanted)
  mkdirSync(join(root, 'run/fiona'), { recursive: true })
  mkdirSync(join(root, 'var/lib/dpkg'), { recursive: true })
  writeFileSync(join(settings, 'fiona-scp@default.service.d/override.conf'), '[Service]\n')
  writeFileSync(join(settings, 'fiona-job-ours.timer'), '[Timer]\n')
  symlinkSync('/dev/null', join(settings, 'fiona-front-door.service'))
  symlinkSync('/dev/null', join(settings, 'fiona-scp@A\\x2dB.service'))
  symlinkSync('/dev/null', join(settings, 'other.service'))
  symlinkSync('/usr/lib/systemd/system/fiona-mpps.service', join(wanted, 'fiona-mpps.service'))
  symlinkSync('/etc/systemd/system/fiona-job-ours.timer', join(wanted, 'fiona-job-ours.timer'))
  mkdirSync(join(root, 'etc/fiona'))
  writeFileSync(join(root, 'etc/fiona/fiona.yaml'), 'dataDir: /var/lib/fiona\n')
  writeFileSync(join(root, 'etc/fiona/pseudonym.key'), '')
  spawnSync('mkfifo', [join(root, 'run/fiona/received.pipe')])
  return root
}

function runPostrm(root: string, word: string): string {
  const { status, stderr } = spawnSync('sh', [inProject('packaging/postrm'), word], {
    env: { ...process.env, DPKG_ROOT: root },
    encoding: 'utf8',
  })
  return status === 0 ? 'done' : stderr
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

t.test(
  'what was removed leaves no pipe that a writer waits for; a purge, no mask and no configuration',
  async (t) => {
    const root = managedSystem(t as never)
    const settings = join(root, 'etc/systemd/system')
    const masks = ['fiona-front-door.service', 'fiona-scp@A\\x2dB.service']
    const link = join(settings, 'fiona.target.wants/fiona-mpps.service')

    t.equal(runPostrm(root, 'upgrade'), 'done')
    t.ok(existsSync(join(root, 'run/fiona/received.pipe')), 'it waits for the new version')
    t.equal(runPostrm(root, 'remove'), 'done')
    t.notOk(existsSync(join(root, 'run/fiona')))
    for (const mask of masks) t.ok(isLink(join(settings, mask)), `${mask} stays until the purge`)
    t.ok(isLink(link))
    t.ok(existsSync(join(root, 'etc/fiona/fiona.yaml')))

    t.equal(runPostrm(root, 'purge'), 'done')
    for (const mask of masks) t.notOk(isLink(join(settings, mask)), mask)
    t.notOk(isLink(link))
    t.strictSame(readdirSync(join(root, 'etc/fiona')), ['pseudonym.key'])
    for (const own of [
      'fiona-scp@default.service.d/override.conf',
      'fiona-job-ours.timer',
      'fiona.target.wants/fiona-job-ours.timer',
      'other.service',
    ]) {
      t.ok(lstatSync(join(settings, own), { throwIfNoEntry: false }), `${own} is not ours`)
    }
  },
)
