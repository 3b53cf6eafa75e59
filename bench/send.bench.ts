// Sending one study to the same sink by DICOM: ours beside storescu and dcmsend, on one association and on four.
// Processor time is that of the senders alone, start-up included: on one machine the sink takes its share of the
// same cores. A sender of DCMTK has one association; four of them share the folders. In the chain fiona-send has
// started long before: the rate of a process that has sent another study first stands beside that of a new one.
// By STOW-RS it goes to Orthanc, beside curl.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { binDir } from '../test/fixtures/peers.ts'
import { writeStudy, writeWarmUp } from './ct-study.ts'
import { type Command, type Spent, spentTogether } from './processor-time.ts'
import { RunningReceiver, present, storescpTuned } from './receivers.ts'
import { stowToOrthanc } from './stow-to-orthanc.ts'
import { medianOf } from './median.ts'
import { inDirectory } from './in-directory.ts'

const objectCount = Number(process.env['BENCH_OBJECTS'] ?? 1000)
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
const associationCounts = [1, 4] as const
/** Small objects: what V8 finds hot is compiled when they have gone. */
const warmUpCount = 3000

interface Site {
  /** The study, in four folders. */
  readonly study: string
  readonly record: string
  /** The record of another study before that one. */
  readonly warmRecords: string
}

interface Sender {
  readonly who: string
  /** Command lines that run beside each other, and what is on the stdin of each. */
  readonly commands: (port: number, associations: number, site: Site) => readonly Command[]
}

const senders: readonly Sender[] = [
  {
    who: 'fiona-send',
    commands: (port, associations, { record }) => [ours(port, associations, record)],
  },
  {
    who: 'DCMTK dcmsend',
    commands: (port, associations, { study }) =>
      shares(study, associations).map((some) => ({
        command: ['dcmsend', '+sd', '+r', '127.0.0.1', String(port), ...some],
      })),
  },
  {
    who: 'DCMTK storescu',
    commands: (port, associations, { study }) =>
      shares(study, associations).map((some) => ({
        command: ['storescu', '+sd', '+r', '-xe', '127.0.0.1', String(port), ...some],
      })),
  },
]

interface Measured {
  readonly rate: number
  readonly processorMs: number
}

export default {
  name: 'send',
  title: `Sending ${String(objectCount)} CT objects of 525 kB to storescp +B --fork -pdu 131072`,
  run: () =>
    inDirectory(async (directory) => {
      if (present([storescpTuned], directory).length === 0) throw new Error('storescp is missing')
      return { rows: await compare(directory) }
    }),
}

async function compare(directory: string) {
  const study = join(directory, 'study')
  writeStudy(study, 1, objectCount)
  const small = join(directory, 'small')
  writeWarmUp(small, 2, warmUpCount)
  const [record, warmRecords] = [join(directory, 'record.ndjson'), join(directory, 'warm.ndjson')]
  const line = `${JSON.stringify(deidentified(study, 1))}\n`
  writeFileSync(record, line)
  writeFileSync(warmRecords, `${JSON.stringify(deidentified(small, 2))}\n${line}`)
  const site = { study, record, warmRecords }
  const all = new Map<string, Measured[]>()
  const warmRates = new Map<number, number[]>()
  for (let round = 0; round < rounds; round++) {
    for (const associations of associationCounts) {
      for (const sender of senders) {
        const key = `${sender.who} ${String(associations)}`
        const measured = await measure(sender, associations, site, directory)
        all.set(key, [...(all.get(key) ?? []), measured])
      }
      const warm = await rateWhenWarm(associations, site, directory)
      warmRates.set(associations, [...(warmRates.get(associations) ?? []), warm])
    }
  }
  const files = readdirSync(study, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  const stow = await stowToOrthanc({ files, record: site.record, directory, rounds })
  const dicom = senders.map(({ who }) => {
    const figures = associationCounts.flatMap((associations) => {
      const runs = all.get(`${who} ${String(associations)}`) ?? []
      const rates = runs.map(({ rate }) => rate)
      const name = `${String(associations)} assoc`
      const warm = who === 'fiona-send' ? (warmRates.get(associations) ?? []) : []
      const least = Math.min(...runs.map(({ processorMs }) => processorMs))
      return [
        [`${name}: best`, Math.round(Math.max(...rates))],
        [`${name}: median`, Math.round(medianOf(rates))],
        [`${name}: best, warm`, warm.length === 0 ? '' : Math.round(Math.max(...warm))],
        [`${name}: CPU ms/object`, Math.round(least * 100) / 100],
      ] as const
    })
    return { who, ...Object.fromEntries(figures) }
  })
  return [...dicom, ...stow]
}

async function measure(
  sender: Sender,
  associations: number,
  site: Site,
  directory: string,
): Promise<Measured> {
  const { wall, processor } = await intoSink(directory, objectCount, (port) =>
    sender.commands(port, associations, site),
  )
  return { rate: objectCount / wall, processorMs: (processor / objectCount) * 1000 }
}

/** From the end of the study before, which the same process has sent. */
async function rateWhenWarm(
  associations: number,
  { warmRecords }: Site,
  directory: string,
): Promise<number> {
  await intoSink(directory, warmUpCount + objectCount, (port) => [
    ours(port, associations, warmRecords),
  ])
  const [before = NaN, end = NaN] = endsIn(`${warmRecords}.out`)
  return objectCount / ((end - before) / 1000)
}

/** @param count what has to arrive */
async function intoSink(
  directory: string,
  count: number,
  commands: (port: number) => readonly Command[],
): Promise<Spent> {
  // A new one each time, on an empty folder: it forks for each association. What arrived is removed only at the end: ext4
  // searches long for a free inode where many were freed a moment ago, and the sink would be what is measured.
  const into = mkdtempSync(join(directory, 'into-'))
  const sink = await RunningReceiver.start(storescpTuned, into, 4)
  spawnSync('sync')
  try {
    return await spentTogether(commands(sink.port))
  } catch (error) {
    throw sink.trouble(error)
  } finally {
    await sink.stop()
    const there = readdirSync(into, { recursive: true, withFileTypes: true })
    const arrived = there.filter((entry) => entry.isFile()).length
    if (arrived < count) throw new Error(`only ${String(arrived)} arrived`)
  }
}

function ours(port: number, associations: number, input: string): Command {
  const config = settings(input, port, associations)
  const command = [join(binDir, 'fiona-send'), '--config', config, '--log-level', 'warn']
  return { command, input, output: `${input}.out` }
}

/** When each study had been sent. */
function endsIn(output: string): number[] {
  const lines = readFileSync(output, 'utf8').trim().split('\n')
  return lines.map((line) => {
    const { status, time } = JSON.parse(line) as Record<string, unknown>
    if (status !== 'sent') throw new Error('fiona-send: not all sent')
    return Date.parse(String(time))
  })
}

function shares(study: string, associations: number): string[][] {
  const all = readdirSync(study).map((name) => join(study, name))
  return Array.from({ length: associations }, (_, n) =>
    all.filter((_path, at) => at % associations === n),
  )
}

/** What fiona-anon would say of it. */
function deidentified(study: string, number: number) {
  const files = readdirSync(study, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  const bytes = files.reduce((sum, { parentPath, name }) => {
    return sum + statSync(join(parentPath, name)).size
  }, 0)
  return {
    type: 'deidentified',
    v: 1,
    requestId: `bench-${String(number)}`,
    project: 'bench',
    participant: 'S001',
    StudyInstanceUID: `2.25.100${String(number)}`,
    path: study,
    series: [],
    instances: files.length,
    bytes,
    profile: 'basic',
    profileDigest: 'x',
    revision: 1,
  }
}

/** With a ledger on disk, as in the chain; each time a new one. */
function settings(record: string, port: number, associations: number): string {
  const dataDir = mkdtempSync(join(record, '..', 'data-'))
  const path = join(dataDir, 'fiona.yaml')
  const sink = { url: `dicom://SINK@127.0.0.1:${String(port)}`, concurrency: associations }
  const projects = { bench: { destinations: ['sink'] } }
  writeFileSync(path, JSON.stringify({ dataDir, projects, destinations: { sink } }))
  return path
}
