// What a power loss does to a segment: it ends anywhere, has pages that are not there, or garbage behind.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { appendFileSync, openSync, writeSync, closeSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { JournalWriter, readJournal, repairJournal } from '../../src/lib/journal/index.ts'
import { linesOf } from './lines-of.ts'

const lines = Array.from({ length: 5 }, (_, n) =>
  JSON.stringify({ type: 'test', n, text: 'ä\u0000' }),
)

/** A journal of one segment that nobody has closed. */
async function unclosed(directory: string): Promise<string> {
  const made = join(directory, 'made')
  await using writer = await JournalWriter.open(made)
  await writer.appendLines(Buffer.from(`${lines.join('\n')}\n`))
  const [name = ''] = readdirSync(made).filter((file) => file.endsWith('.ndjson'))
  return join(made, name)
}

function place(directory: string, segment: string, at: string): { journal: string; path: string } {
  const journal = join(directory, at)
  mkdirSync(journal)
  const path = join(journal, segment.replace(/.*\//, ''))
  copyFileSync(segment, path)
  return { journal, path }
}

t.test(
  'cut at every byte, with and without garbage behind: whole lines stay, the rest is kept aside',
  async (t) => {
    const directory = t.testdir()
    const segment = await unclosed(directory)
    const content = readFileSync(segment)
    for (let size = 0; size <= content.length; size++) {
      for (const garbage of ['', '\0\0\0', '{"ty']) {
        const { journal, path } = place(directory, segment, `${size}-${garbage.length}`)
        truncateSync(path, size)
        appendFileSync(path, garbage)
        const whole = content.subarray(0, size).toString().split('\n').slice(0, -1)
        const before = (await linesOf(journal)).lines
        if (before.join() !== whole.join()) t.same(before, whole, `read after ${size}`)
        const repaired = await repairJournal(journal)
        const after = (await linesOf(journal)).lines
        const isWhole = repaired.some(({ what }) => what === 'completed')
        const expected = isWhole ? lines.slice(0, whole.length + 1) : whole
        if (after.join() !== expected.join()) t.same(after, expected, `mended after ${size}`)
        const again = await repairJournal(journal)
        if (again.length > 0) t.same(again, [], `nothing is left to mend after ${size}`)
        rmSync(journal, { recursive: true })
      }
    }
    t.pass(`${content.length} places`)
  },
)

t.test(
  'a hole in the middle: the line goes aside, no offset changes, jq reads the rest',
  async (t) => {
    const directory = t.testdir()
    const segment = await unclosed(directory)
    const { journal, path } = place(directory, segment, 'hole')
    const at = Buffer.byteLength(`${lines[0] ?? ''}\n`) + 3
    const file = openSync(path, 'r+')
    writeSync(file, Buffer.alloc(5), 0, 5, at)
    closeSync(file)
    const size = readFileSync(path).length
    const [repaired] = await repairJournal(journal)
    t.match(repaired, { what: 'blanked', bytes: Buffer.byteLength(lines[1] ?? '') })
    t.equal(readFileSync(repaired?.file ?? '').length, repaired?.bytes)
    t.equal(readFileSync(path).length, size)
    const left = (await linesOf(journal)).lines.filter((line) => line !== '')
    t.same(
      left,
      lines.filter((_, n) => n !== 1),
    )
    t.same(await repairJournal(journal), [])
  },
)

t.test('what was closed has a seal that sha256sum reads; a changed byte is told', async (t) => {
  const directory = t.testdir()
  const segment = await unclosed(directory)
  const journal = join(directory, 'made')
  const seal = readdirSync(journal).find((name) => name.endsWith('.sha256')) ?? ''
  t.match(execFileSync('sha256sum', ['-c', seal], { cwd: journal }).toString(), ': OK')
  t.same(await repairJournal(journal), [])
  writeFileSync(segment, readFileSync(segment, 'utf8').replace('"n":3', '"n":4'))
  t.match(await repairJournal(journal), [{ what: 'changed' }])
  t.match(await repairJournal(journal), [{ what: 'changed' }], 'it is told again')
})

t.test('a cursor within a line goes back to its beginning, one behind the end waits', async (t) => {
  const directory = t.testdir({ 'a.ndjson': '{"type":"a"}\n{"type":"b"}\n' })
  const read = async (offset: number) => {
    let text = ''
    for await (const chunk of readJournal(directory, { cursor: { 'a.ndjson': offset } })) {
      text += chunk.lines.toString()
    }
    return text
  }
  t.equal(await read(13), '{"type":"b"}\n')
  t.equal(await read(15), '{"type":"b"}\n')
  t.equal(await read(5), '{"type":"a"}\n{"type":"b"}\n')
  t.equal(await read(999), '')
})

t.test('a segment is followed by a new one when it is old', async (t) => {
  const directory = t.testdir()
  await using writer = await JournalWriter.open(directory, { maxSegmentAgeMs: 0 })
  for (const line of lines) await writer.append(line)
  t.equal(readdirSync(directory).filter((name) => name.endsWith('.ndjson')).length, lines.length)
  t.same((await linesOf(directory)).lines, lines)
})
