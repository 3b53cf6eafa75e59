import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { JournalWriter } from '../../src/lib/journal/index.ts'
import { SegmentNames } from '../../src/lib/journal/segment.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { programArgs } from '../fixtures/program.ts'
import { linesOf, recordsOf } from './lines-of.ts'

const segments = (directory: string) =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.ndjson'))
    .sort()

t.test('what is appended is there, in order, one line a record', async (t) => {
  const directory = join(t.testdir(), 'journal', 'received')
  const journal = await JournalWriter.open(directory)
  await Promise.all([
    journal.append({ type: 'a', n: 1 }),
    journal.append('{"type":"b","text":"ü\\n"}'),
    journal.appendLines(Buffer.from('{"type":"c"}\n{"type":"d"}\n')),
  ])
  await journal.close()
  t.same((await linesOf(directory)).lines, [
    '{"type":"a","n":1}',
    '{"type":"b","text":"ü\\n"}',
    '{"type":"c"}',
    '{"type":"d"}',
  ])
  await t.rejects(journal.append({ type: 'late' }), { code: 'E_JOURNAL_CLOSED' })
})

t.test('a text of two lines is refused: it would be two records', async (t) => {
  const journal = await JournalWriter.open(t.testdir())
  await t.rejects(journal.append('{"type":"a"}\n{"type":"b"}'), { code: 'E_RECORD_INVALID' })
  await t.rejects(journal.append(''), { code: 'E_RECORD_INVALID' })
  await journal.close()
})

t.test('a writer that appends nothing leaves no segment', async (t) => {
  const directory = t.testdir()
  await (await JournalWriter.open(directory)).close()
  t.same(segments(directory), [])
})

t.test('many appends share one write, and each is on disk when it resolves', async (t) => {
  const directory = t.testdir()
  const journal = await JournalWriter.open(directory)
  const order: number[] = []
  await Promise.all(
    Array.from({ length: 1000 }, async (_, n) => {
      await journal.append({ type: 'test', n })
      order.push(n)
    }),
  )
  t.same(
    order,
    Array.from({ length: 1000 }, (_, n) => n),
  )
  t.equal((await linesOf(directory)).lines.length, 1000)
  await journal.close()
})

t.test('a full segment is followed by a new one, and none is much larger than told', async (t) => {
  const directory = t.testdir()
  const journal = await JournalWriter.open(directory, { maxSegmentBytes: 1000 })
  for (let n = 0; n < 100; n++) await journal.append({ type: 'test', n, padding: 'x'.repeat(100) })
  await journal.close()
  const names = segments(directory)
  t.ok(names.length >= 12, `${names.length} segments`)
  for (const name of names) t.ok(statSync(join(directory, name)).size < 1200)
  t.same(
    (await recordsOf(directory)).map(({ n }) => n),
    Array.from({ length: 100 }, (_, n) => n),
  )
})

t.test('writers never share a segment, and each keeps its own order', async (t) => {
  const directory = t.testdir()
  const writers = await Promise.all(
    ['a', 'b', 'c'].map((writer) =>
      JournalWriter.open(directory, { writer, maxSegmentBytes: 500 }),
    ),
  )
  await Promise.all(
    writers.map(async (journal, writer) => {
      for (let n = 0; n < 50; n++) await journal.append({ type: 'test', writer, n })
      await journal.close()
    }),
  )
  for (const name of segments(directory)) {
    const lines = readFileSync(join(directory, name), 'utf8').trim().split('\n')
    t.equal(new Set(lines.map((line) => (JSON.parse(line) as AnyRecord)['writer'])).size, 1)
  }
  const records = await recordsOf(directory)
  for (const writer of [0, 1, 2]) {
    t.same(
      records.filter((record) => record['writer'] === writer).map(({ n }) => n),
      Array.from({ length: 50 }, (_, n) => n),
    )
  }
})

t.test('a torn last line is never joined with later data', async (t) => {
  const directory = t.testdir()
  const first = await JournalWriter.open(directory)
  await first.append({ type: 'whole', n: 1 })
  appendFileSync(join(directory, segments(directory)[0] ?? ''), '{"type":"to')
  const second = await JournalWriter.open(directory)
  await second.append({ type: 'whole', n: 2 })
  t.same(
    (await recordsOf(directory)).map(({ n }) => n),
    [1, 2],
  )
  await first.close()
  await second.close()
})

t.test('names keep the order of making when the clock is set back', async (t) => {
  const before = new SegmentNames('w').next([], Date.UTC(2026, 5, 1, 12))
  const after = new SegmentNames('w').next([before], Date.UTC(2026, 5, 1, 11))
  t.ok(before < after, `${before} < ${after}`)
})

t.test('sync makes written lines durable and tells when they were lost', async (t) => {
  const directory = t.testdir()
  const journal = await JournalWriter.open(directory)
  await journal.write(Buffer.from('{"type":"a"}\n'))
  await journal.sync()
  t.same((await linesOf(directory)).lines, ['{"type":"a"}'])
  await journal.close()
})

t.test(
  'what the kernel refuses is refused and not in the journal, and the journal goes on',
  async (t) => {
    // A limit of file size: half of a write goes in, the next one fails, a new file has room again.
    const directory = t.testdir()
    const child = spawn(
      'bash',
      [
        '-c',
        `ulimit -f 8; exec "${process.execPath}" ${programArgs('test/journal/fixtures/append-until-refused.ts').join(' ')} ${directory}`,
      ],
      // tsx would keep what it compiles in files that are larger.
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TSX_DISABLE_CACHE: '1' } },
    )
    const out: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    const [code] = (await once(child, 'close')) as [number]
    t.equal(code, 0)
    const { appended, refused } = JSON.parse(Buffer.concat(out).toString()) as {
      appended: number[]
      refused: number[]
    }
    t.ok(refused.length > 0, 'the limit was reached')
    const found = (await recordsOf(directory)).map(({ n }) => n as number)
    t.same(found, appended, 'exactly what was acknowledged is there')
  },
)

t.test('a writer killed at any moment loses nothing it has acknowledged', async (t) => {
  const directory = t.testdir()
  const fixture = programArgs('test/journal/fixtures/append-forever.ts')
  const rounds = 6
  const acknowledged: Record<string, number[]> = {}
  await Promise.all(
    [0, 1].map(async (lane) => {
      for (let round = 0; round < rounds; round++) {
        const writer = `w${lane}.${round}`
        const child = spawn(process.execPath, [...fixture, directory, writer, '20000'], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        let text = ''
        const enough = 20 + Math.floor(Math.random() * 2000)
        child.stdout.on('data', (chunk: Buffer) => {
          text += chunk.toString()
          if (text.length > enough) child.kill('SIGKILL')
        })
        await once(child, 'close')
        acknowledged[writer] = text.split('\n').slice(0, -1).map(Number)
      }
    }),
  )
  const records = await recordsOf(directory)
  for (const [writer, numbers] of Object.entries(acknowledged)) {
    const found = records.filter((record) => record['writer'] === writer).map(({ n }) => n)
    t.ok(numbers.length > 0, `${writer} acknowledged ${numbers.length}`)
    t.same(found.slice(0, numbers.length), numbers)
  }
})
