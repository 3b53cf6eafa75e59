import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  journalStat,
  JournalWriter,
  pruneJournal,
  repairJournal,
  saveCursor,
} from '../../src/lib/journal/index.ts'
import { endOfJournal } from '../../src/lib/journal/read-journal.ts'
import { programArgs } from '../fixtures/program.ts'
import { linesOf } from './lines-of.ts'

const segments = (directory: string) =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.ndjson'))
    .sort()
const now = { olderThanMs: 0 }

async function fill(writer: JournalWriter, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await writer.append({ type: 'test', n, padding: 'x'.repeat(90) })
}

t.test(
  'pruning removes what every reader has passed, but the newest of a living writer',
  async (t) => {
    const directory = t.testdir()
    const writer = await JournalWriter.open(directory, { maxSegmentBytes: 300 })
    await fill(writer, 9)
    const all = segments(directory)
    t.ok(all.length >= 3)
    await saveCursor(directory, 'fast', { cursor: await endOfJournal(directory), seq: 1 })
    const [first = ''] = all
    await saveCursor(directory, 'slow', {
      cursor: { [first]: readFileSync(join(directory, first)).length },
      seq: 1,
    })
    const held = await pruneJournal(directory, now)
    t.same(
      held.removed.map(({ segment }) => segment),
      [first],
    )
    t.same(held.kept, { unread: all.length - 2, recent: 0, 'in use': 1 })

    await saveCursor(directory, 'slow', { cursor: await endOfJournal(directory), seq: 2 })
    t.equal(
      (await pruneJournal(directory, { ...now, dryRun: true })).removed.length,
      all.length - 2,
    )
    t.equal(segments(directory).length, all.length - 1, 'a dry run removes nothing')
    await pruneJournal(directory, now)
    t.same(segments(directory), all.slice(-1))

    await fill(writer, 1)
    t.equal((await linesOf(directory)).lines.length > 0, true, 'the writer goes on')
    await writer.close()
    await saveCursor(directory, 'slow', { cursor: await endOfJournal(directory), seq: 3 })
    await saveCursor(directory, 'fast', { cursor: await endOfJournal(directory), seq: 3 })
    await pruneJournal(directory, now)
    t.same(segments(directory), [], 'a closed writer holds nothing')
  },
)

t.test('what is young, unread, torn, or without any reader stays', async (t) => {
  const directory = t.testdir({ 'a.ndjson': '{"type":"a"}\n', 'b.ndjson': '{"type":"b"}\n{"to' })
  t.same((await pruneJournal(directory, now)).kept, { unread: 2, recent: 0, 'in use': 0 })
  await saveCursor(directory, 'reader', { cursor: await endOfJournal(directory), seq: 1 })
  const young = await pruneJournal(directory, { olderThanMs: 60_000 })
  t.same(young.kept, { unread: 1, recent: 1, 'in use': 0 })
  await pruneJournal(directory, now)
  t.same(segments(directory), ['b.ndjson'])
})

t.test(
  'a journal without readers goes by age alone when told so, one with readers does not',
  async (t) => {
    const files = () => ({ 'a.ndjson': '{"type":"a"}\n' })
    const read = t.testdir({ none: files(), some: files() })
    await saveCursor(join(read, 'some'), 'reader', { cursor: {}, seq: 0 })
    t.equal((await pruneJournal(join(read, 'none'), { ...now, unread: true })).removed.length, 1)
    t.equal((await pruneJournal(join(read, 'some'), { ...now, unread: true })).removed.length, 0)
  },
)

t.test('repair cuts the torn line of a killed writer into a file of its own', async (t) => {
  const directory = t.testdir()
  const fixture = programArgs('test/journal/fixtures/append-forever.ts')
  const child = spawn(process.execPath, [...fixture, directory, 'w'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  t.equal((await journalStat(directory)).living, 1)
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
  t.equal((await journalStat(directory)).living, 0)
  const [segment = ''] = segments(directory)
  const { lines } = await linesOf(directory)
  appendFileSync(join(directory, segment), '{"type":"to')
  const torn = readFileSync(join(directory, segment)).length

  const [repaired] = await repairJournal(directory)
  t.match(repaired, { segment, what: 'cut' })
  t.match(readFileSync(repaired?.file ?? '', 'utf8'), /\{"type":"to$/)
  const rest = readFileSync(repaired?.file ?? '').length
  t.equal(readFileSync(join(directory, segment)).length, torn - rest)
  t.same((await linesOf(directory)).lines, lines)
  t.same(await repairJournal(directory), [])
})

t.test('repair leaves a living writer alone, and completes a whole record', async (t) => {
  const directory = t.testdir()
  const writer = await JournalWriter.open(directory)
  await writer.append({ type: 'a' })
  const [living = ''] = segments(directory)
  appendFileSync(join(directory, living), '{"ty')
  writeFileSync(join(directory, '0.ndjson'), '{"type":"x"}\n{"type":"y"}')
  t.same(await repairJournal(directory), [
    { segment: '0.ndjson', bytes: 12, what: 'completed' },
    { segment: living, bytes: 4, what: 'alive' },
  ])
  t.equal(readFileSync(join(directory, '0.ndjson'), 'utf8'), '{"type":"x"}\n{"type":"y"}\n')
  await writer.close()
})

t.test(
  'a writer leaves no claim behind when it closes; pruning tidies up after the dead',
  async (t) => {
    const directory = t.testdir({ 'a.ndjson': '' })
    const writer = await JournalWriter.open(directory)
    await writer.append({ type: 'a' })
    t.equal(readdirSync(join(directory, 'writers')).length, 1)
    const claim = join(directory, 'writers', readdirSync(join(directory, 'writers'))[0] ?? '')
    await pruneJournal(directory, now)
    t.ok(existsSync(claim), 'a living one keeps it')
    const dead = { ...(JSON.parse(readFileSync(claim, 'utf8')) as object), start: '1' }
    await writer.close()
    t.notOk(existsSync(claim))
    writeFileSync(claim, JSON.stringify(dead))
    await pruneJournal(directory, now)
    t.notOk(existsSync(claim))
  },
)
