// Journals and stages: what group commit gains over a lone loop that syncs each record, what a stage
// costs beside the bare pipe, and how fast a journal is read and followed. The disk decides the first
// figures: both sides run in turns on the same one.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { JournalWriter, journalStat, readJournal } from '../src/lib/journal/index.ts'

const bin = fileURLToPath(new URL('../bin/', import.meta.url))
const rounds = 3
const records = 200_000
const line = Buffer.from(
  `${JSON.stringify({ type: 'test', time: '2026-11-24T00:00:00.000Z', x: 'x'.repeat(440) })}\n`,
)

export default {
  name: 'journal',
  title: `Journals: durable appends of ${line.length} bytes, and ${records.toLocaleString('en')} such records through a stage`,
  async run() {
    const directory = mkdtempSync(join(tmpdir(), 'fiona-bench-'))
    try {
      const filled = join(directory, 'journal', 'a')
      await fill(filled)
      const all: [string, string, (at: string) => Promise<number>][] = [
        ['a lone loop: write, fdatasync', 'records/s', loneLoop],
        ['16 producers, one journal writer', 'records/s', (at) => producers(at, 16)],
        ['follow: from the call of append to seen', 'ms', followLatency],
        [
          'cat of the file through a pipe',
          'records/s',
          () => command(['bash', '-c', `cat ${filled}/*.ndjson | cat`]),
        ],
        ['fiona-journal cat', 'records/s', () => command([`${bin}fiona-journal`, 'cat', filled])],
        [
          'fiona-journal cat --type (none fits)',
          'records/s',
          () => command([`${bin}fiona-journal`, 'cat', filled, '--type', 'none']),
        ],
        ["fiona-stage --once -- 'cat'", 'records/s', (at) => stage(filled, at)],
      ]
      const figures = new Map<string, number[]>()
      for (let round = 0; round < rounds; round++) {
        for (const [who, , measure] of all) {
          const at = mkdtempSync(join(directory, 'run-'))
          figures.set(who, [...(figures.get(who) ?? []), await measure(at)])
          rmSync(at, { recursive: true })
        }
      }
      return {
        rows: all.map(([who, unit]) => {
          const sorted = (figures.get(who) ?? []).toSorted((a, b) => a - b)
          const best = unit.endsWith('ms') ? sorted[0] : sorted.at(-1)
          return { who, best: round3(best), median: round3(sorted[1]), unit }
        }),
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
}

async function fill(directory: string): Promise<void> {
  await using writer = await JournalWriter.open(directory)
  const many = Buffer.concat(Array.from({ length: 1000 }, () => line))
  for (let n = 0; n < records; n += 1000) await writer.appendLines(many)
}

async function loneLoop(directory: string): Promise<number> {
  const handle = await open(join(directory, 'lone.ndjson'), 'a')
  const rate = await perSecond(async () => {
    await handle.write(line)
    await handle.datasync()
    return 1
  })
  await handle.close()
  return rate
}

async function producers(directory: string, count: number): Promise<number> {
  await using writer = await JournalWriter.open(directory)
  const rates = await Promise.all(
    Array.from({ length: count }, () =>
      perSecond(async () => {
        await writer.appendLines(line)
        return 1
      }),
    ),
  )
  return rates.reduce((sum, rate) => sum + rate, 0)
}

async function followLatency(directory: string): Promise<number> {
  await using writer = await JournalWriter.open(directory)
  const stop = new AbortController()
  const chunks = readJournal(directory, { follow: true, signal: stop.signal })
  const times: number[] = []
  for (let n = 0; n < 200; n++) {
    const seen = chunks.next().then(() => performance.now())
    const called = performance.now()
    await writer.appendLines(line)
    times.push((await seen) - called)
  }
  stop.abort()
  await chunks.next()
  return times.toSorted((a, b) => a - b)[100] ?? 0
}

async function command([file = '', ...args]: readonly string[]): Promise<number> {
  const start = performance.now()
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout.resume()
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(`${file} ended with ${code}`)
  return (records * 1000) / (performance.now() - start)
}

async function stage(from: string, at: string): Promise<number> {
  const to = join(at, 'b')
  const args = ['--once', '--name', at.replace(/.*\//, ''), '--from', from, '--to', to, '--', 'cat']
  const rate = await command([`${bin}fiona-stage`, ...args])
  if ((await journalStat(to)).lines !== records) throw new Error('records are missing')
  return rate
}

/** How often in two seconds. */
async function perSecond(act: () => Promise<number>): Promise<number> {
  const start = performance.now()
  let count = 0
  while (performance.now() - start < 2000) count += await act()
  return (count * 1000) / (performance.now() - start)
}

function round3(value: number | undefined): number {
  return Number((value ?? 0).toPrecision(3))
}
