// Sending one study to the same sink by DICOM: ours beside storescu and dcmsend, on one association and on four.
// Processor time is that of the senders alone, start-up included: on one machine the sink takes its share of the
// same cores. A sender of DCMTK has one association; four of them share the folders. In the chain fiona-send has
// started long before: the rate from the record to its transfer record stands beside that of the whole process.
// By STOW-RS it goes to Orthanc, beside curl.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { binDir } from '../test/fixtures/peers.ts'
import { writeStudy } from './ct-study.ts'
import { type Command, spentTogether } from './processor-time.ts'
import { RunningReceiver, present, storescpTuned } from './receivers.ts'
import { stowToOrthanc } from './stow-to-orthanc.ts'
import { medianOf } from './median.ts'
import { inDirectory } from './in-directory.ts'

const objectCount = Number(process.env['BENCH_OBJECTS'] ?? 1000)
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
const associationCounts = [1, 4] as const

interface Site {
  /** The study, in four folders. */
  readonly study: string
  readonly record: string
}

interface Sender {
  readonly who: string
  /** Command lines that run beside each other, and what is on the stdin of each. */
  readonly commands: (port: number, associations: number, site: Site) => readonly Command[]
}

const senders: readonly Sender[] = [
  {
    who: 'fiona-send',
    commands: (port, associations, { record }) => [
      {
        command: [
          join(binDir, 'fiona-send'),
          ...['--config', settings(record, port, associations), '--log-level', 'warn'],
        ],
        input: record,
        output: `${record}.out`,
      },
    ],
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
  /** Without its start-up, where it tells. */
  readonly running: number | undefined
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
  const site = { study, record: join(directory, 'record.ndjson') }
  writeFileSync(site.record, `${JSON.stringify(deidentified(study))}\n`)
  const all = new Map<string, Measured[]>()
  for (let round = 0; round < rounds; round++) {
    for (const associations of associationCounts) {
      for (const sender of senders) {
        const key = `${sender.who} ${String(associations)}`
        const measured = await measure(sender, associations, site, directory)
        all.set(key, [...(all.get(key) ?? []), measured])
      }
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
      const running = runs.flatMap((run) => run.running ?? [])
      const least = Math.min(...runs.map(({ processorMs }) => processorMs))
      return [
        [`${name}: best`, Math.round(Math.max(...rates))],
        [`${name}: median`, Math.round(medianOf(rates))],
        [
          `${name}: best, once it runs`,
          running.length === 0 ? '' : Math.round(Math.max(...running)),
        ],
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
  // A new one each time, on an empty folder: it forks for each association. What arrived is removed only at the end: ext4
  // searches long for a free inode where many were freed a moment ago, and the sink would be what is measured.
  const into = mkdtempSync(join(directory, 'into-'))
  const sink = await RunningReceiver.start(storescpTuned, into, 4)
  spawnSync('sync')
  try {
    const { wall, processor } = await spentTogether(sender.commands(sink.port, associations, site))
    const seconds = sender.who === 'fiona-send' ? secondsIn(`${site.record}.out`) : undefined
    return {
      rate: objectCount / wall,
      running: seconds === undefined ? undefined : objectCount / seconds,
      processorMs: (processor / objectCount) * 1000,
    }
  } catch (error) {
    throw sink.trouble(error)
  } finally {
    await sink.stop()
    const there = readdirSync(into, { recursive: true, withFileTypes: true })
    const count = there.filter((entry) => entry.isFile()).length
    if (count < objectCount) throw new Error(`${sender.who}: only ${String(count)} arrived`)
  }
}

/** From the record to its transfer record. */
function secondsIn(output: string): number {
  const { seconds, status } = JSON.parse(readFileSync(output, 'utf8')) as Record<string, unknown>
  if (status !== 'sent' || typeof seconds !== 'number') throw new Error('fiona-send: not all sent')
  return seconds
}

function shares(study: string, associations: number): string[][] {
  const all = readdirSync(study).map((name) => join(study, name))
  return Array.from({ length: associations }, (_, n) =>
    all.filter((_path, at) => at % associations === n),
  )
}

/** What fiona-anon would say of it. */
function deidentified(study: string) {
  const files = readdirSync(study, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  const bytes = files.reduce((sum, { parentPath, name }) => {
    return sum + statSync(join(parentPath, name)).size
  }, 0)
  return {
    type: 'deidentified',
    v: 1,
    requestId: 'bench',
    project: 'bench',
    participant: 'S001',
    StudyInstanceUID: '2.25.1001',
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
