// The front doors of journals: many writers, long lines, readers that are killed. Nothing is lost.
import { spawnSync } from 'node:child_process'
import {
  chownSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { holdNamedPipe } from '../../src/lib/storage/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { missing, run } from '../fixtures/peers.ts'
import { Site } from './front-door.ts'
import { until } from './import-site.ts'

function site(t: Test, args?: readonly string[]): Site {
  const made = new Site(args)
  t.teardown(() => made.remove())
  return made
}
/** A record that says nothing of any file, so that many of them can be made. */
const series = (name: string, note = '') => ({
  type: 'series',
  v: 1,
  SeriesInstanceUID: '2.25.7',
  StudyInstanceUID: '2.25.5',
  path: '/data/x',
  instances: 1,
  bytes: 1,
  reason: 'quiet',
  name,
  note,
})
/** Many writers at once, one process each: names `w-n`, lines of about so many bytes. */
const writers = (site: Site, count: number, lines: number, bytes: number, isLocked = false) =>
  run('/usr/bin/python3', ['-c', writerScript], {
    input: JSON.stringify({
      pipe: site.pipe,
      count,
      lines,
      isLocked,
      record: series('NAME', 'x'.repeat(bytes)),
    }),
  })
const writerScript = `
import fcntl, json, os, sys
told = json.load(sys.stdin)
children = []
for w in range(told['count']):
    pid = os.fork()
    if pid:
        children.append(pid)
        continue
    fd = os.open(told['pipe'], os.O_WRONLY)
    for n in range(told['lines']):
        told['record']['name'] = '%d-%d' % (w, n)
        line = (json.dumps(told['record']) + chr(10)).encode()
        if told['isLocked']:
            fcntl.flock(fd, fcntl.LOCK_EX)
        while line:
            line = line[os.write(fd, line):]
        if told['isLocked']:
            fcntl.flock(fd, fcntl.LOCK_UN)
    os._exit(0)
for pid in children:
    os.waitpid(pid, 0)
`
const names = (records: readonly AnyRecord[]) => new Set(records.map((record) => record['name']))

t.test('lines of 4096 bytes from eight writers: each is there once', async (t) => {
  const door = site(t)
  await door.open()
  const overhead = JSON.stringify(series('0-00')).length + 1
  t.equal((await writers(door, 8, 100, 4070 - overhead)).code, 0)
  const records = await door.records('received', (found) => found.length >= 800)
  t.equal(records.length, 800)
  t.equal(names(records).size, 800)
  t.equal(await door.stop('SIGTERM'), 0)
  t.same(await door.records('errors', () => true), [])
})

t.test('lines of 1 MB from writers that take turns: each is there once', async (t) => {
  const door = site(t)
  await door.open()
  t.equal((await writers(door, 4, 8, 1_000_000, true)).code, 0)
  const records = await door.records('received', (found) => found.length >= 32)
  t.equal(names(records).size, 32)
  t.equal(records.length, 32)
  t.equal(await door.stop('SIGTERM'), 0)
})

t.test('lines of 1 MB that writers mix are told, none is passed over', async (t) => {
  const door = site(t)
  await door.open()
  t.equal((await writers(door, 4, 4, 1_000_000)).code, 0)
  await run('sh', ['-c', 'echo "$1" > "$2"', 'sh', JSON.stringify(series('last')), door.pipe])
  const records = await door.records('received', (found) => names(found).has('last'))
  t.equal(await door.stop('SIGTERM'), 0)
  const errors = await door.records('errors', () => true)
  t.ok(errors.length > 0, 'the kernel mixed some')
  for (const error of errors) {
    t.match(error, { code: /E_RECORD_PARSE|E_PATH_RELATIVE/ })
    const shown = String(error['record'])
    const told = /\((\d+) bytes(?:, kept in (\S+))?\)/.exec(String(error['message']))
    if (told === null) {
      // A piece as short as a line of one writer alone may be.
      t.ok(shown.length <= 4096, 'all of it is kept')
      continue
    }
    t.match(error, { message: /fiona-journal append/ })
    const [, bytes, place] = told
    const whole = place === undefined ? shown : readFileSync(place, 'latin1')
    t.equal(whole.length, Number(bytes), 'all of it is kept')
    t.ok(whole.startsWith(shown), 'and shown')
  }
  t.equal(names(records).size + errors.length, 17, 'as many lines as there were newlines')
})

t.test(
  'REL-12: a reader killed again and again loses nothing of what waits and of what it has',
  async (t) => {
    const door = site(t)
    await door.open()
    // As fiona up does: what nobody has read stays in the kernel.
    const letGo = holdNamedPipe(door.pipe)
    t.teardown(letGo)
    let written = 0
    const write = (name: string) => {
      const fd = openSync(door.pipe, constants.O_WRONLY)
      for (let n = 0; n < 100; n++) {
        const line = `${JSON.stringify(series(`${name}-${String(n)}`, 'x'.repeat(200)))}\n`
        written += writeSync(fd, line)
      }
      closeSync(fd)
    }
    for (let kill = 0; kill < 8; kill++) {
      write(`has ${String(kill)}`)
      // It has read them all; how many are done nobody knows.
      await until(() => door.spooled() === written)
      door.signal('SIGSTOP')
      write(`waits ${String(kill)}`)
      await door.stop('SIGKILL')
      await door.open()
    }
    const whole = await door.records('received', (found) => names(found).size >= 1600)
    t.equal(names(whole).size, 1600)
    t.equal(await door.stop('SIGTERM'), 0)
    t.same(await door.records('errors', () => true), [], 'no line was cut')
  },
)

t.test(
  'killed while lines are in hand, and with nobody else at the pipe, it does them again',
  async (t) => {
    const door = site(t)
    await door.open()
    const folder = join(door.root, 'in')
    mkdirSync(folder)
    for (let n = 0; n < 200; n++) {
      writeFileSync(join(folder, `${String(n)}.dcm`), ctImage({ sopUID: `2.25.${String(n + 1)}` }))
    }
    const loop = 'for f in "$1"/*.dcm; do echo "$f"; done > "$2"'
    await run('sh', ['-c', loop, 'sh', folder, door.pipe])
    // Nobody else has the pipe open: what is not read by then is lost with the reader. How much is done, nobody knows.
    const paths = readdirSync(folder).map((name) => `${join(folder, name)}\n`)
    await until(() => door.spooled() === paths.join('').length)
    await door.stop('SIGKILL')
    await door.open()
    const uids = (found: AnyRecord[]) =>
      new Set(found.map((record) => record['SOPInstanceUID'])).size
    const records = await door.records('received', (found) => uids(found) >= 200)
    t.equal(uids(records), 200)
    t.equal(await door.stop('SIGTERM'), 0)
    const kept = readdirSync(join(door.root, 'data/state/front-door/test.pipe'))
    t.same(
      kept.filter((name) => name.endsWith('.lines')),
      [],
      'what is done is not kept',
    )
  },
)

t.test('a line that is half written when the reader is killed is whole afterwards', async (t) => {
  const door = site(t)
  await door.open()
  const letGo = holdNamedPipe(door.pipe)
  t.teardown(letGo)
  const line = `${JSON.stringify(series('halves', 'x'.repeat(50_000)))}\n`
  const fd = openSync(door.pipe, constants.O_WRONLY)
  writeSync(fd, line.slice(0, 25_000))
  await until(() => door.spooled() === 25_000)
  await door.stop('SIGKILL')
  writeSync(fd, line.slice(25_000))
  closeSync(fd)
  await door.open()
  t.match(await door.records('received', (found) => found.length > 0), [{ name: 'halves' }])
  t.equal(await door.stop('SIGTERM'), 0)
  t.same(await door.records('errors', () => true), [])
})

t.test('odd lines: without end, too long, NUL, not UTF-8, CRLF', async (t) => {
  const door = site(t)
  await door.open()
  const path = join(door.root, 'one.dcm')
  writeFileSync(path, ctImage({ sopUID: '2.25.1' }))
  // 100 MB in one line, then one that is good.
  const long = `head -c 100000000 /dev/zero | tr '\\0' x > "$1"; printf '\\n%s\\r\\n' "$2" > "$1"`
  await run('sh', ['-c', long, 'sh', door.pipe, path])
  await door.records('received', (found) => found.length === 1)
  await run('sh', [
    '-c',
    `printf '\\377\\376,a\\n\\0\\0no,\\0such,thing\\n' > "$1"`,
    'sh',
    door.pipe,
  ])
  const errors = await door.records('errors', (found) => found.length === 3)
  t.same(
    errors.map(({ code, record }) => [code, String(record).slice(0, 3)]),
    [
      ['E_LINE_TOO_LONG', 'xxx'],
      ['E_PATH_RELATIVE', '\ufffd\ufffd,'],
      ['E_PATH_RELATIVE', '\0\0n'],
    ],
  )
  t.equal(await door.stop('SIGTERM'), 0)
})

t.test('of a line without end its beginning is kept, and the spool does not grow', async (t) => {
  const door = site(t)
  await door.open()
  await run('sh', ['-c', `head -c 200000000 /dev/zero | tr '\\0' x > "$1"`, 'sh', door.pipe])
  const spool = join(door.root, 'data/state/front-door/test.pipe')
  const bytes = () =>
    readdirSync(spool)
      .filter((name) => name.endsWith('.lines'))
      .reduce(
        (sum, name) => sum + (statSync(join(spool, name), { throwIfNoEntry: false })?.size ?? 0),
        0,
      )
  // No newline came, nor will come before the pause ends the line.
  await until(() => bytes() < 8_000_000)
  await door.stop('SIGKILL')
  await door.open()
  const path = join(door.root, 'one.dcm')
  writeFileSync(path, ctImage({ sopUID: '2.25.1' }))
  await run('sh', ['-c', `printf '\\n%s\\n' "$2" > "$1"`, 'sh', door.pipe, path])
  await door.records('received', (found) => found.length === 1)
  t.equal(await door.stop('SIGTERM'), 0)
  const errors = await door.records('errors', () => true)
  t.match(errors, [{ code: 'E_LINE_TOO_LONG' }])
  t.equal(errors.length, 1)
  const [, place = ''] = /kept in (\S+)\)/.exec(String(errors[0]?.['message'])) ?? []
  t.ok(statSync(place).size > 16 * 1024 * 1024)
})

t.test('the record of an original receiver, written as it writes it', async (t) => {
  const door = site(t)
  await door.open()
  const folder = join(door.root, 'archive of old/scp_2.25.5')
  mkdirSync(folder, { recursive: true })
  for (const n of [1, 2, 3]) {
    writeFileSync(join(folder, `CT.2.25.${String(n)}`), ctImage({ sopUID: `2.25.${String(n)}` }))
  }
  // strlen + 1 bytes each, one open() a record.
  const records = [
    `"MR 1","FI\\ONA",10.0.0.1,${folder},CT.2.25.1\n\0`,
    `CT2,FIONA,,${folder},CT.2.25.2\n\0`,
    `A,B,C,10.0.0.1,${folder},CT.2.25.3\n\0`,
    `${folder}/CT.2.25.3\n\0`,
  ]
  for (const record of records) {
    const fd = openSync(door.pipe, constants.O_WRONLY)
    writeSync(fd, record)
    closeSync(fd)
  }
  const received = await door.records('received', (found) => found.length === 3)
  t.match(received, [
    {
      SOPInstanceUID: '2.25.1',
      path: /data\/default\/archive/,
      source: { callingAET: 'MR1', calledAET: 'FIONA', address: '10.0.0.1' },
    },
    { SOPInstanceUID: '2.25.2', source: { callingAET: 'CT2', address: '0.0.0.0' } },
    { SOPInstanceUID: '2.25.3' },
  ])
  t.notOk('source' in (received[2] ?? {}))
  const errors = await door.records('errors', (found) => found.length === 1)
  t.match(errors, [{ code: 'E_PATH_RELATIVE', message: /exactly five fields/ }])
  t.equal(readdirSync(folder).length, 3, 'its archive is left as it is')
  t.equal(await door.stop('SIGTERM'), 0)
})

t.test(
  'the door of a later journal takes the records it is made of, and nothing else',
  async (t) => {
    const door = site(t, ['--journal', 'outbox', '--records-only'])
    await door.open()
    const deidentified = {
      type: 'deidentified',
      v: 1,
      requestId: 'r1',
      project: 'p',
      participant: 'S1',
      StudyInstanceUID: '2.25.9',
      path: '/data/p/outbox/S1/2.25.9',
      series: [],
      instances: 0,
      bytes: 0,
      profile: 'basic',
      profileDigest: '0'.repeat(64),
      revision: 1,
      removed: {},
    }
    const lines = ['/etc/passwd', series('clinical'), { ...deidentified, path: 7 }, deidentified]
    const text = lines
      .map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
      .join('\n')
    await run('sh', ['-c', 'echo "$1" > "$2"', 'sh', text, door.pipe])
    t.match(await door.records('outbox', (found) => found.length > 0), [deidentified])
    const errors = await door.records('errors', (found) => found.length >= 3)
    t.same(
      errors.map(({ code }) => code),
      ['E_RECORD_INVALID', 'E_RECORD_INVALID', 'E_RECORD_INVALID'],
    )
    t.match(errors[1], { message: /series does not come in by the front door of outbox/ })
    t.equal(await door.stop('SIGTERM'), 0)
  },
)

t.test(
  'mode and group are what the configuration says, also of a pipe that is there',
  async (t) => {
    const door = site(t)
    mkdirSync(join(door.root, 'run'))
    spawnSync('mkfifo', ['-m', '0666', door.pipe])
    await door.open()
    t.equal(statSync(door.pipe).mode & 0o7777, 0o620)
    await door.stop('SIGTERM')
    const config = join(door.root, 'fiona.json')
    const gid = process.getgid?.() ?? 0
    writeFileSync(config, JSON.stringify({ frontDoors: { mode: '0660', group: String(gid) } }))
    await door.open({ FIONA_CONFIG: config })
    t.match(statSync(door.pipe), { gid })
    t.equal(statSync(door.pipe).mode & 0o7777, 0o660)
    await door.stop('SIGTERM')
    writeFileSync(config, JSON.stringify({ frontDoors: { group: 'no-such-group-here' } }))
    await t.rejects(door.open({ FIONA_CONFIG: config }), /there is no group/)
  },
)

t.test(
  'another user’s pipe is refused',
  { skip: process.getuid?.() === 0 ? missing('mkfifo') : 'only root can make one' },
  async (t) => {
    const door = site(t)
    mkdirSync(join(door.root, 'run'))
    spawnSync('mkfifo', [door.pipe])
    chownSync(door.pipe, 65534, 65534)
    await t.rejects(door.open(), /belongs to another user/)
  },
)
