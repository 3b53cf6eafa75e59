import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { journalStat, saveCursor } from '../../src/lib/journal/index.ts'
import { binDir, run, start } from '../fixtures/peers.ts'

// tap's loaders are for the tests: the tools run as they do for everybody.
process.env['NODE_OPTIONS'] = ''
const journal = (args: readonly string[], input?: string) =>
  run(`${binDir}/fiona-journal`, args, input === undefined ? {} : { input })
const record = (n: number, fields: object = {}) => JSON.stringify({ type: 'test', n, ...fields })
const lines = (...records: readonly string[]) => records.map((line) => `${line}\n`).join('')
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

t.test('what is appended is read again, and append prints nothing', async (t) => {
  const dataDir = t.testdir()
  const text = lines(...numbers(1000).map((n) => record(n)))
  const appended = await journal(['append', 'received', '--data-dir', dataDir], text)
  t.same(appended, { code: 0, stdout: '', stderr: '' })
  const read = await journal(['cat', 'received', '--data-dir', dataDir])
  t.same(read, { code: 0, stdout: text, stderr: '' })
  t.equal((await journal(['cat', join(dataDir, 'journal', 'received')])).stdout, text, 'by path')
  t.equal((await journal(['cat', `file://${dataDir}/journal/received`])).stdout, text, 'by URL')
})

t.test('lines that are no records are refused by number, the others are taken', async (t) => {
  const dataDir = t.testdir()
  const input = `${record(1)}\nPatient^Name\n\n[]\n{"n":2}\n{"type":"mark","seq":9}\r\n${record(3)}`
  const { code, stderr } = await journal(['append', 'x', '--data-dir', dataDir], input)
  t.equal(code, 65)
  t.same(
    stderr.split('\n').map((line) => /^error: line (\d+)/.exec(line)?.[1]),
    ['2', '4', '5', '6', undefined],
  )
  t.notMatch(stderr, 'Patient', 'lines may hold names')
  const { stdout } = await journal(['cat', 'x', '--data-dir', dataDir])
  t.equal(stdout, lines(record(1), record(3)))
})

t.test('a line of more than 16 MiB is refused, and those around it are taken', async (t) => {
  const dataDir = t.testdir()
  const long = JSON.stringify({ type: 'long', text: 'x'.repeat(17 * 1024 * 1024) })
  const input = lines(record(1), long, record(3))
  const { code, stderr } = await journal(['append', 'x', '--data-dir', dataDir], input)
  t.equal(code, 65)
  t.match(stderr, /^error: line 2 is longer than 16777216 bytes\n$/)
  t.equal((await journal(['cat', 'x', '--data-dir', dataDir])).stdout, lines(record(1), record(3)))
})

t.test('records are taken from files, in any layout', async (t) => {
  const dataDir = t.testdir({
    'pretty.json': JSON.stringify({ type: 'test', n: 1 }, null, 2),
    'many.ndjson': `${lines(record(2), 'x')}${record(3)}`,
  })
  const files = ['pretty.json', 'many.ndjson'].flatMap((name) => ['--record', join(dataDir, name)])
  const { code, stderr } = await journal(['append', 'x', '--data-dir', dataDir, ...files])
  t.equal(code, 65)
  t.match(stderr, /many\.ndjson: line 2 is not JSON/)
  t.equal(
    (await journal(['cat', 'x', '--data-dir', dataDir])).stdout,
    lines(record(1), record(2), record(3)),
  )
  const missing = ['append', 'x', '--data-dir', dataDir, '--record', '/nowhere/r.json']
  t.match(await journal(missing), { code: 65, stderr: 'error: /nowhere/r.json cannot be read' })
})

t.test('cat shows only what fits', async (t) => {
  const dataDir = t.testdir()
  const study = { StudyInstanceUID: '1.2', time: '2026-01-01T00:00:00.000Z' }
  const text = lines(record(1, study), record(2, { StudyInstanceUID: '1.20' }), '{"type":"note"}')
  await journal(['append', 'x', '--data-dir', dataDir], text)
  const cat = async (...args: string[]) =>
    (await journal(['cat', 'x', '--data-dir', dataDir, ...args])).stdout
  t.equal(await cat('--study', '1.2'), lines(record(1, study)))
  t.equal(await cat('--type', 'note'), '{"type":"note"}\n')
  t.equal(await cat('--since', '2026-01-01'), lines(record(1, study)))
  t.equal(await cat('--until', '2026-01-01'), '')
  t.match(await journal(['cat', 'x', '--data-dir', dataDir, '--since', 'yesterday']), {
    code: 64,
    stderr: 'error: --since must be a time such as 2026-11-24',
  })
})

t.test('cat goes on where a reader stands, and names the readers there are', async (t) => {
  const dataDir = t.testdir()
  const directory = join(dataDir, 'journal', 'x')
  await journal(['append', 'x', '--data-dir', dataDir], lines(record(1), record(2)))
  const segment = readdirSync(directory).find((name) => name.endsWith('.ndjson')) ?? ''
  await saveCursor(directory, 'organize', { cursor: { [segment]: record(1).length + 1 }, seq: 1 })
  const from = ['cat', 'x', '--data-dir', dataDir, '--from-cursor']
  t.equal((await journal([...from, 'organize'])).stdout, lines(record(2)))
  t.match(await journal([...from, 'nobody']), {
    code: 65,
    stderr: 'error: no reader is called nobody here\nhint: there are: organize\n',
  })
})

t.test('a reader that has seen enough ends it quietly', async (t) => {
  const dataDir = t.testdir()
  await journal(
    ['append', 'x', '--data-dir', dataDir],
    lines(...numbers(100_000).map((n) => record(n))),
  )
  const command = `fiona-journal cat x --data-dir '${dataDir}' | head -2; echo "\${PIPESTATUS[0]}"`
  const { stdout, stderr } = await run('bash', ['-c', command])
  t.equal(stderr, '')
  t.equal(stdout, lines(record(0), record(1), '0'))
})

t.test('a journal that is not there is an error that names those there are', async (t) => {
  const dataDir = t.testdir()
  await journal(['append', 'received', '--data-dir', dataDir], lines(record(1)))
  for (const command of ['cat', 'stat', 'prune', 'repair']) {
    const { code, stdout, stderr } = await journal([command, 'recieved', '--data-dir', dataDir])
    t.equal(code, 65)
    t.equal(stdout, '')
    t.equal(
      stderr,
      `error: there is no journal at ${dataDir}/journal/recieved\nhint: in ${dataDir} there are: received\n`,
    )
  }
})

t.test('follow prints what others append, at once', async (t) => {
  const dataDir = t.testdir()
  await journal(['append', 'x', '--data-dir', dataDir], lines(record(1)))
  const all = start(`${binDir}/fiona-journal`, ['follow', 'x', '--all', '--data-dir', dataDir])
  const seen = createInterface({ input: all.stdout as NonNullable<typeof all.stdout> })[
    Symbol.asyncIterator
  ]()
  t.equal((await seen.next()).value, record(1))
  // Now it is at the end: what comes goes through the watch, not through the first look.
  const writer = start(`${binDir}/fiona-journal`, ['append', 'x', '--data-dir', dataDir])
  for (let n = 2; n < 22; n++) {
    writer.stdin?.write(lines(record(n)))
    t.equal((await seen.next()).value, record(n), 'also while its writer stays open')
  }
  writer.stdin?.end()
  const exit = once(all, 'exit')
  all.kill('SIGTERM')
  t.same(await exit, [0, null])
})

t.test('follow begins at the end, and waits for a journal that is not there yet', async (t) => {
  const dataDir = t.testdir()
  const child = start(`${binDir}/fiona-journal`, ['follow', 'later', '--data-dir', dataDir])
  const [warning] = (await once(child.stderr as NonNullable<typeof child.stderr>, 'data')) as [
    Buffer,
  ]
  t.match(warning.toString(), 'there is no journal at')
  const next = once(child.stdout as NonNullable<typeof child.stdout>, 'data')
  let isThere = false
  void next.then(() => (isThere = true))
  // Whether it has begun to look cannot be seen from outside: append until it sees one.
  for (let n = 0; !isThere; n++) {
    await journal(['append', 'later', '--data-dir', dataDir], lines(record(n)))
  }
  t.match(((await next) as [Buffer])[0].toString(), /"type":"test"/)
  child.kill('SIGTERM')
  await once(child, 'exit')
})

t.test(
  'killed in the middle of appending: whole lines are read, the rest is repaired',
  async (t) => {
    const dataDir = t.testdir()
    const directory = join(dataDir, 'journal', 'x')
    const writer = start(`${binDir}/fiona-journal`, ['append', 'x', '--data-dir', dataDir])
    writer.stdin?.write(lines(record(1)))
    while (!(await hasLine(directory))) await new Promise((resolve) => setTimeout(resolve, 5))
    t.match(JSON.parse((await journal(['stat', 'x', '--json', '--data-dir', dataDir])).stdout), {
      writers: 1,
      living: 1,
    })
    const exit = once(writer, 'exit')
    writer.kill('SIGKILL')
    await exit
    const segment = readdirSync(directory).find((name) => name.endsWith('.ndjson')) ?? ''
    appendFileSync(join(directory, segment), '{"type":"torn')
    t.equal((await journal(['cat', 'x', '--data-dir', dataDir])).stdout, lines(record(1)))
    const repaired = await journal(['repair', 'x', '--data-dir', dataDir])
    t.equal(repaired.code, 0)
    t.match(repaired.stdout, /^x: cut 13 bytes of a torn line off .*; they are in \//)
    t.equal(readFileSync(join(directory, segment), 'utf8'), lines(record(1)))
    t.match((await journal(['repair', 'x', '--data-dir', dataDir])).stdout, 'nothing to repair')
  },
)

async function hasLine(directory: string): Promise<boolean> {
  return (await journalStat(directory).catch(() => ({ lines: 0 }))).lines > 0
}

t.test('stat shows every journal, and what each reader has before it', async (t) => {
  const dataDir = t.testdir()
  await journal(['append', 'received', '--data-dir', dataDir], lines(record(1), record(2)))
  await journal(['append', 'sent', '--data-dir', dataDir], lines(record(1)))
  await saveCursor(join(dataDir, 'journal', 'received'), 'organize', { cursor: {}, seq: 0 })
  const { stdout } = await journal(['stat', '--data-dir', dataDir])
  t.match(stdout.split('\n'), [
    /^JOURNAL +WRITERS +SEGMENTS +LINES +BYTES +READER +LAG$/,
    /^received +1 +1 +2 +44 B +organize +2 lines, 44 B$/,
    /^sent +1 +1 +1 +22 B +- +-$/,
    '',
  ])
  const json = (await journal(['stat', '--json', '--data-dir', dataDir])).stdout
  t.match(
    json
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
    [
      { journal: 'received', lines: 2, segments: 1, readers: { organize: { lagLines: 2 } } },
      { journal: 'sent', lines: 1, bytes: 22, readers: {} },
    ],
  )
})

t.test('prune tells what it removes and why the rest stays', async (t) => {
  const dataDir = t.testdir()
  mkdirSync(join(dataDir, 'journal', 'x'), { recursive: true })
  const directory = join(dataDir, 'journal', 'x')
  writeFileSync(join(directory, 'a.ndjson'), lines(record(1)))
  writeFileSync(join(directory, 'b.ndjson'), lines(record(2)))
  const prune = (...args: string[]) =>
    journal(['prune', 'x', '--data-dir', dataDir, '--older-than-days', '0', ...args])
  t.match((await prune()).stdout, /removed 0 segments.*kept 2 unread\n.*no reader has saved/)
  await saveCursor(directory, 'reader', { cursor: { 'a.ndjson': record(1).length + 1 }, seq: 1 })
  t.match((await prune('--dry-run')).stdout, /^would remove a\.ndjson \(22 B\)\n/)
  t.match(JSON.parse((await prune('--json')).stdout), {
    removed: [{ segment: 'a.ndjson', bytes: 22 }],
    kept: { unread: 1 },
  })
  // Beside what is left lies the note of how far records may be gone (`fiona-import --reconcile` asks for it).
  t.same(readdirSync(directory).sort(), ['b.ndjson', 'cursors', 'pruned.json'])
})

t.test('usage mistakes are told, and postgres: is refused', async (t) => {
  const cases: [string[], number, RegExp][] = [
    [['eat', 'x'], 64, /"eat" is no command; there are append, cat, follow/],
    [['cat'], 64, /cat needs a journal/],
    [['cat', 'a', 'b'], 64, /cat takes one journal/],
    [['cat', 'x', '--dry-run'], 64, /--dry-run means nothing to cat/],
    [['follow', 'x', '--all', '--from-end'], 64, /exclude each other/],
    [['cat', '..'], 64, /is no name for a journal/],
    [['cat', 'postgres://u@h/db?journal=x'], 64, /journals cannot be kept in postgres:/],
  ]
  for (const [args, code, message] of cases) {
    const answer = await journal(args)
    t.equal(answer.code, code, args.join(' '))
    t.match(answer.stderr, message)
  }
  t.match(await journal(['--help']), { code: 0, stdout: /follow/ })
})

t.test('many writers at once, one killed: every acknowledged line is there', async (t) => {
  const dataDir = t.testdir()
  const count = 300
  const children = numbers(4).map((writer) => {
    const child = spawn(`${binDir}/fiona-journal`, ['append', 'x', '--data-dir', dataDir])
    child.stdin.on('error', () => undefined)
    child.stdin.end(lines(...numbers(count).map((n) => record(n, { writer }))))
    return child
  })
  children[0]?.kill('SIGKILL')
  await Promise.all(children.map((child) => once(child, 'exit')))
  const { stdout } = await journal(['cat', 'x', '--data-dir', dataDir])
  const found = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { n: number; writer: number })
  for (const writer of [1, 2, 3]) {
    t.same(
      found.filter((one) => one.writer === writer).map(({ n }) => n),
      numbers(count),
    )
  }
})
