// `npm test`: installs what is missing, builds, runs every test with tap, and ends with the plain line
// `N passed, N failed` taken from tap's own count. Test files named on the command line run alone.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))))
// Peers' sockets delay small writes unless told not to (Nagle and delayed acknowledgements).
process.env.TCP_NODELAY = '1'
if (!existsSync('node_modules')) run('npm', ['ci', '--no-audit', '--no-fund'])
installPeers()
run(process.execPath, ['scripts/build.mjs'])

const files = process.argv.slice(2)
const child = spawn(
  process.execPath,
  ['scripts/run-tests.mjs', ...(files.length > 0 ? files : testFiles())],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const counts = { passed: 0, failed: 0, skipped: 0 }
const failures = []
const seconds = new Map()
let rest = ''
let file = ''
let explaining = false
child.stdout.on('data', (chunk) => {
  rest += chunk
  const lines = rest.split('\n')
  rest = lines.pop()
  lines.forEach(countLine)
})

/** A test is a top-level `t.test` of a file: indented by four in tap's report. Files by themselves are not counted unless they fail. */
function countLine(line) {
  const named = /^# Subtest: (.*)/.exec(line)
  if (named) file = named[1]
  const result =
    /^( {4})?(not ok|ok) \d+(?: - (.*?))?(?: # (?:time=[\d.]+m?s)?\s*(?:(SKIP|TODO)(.*))?)?(?: \{)?$/i.exec(
      line,
    )
  if (result === null) {
    explain(line)
    return
  }
  const [, isInFile, verdict, name = '', skip] = result
  if (isInFile === undefined) {
    if (verdict === 'not ok') failFile(name)
    const took = /# time=([\d.]+)(ms|s|m)/.exec(line)
    if (took) seconds.set(name, Number(took[1]) * { ms: 0.001, s: 1, m: 60 }[took[2]])
    return
  }
  if (skip) counts.skipped++
  else if (verdict === 'ok') counts.passed++
  else {
    counts.failed++
    failures.push(`${file}: ${name}`)
  }
  console.log(
    `${skip ? '-' : verdict === 'ok' ? '✓' : '✗'} ${file}: ${name}${skip ? ' (skipped)' : ''}`,
  )
}

/** A file that did not load, or died, may have no test that failed. */
function failFile(name) {
  console.log(`✗ ${name}`)
  if (failures.some((failure) => failure.startsWith(`${name}: `))) return
  counts.failed++
  failures.push(name)
}

/** What tap says of an assertion that failed: its line and the block behind it. */
function explain(line) {
  if (/^ {8,}not ok/.test(line)) explaining = true
  if (explaining) console.log(line)
  if (/^ +\.\.\.$/.test(line)) explaining = false
}

child.on('close', (code) => {
  const slowest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, 10)
  if (files.length !== 1) {
    for (const [name, took] of slowest) console.log(`took ${took.toFixed(1)} s: ${name}`)
  }
  for (const failure of failures) console.log(`failed: ${failure}`)
  if (code !== 0 && counts.failed === 0) {
    console.log(`error: the test runner exited with ${code}`)
    counts.failed++
  }
  console.log(
    `${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''}`,
  )
  process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0)
})

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
