import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import {
  JournalWriter,
  journalStat,
  loadCursor,
  readJournal,
  saveCursor,
  type Cursor,
} from '../../src/lib/journal/index.ts'
import { linesOf } from './lines-of.ts'

t.test(
  'any content, any chunk size, any stop and start again: every line once, in order',
  async (t) => {
    const line = fc.string({ maxLength: 40 }).map((text) => JSON.stringify(text))
    const segment = fc.record({ lines: fc.array(line, { maxLength: 12 }), torn: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(
        fc.array(segment, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 1, max: 5 }),
        async (contents, chunkBytes, stopAfter) => {
          const directory = mkdtempSync(join(tmpdir(), 'fiona-read-'))
          try {
            contents.forEach(({ lines, torn }, index) => {
              const text = lines.map((one) => `${one}\n`).join('') + (torn ? '{"torn' : '')
              writeFileSync(join(directory, `${index}.ndjson`), text)
            })
            const found: string[] = []
            let cursor: Cursor = {}
            for (let progress = true; progress;) {
              progress = false
              let chunks = 0
              for await (const chunk of readJournal(directory, { cursor, chunkBytes })) {
                progress = true
                found.push(...chunk.lines.toString().split('\n').slice(0, -1))
                cursor = { ...cursor, [chunk.segment]: chunk.end }
                if (++chunks === stopAfter) break
              }
            }
            t.same(
              found,
              contents.flatMap(({ lines }) => lines),
            )
          } finally {
            rmSync(directory, { recursive: true })
          }
        },
      ),
      { numRuns: 100 },
    )
  },
)

t.test('a follower gets what comes, each line once, also in a journal not yet made', async (t) => {
  const directory = join(t.testdir(), 'journal', 'later')
  const stop = new AbortController()
  const got: string[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  const until = (count: number) =>
    new Promise<void>((resolve) => {
      waiting.push({ count, resolve })
      if (got.length >= count) resolve()
    })
  const reading = (async () => {
    for await (const { lines } of readJournal(directory, { follow: true, signal: stop.signal })) {
      got.push(...lines.toString().split('\n').slice(0, -1))
      for (const { count, resolve } of waiting) if (got.length >= count) resolve()
    }
  })()
  const journal = await JournalWriter.open(directory, { maxSegmentBytes: 100 })
  for (let n = 0; n < 30; n++) {
    await journal.append({ type: 'test', n })
    await until(n + 1)
  }
  await journal.close()
  t.same(
    got,
    Array.from({ length: 30 }, (_, n) => JSON.stringify({ type: 'test', n })),
  )
  stop.abort()
  await reading
})

t.test('a follower wakes at once: hundred round trips do not wait for the slow look', async (t) => {
  const directory = t.testdir()
  const stop = new AbortController()
  const journal = await JournalWriter.open(directory)
  const chunks = readJournal(directory, { follow: true, signal: stop.signal })
  const began = performance.now()
  for (let n = 0; n < 100; n++) {
    const next = chunks.next()
    await journal.append({ type: 'test', n })
    const { value } = await next
    t.equal(value?.lines.toString(), `{"type":"test","n":${n}}\n`)
  }
  // One slow look alone takes five seconds; a hundred would take minutes.
  t.ok(performance.now() - began < 100_000)
  stop.abort()
  t.equal((await chunks.next()).done, true)
  await journal.close()
})

t.test('what follows on the heels of what was read is gathered', async (t) => {
  const directory = t.testdir({ 'a.ndjson': '1\n' })
  const file = join(directory, 'a.ndjson')
  const stop = new AbortController()
  const options = { follow: true, gatherMs: 500, signal: stop.signal }
  const chunks = readJournal(directory, options)
  t.equal((await chunks.next()).value?.lines.toString(), '1\n')
  const next = chunks.next()
  for (const n of [2, 3, 4]) {
    // Each is a change of its own, which would be seen at once.
    await delay(20)
    appendFileSync(file, `${String(n)}\n`)
  }
  t.equal((await next).value?.lines.toString(), '2\n3\n4\n')
  stop.abort()
  await chunks.next()
})

t.test('who waits while it gathers can be stopped', async (t) => {
  const directory = t.testdir({ 'a.ndjson': '1\n' })
  const stop = new AbortController()
  const options = { follow: true, gatherMs: 3_600_000, signal: stop.signal }
  for await (const { lines } of readJournal(directory, options)) {
    t.equal(lines.toString(), '1\n')
    setTimeout(() => {
      stop.abort()
    }, 20)
  }
})

t.test('half a line is read when its other half has come', async (t) => {
  const directory = t.testdir({ 'a.ndjson': '{"n":1}\n{"n"' })
  const stop = new AbortController()
  const chunks = readJournal(directory, { follow: true, signal: stop.signal })
  t.equal((await chunks.next()).value?.lines.toString(), '{"n":1}\n')
  const next = chunks.next()
  appendFileSync(join(directory, 'a.ndjson'), ':2}\n')
  t.equal((await next).value?.lines.toString(), '{"n":2}\n')
  stop.abort()
  await chunks.next()
})

t.test('from the end means behind the last whole line', async (t) => {
  const directory = t.testdir({ 'a.ndjson': '{"n":1}\n{"n":2}\n{"to', 'b.ndjson': '' })
  const stop = new AbortController()
  const options = { follow: true, fromEnd: true, signal: stop.signal }
  const chunks = readJournal(directory, options)
  const next = chunks.next()
  await new Promise((resolve) => setImmediate(resolve))
  const again = setInterval(() => {
    writeFileSync(join(directory, 'c.ndjson'), '{"n":3}\n')
  }, 50)
  t.equal((await next).value?.lines.toString(), '{"n":3}\n')
  clearInterval(again)
  stop.abort()
  await chunks.next()
})

t.test('a line larger than the chunk comes whole, and memory is given back', async (t) => {
  const long = JSON.stringify({ type: 'long', text: 'x'.repeat(300_000) })
  const directory = t.testdir({ 'a.ndjson': `{"n":1}\n${long}\n{"n":2}\n` })
  t.same((await linesOf(directory, { chunkBytes: 1000 })).lines, ['{"n":1}', long, '{"n":2}'])
})

t.test('other files in the directory are left alone', async (t) => {
  const directory = t.testdir({
    'a.ndjson': '{"n":1}\n',
    'a.ndjson.bak': '{"n":2}\n',
    '.b.ndjson': '{"n":3}\n',
    notes: 'x\n',
    cursors: { 'c.ndjson': '{"n":4}\n' },
  })
  t.same((await linesOf(directory)).lines, ['{"n":1}'])
})

t.test('a saved cursor is found again; one that is none is named', async (t) => {
  const directory = t.testdir({ 'a.ndjson': '{"n":1}\n{"n":2}\n' })
  t.equal(await loadCursor(directory, 'reader'), undefined)
  await saveCursor(directory, 'reader', { cursor: { 'a.ndjson': 8 }, seq: 7 })
  t.same(await loadCursor(directory, 'reader'), { cursor: { 'a.ndjson': 8 }, seq: 7 })
  t.same((await linesOf(directory, { cursor: { 'a.ndjson': 8 } })).lines, ['{"n":2}'])
  writeFileSync(join(directory, 'cursors', 'bad.json'), '{"segments":{"a.ndjson":-1},"seq":1}')
  await t.rejects(loadCursor(directory, 'bad'), { code: 'E_CURSOR' })
  await t.rejects(loadCursor(directory, '../bad'), { code: 'E_JOURNAL_NAME' })
})

t.test(
  'the statistics count segments, bytes, records and what each reader has before it',
  async (t) => {
    const directory = t.testdir({ 'a.ndjson': '{"n":1}\n{"n":2}\n', 'b.ndjson': '{"n":3}\n{"to' })
    mkdirSync(join(directory, 'cursors'))
    await saveCursor(directory, 'behind', { cursor: { 'a.ndjson': 8 }, seq: 0 })
    await saveCursor(directory, 'done', { cursor: { 'a.ndjson': 16, 'b.ndjson': 8 }, seq: 0 })
    t.same(await journalStat(directory), {
      segments: 2,
      bytes: 28,
      lines: 3,
      writers: 0,
      living: 0,
      tornBytes: 4,
      readers: {
        behind: { lagBytes: 16, lagLines: 2 },
        done: { lagBytes: 0, lagLines: 0 },
      },
    })
  },
)
