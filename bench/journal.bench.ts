// Journals and stages: what group commit gains over a lone loop that syncs each record, what a stage
// costs beside the bare pipe, and how fast a journal is read and followed. The disk decides the first
// figures: both sides run in turns on the same one.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { JournalWriter, journalStat, readJournal } from '../src/lib/journal/index.ts'
import { medianOf } from './median.ts'
import { inDirectory } from './in-directory.ts'

const bin = fileURLToPath(new URL('../bin/', import.meta.url))
const rounds = 3
const records = 200_000
/** Beside the bare pipeline the cost of a record counts: of so many, starting up is a small part. */
const recordsBesideBare = 1_000_000
/** For the memory of a stage; FIONA_BENCH_RECORDS=10000000 takes some minutes. */
const manyRecords = Number(process.env['FIONA_BENCH_RECORDS'] ?? 1_000_000)
const line = Buffer.from(
  `${JSON.stringify({ type: 'test', time: '2026-11-24T00:00:00.000Z', x: 'x'.repeat(440) })}\n`,
)

export default {
  name: 'journal',
  title: `Journals: durable appends of ${line.length} bytes, and ${inFigures(records)} such records through a stage; ${inFigures(recordsBesideBare)} beside the bare pipeline`,
  run: () =>
    inDirectory(async (directory) => {
      const filled = join(directory, 'journal', 'a')
      await fill(filled, records)
      const long = join(directory, 'journal', 'long')
      await fill(long, recordsBesideBare)
      const all: [string, string, (at: string) => Promise<number>][] = [
        ['the disk itself: 4 KiB in place, fdatasync', 'syncs/s', diskSync],
        ['a lone loop: write, fdatasync', 'records/s', loneLoop],
        ['1 producer, one journal writer', 'records/s', (at) => producers(at, 1)],
        ['16 producers, one journal writer', 'records/s', (at) => producers(at, 16)],
        ['follow: from the call of append to seen', 'ms', followLatency],
        [
          'cat of the file through a pipe',
          'records/s',
          () => command(['bash', '-c', `cat ${filled}/*.ndjson | cat`], records),
        ],
        [
          'fiona-journal cat',
          'records/s',
          () => command([`${bin}fiona-journal`, 'cat', filled], records),
        ],
        [
          'fiona-journal cat --type (none fits)',
          'records/s',
          () => command([`${bin}fiona-journal`, 'cat', filled, '--type', 'none'], records),
        ],
        [
          "fiona-stage --once -- 'cat'",
          'records/s',
          (at) => stage(filled, at, { pipeline: 'cat', records }),
        ],
        [
          "fiona-stage --once --workers 2 -- 'cat'",
          'records/s',
          (at) => stage(filled, at, { pipeline: 'cat', records, more: ['--workers', '2'] }),
        ],
        [
          `the bare pipeline: cat | jq -c . > file, sync; ${inFigures(recordsBesideBare)} records`,
          'records/s',
          (at) => {
            const text = `cat ${long}/*.ndjson | jq -c . > ${at}/b; sync ${at}/b`
            return command(['bash', '-c', text], recordsBesideBare)
          },
        ],
        [
          `fiona-stage --once -- 'jq -c .'; ${inFigures(recordsBesideBare)} records`,
          'records/s',
          (at) => stage(long, at, { pipeline: 'jq -c .', records: recordsBesideBare }),
        ],
      ]
      const figures = new Map<string, number[]>()
      for (let round = 0; round < rounds; round++) {
        for (const [who, , measure] of all) {
          const at = mkdtempSync(join(directory, 'run-'))
          figures.set(who, [...(figures.get(who) ?? []), await measure(at)])
          rmSync(at, { recursive: true })
        }
      }
      const memory = await stageMemory(directory)
      const rows = all.map(([who, unit]) => {
        const all = figures.get(who) ?? []
        const best = unit.endsWith('ms') ? Math.min(...all) : Math.max(...all)
        return { who, best: round3(best), median: round3(medianOf(all)), unit }
      })
      return { rows: [...rows, ...memory] }
    }),
}

async function fill(directory: string, count: number): Promise<void> {
  await using writer = await JournalWriter.open(directory)
  const many = Buffer.concat(Array.from({ length: 1000 }, () => line))
  for (let n = 0; n < count; n += 1000) await writer.appendLines(many)
}

/** What the disk can do at most: no file grows, nothing but data is written. */
async function diskSync(directory: string): Promise<number> {
  const handle = await open(join(directory, 'block'), 'w')
  const block = Buffer.alloc(4096, 'x')
  await handle.write(block, 0, block.length, 0)
  await handle.sync()
  const rate = await perSecond(async () => {
    await handle.write(block, 0, block.length, 0)
    await handle.datasync()
    return 1
  })
  await handle.close()
  return rate
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

/** @returns how many of so many records a second */
async function command([file = '', ...args]: readonly string[], count: number): Promise<number> {
  const start = performance.now()
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout.resume()
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(`${file} ended with ${code}`)
  return (count * 1000) / (performance.now() - start)
}

interface Staged {
  readonly pipeline: string
  /** In the journal that is read. */
  readonly records: number
  readonly more?: readonly string[]
}

async function stage(
  from: string,
  at: string,
  { pipeline, records, more = [] }: Staged,
): Promise<number> {
  const to = join(at, 'b')
  const args = ['--once', '--name', at.replace(/.*\//, ''), '--from', from, '--to', to]
  const rate = await command([`${bin}fiona-stage`, ...args, ...more, '--', pipeline], records)
  if ((await journalStat(to)).lines !== records) throw new Error('records are missing')
  return rate
}

/** The resident memory of a stage, at its peak in the first quarter of its time and in the last. */
async function stageMemory(directory: string): Promise<object[]> {
  const from = join(directory, 'many')
  const short = Buffer.from(
    `${JSON.stringify({ type: 'test', x: 'x'.repeat(20) })}\n`.repeat(10_000),
  )
  await using writer = await JournalWriter.open(from)
  for (let n = 0; n < manyRecords; n += 10_000) await writer.appendLines(short)
  const args = ['--once', '--from', from, '--to', join(directory, 'there'), '--', 'cat']
  const child = spawn(`${bin}fiona-stage`, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const megabytes: number[] = []
  const look = setInterval(() => {
    const status = readFileSync(`/proc/${String(child.pid)}/status`, 'utf8')
    megabytes.push(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1000)
  }, 50)
  child.once('exit', () => {
    clearInterval(look)
  })
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error(`fiona-stage ended with ${code}`)
  const quarter = Math.ceil(megabytes.length / 4)
  const row = (when: string, part: readonly number[]) => {
    const peak = round3(Math.max(...part))
    const who = `memory of a stage, ${inFigures(manyRecords)} records, ${when} quarter`
    return { who, best: peak, median: peak, unit: 'MB' }
  }
  return [row('first', megabytes.slice(0, quarter)), row('last', megabytes.slice(-quarter))]
}

/** How often in two seconds. */
async function perSecond(act: () => Promise<number>): Promise<number> {
  const start = performance.now()
  let count = 0
  while (performance.now() - start < 2000) count += await act()
  return (count * 1000) / (performance.now() - start)
}

function inFigures(count: number): string {
  return count.toLocaleString('en')
}

function round3(value: number | undefined): number {
  return Number((value ?? 0).toPrecision(3))
}
