// `npm test`: installs what is missing, builds, runs every test with tap, and ends with the plain line
// `N passed, N failed` of what tap told. Test files named on the command line run alone.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleTests } from './tests/bundle.mjs'
import { runFiles } from './tests/run-files.mjs'

const signs = { passed: '✓', failed: '✗', skipped: '-' }

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))
// Peers' sockets delay small writes unless told not to (Nagle and delayed acknowledgements).
process.env.TCP_NODELAY = '1'
if (!existsSync('node_modules')) run('npm', ['ci', '--no-audit', '--no-fund'])
installPeers()
run(process.execPath, ['scripts/build.mjs'])

const named = process.argv.slice(2).map((file) => relative('.', file))
const files = named.length > 0 ? named : testFiles()
try {
  await bundleTests(files)
} catch (error) {
  console.log(`error: the tests could not be bundled: ${error.message}\n0 passed, 1 failed`)
  process.exit(1)
}
const counts = { passed: 0, failed: 0, skipped: 0 }
const failures = []
const seconds = new Map()
await runFiles(files, tellFile)

const slowest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, 10)
if (files.length > 1) {
  for (const [name, took] of slowest) console.log(`took ${took.toFixed(1)} s: ${name}`)
}
for (const failure of failures) console.log(`failed: ${failure}`)
console.log(
  `${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`,
)
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0)

function tellFile({ file, seconds: took, tests, unfinished, trouble }) {
  seconds.set(file, took)
  for (const { name, verdict, explanation } of tests) {
    counts[verdict]++
    for (const line of explanation) console.log(line)
    if (verdict === 'failed') failures.push(`${file}: ${name}`)
    console.log(`${signs[verdict]} ${file}: ${name}${verdict === 'skipped' ? ' (skipped)' : ''}`)
  }
  if (trouble === undefined) return
  for (const line of unfinished) console.log(line)
  counts.failed++
  failures.push(`${file}: ${trouble}`)
  console.log(`${signs.failed} ${file}: ${trouble}`)
}

/** Real peers to test against, from Debian's packages. */
function installPeers() {
  const peers = {
    dcmtk: 'storescu',
    orthanc: 'Orthanc',
    'openssh-server': 'sshd',
    dicom3tools: 'dciodvfy',
    mandoc: 'mandoc',
    jq: 'jq',
    faketime: 'faketime',
    shellcheck: 'shellcheck',
    openssl: 'openssl',
    procps: 'pkill',
    zsh: 'zsh',
    'libgdcm-tools': 'gdcmconv',
    'openjph-tools': 'ojph_expand',
    'libjpeg-turbo-progs': 'jpegtran',
    'tesseract-ocr': 'tesseract',
  }
  const missing = Object.entries(peers)
    .filter(
      ([, command]) =>
        spawnSync('sh', ['-c', `command -v ${command} || test -x /usr/sbin/${command}`]).status !==
        0,
    )
    .map(([name]) => name)
  if (spawnSync('/usr/bin/python3', ['-c', 'import pydicom.data']).status !== 0)
    missing.push('python3-pydicom')
  // An S3 store: OpenStack Swift, of which a test starts what it needs in one process.
  const swift = ['account', 'container', 'object', 'proxy'].filter(
    (server) => !existsSync(`/usr/bin/swift-${server}-server`),
  )
  missing.push(...swift.map((server) => `swift-${server}`))
  if (!existsSync('/usr/share/orthanc/plugins/libOrthancDicomWeb.so'))
    missing.push('orthanc-dicomweb')
  if (missing.length === 0) return
  const canInstall =
    process.getuid?.() === 0 && spawnSync('sh', ['-c', 'command -v apt-get']).status === 0
  if (!canInstall) {
    console.log(
      `Tests against real peers will be skipped: as root, run apt-get install ${missing.join(' ')}`,
    )
    return
  }
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const quiet = { stdio: ['ignore', 'ignore', 'inherit'], env: environment }
  spawnSync('apt-get', ['update', '-qq'], quiet)
  const done = spawnSync(
    'apt-get',
    ['install', '-y', '-qq', '--no-install-recommends', ...missing],
    quiet,
  )
  if (done.status !== 0)
    console.log(`Could not install ${missing.join(' ')}: tests against them will be skipped`)
}

function testFiles() {
  return readdirSync('test', { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => `test/${name}`)
}

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) {
    console.log(`error: ${command} ${args.join(' ')} failed\n0 passed, 1 failed`)
    process.exit(1)
  }
}
