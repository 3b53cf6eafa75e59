// What the index costs and what it answers: journals as the chain leaves them (`organized` repeats every
// instance) are read into it by `fiona-index --once`, then each list is asked. `query` is the question alone with
// all its rows, in this process; `process` is `fiona ls` from its start to its end. Below stands the same question
// to the journals themselves, without an index, and by jq. BENCH_OBJECTS=100000 is quicker.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { JournalWriter, journalPath } from '../src/lib/journal/index.ts'
import {
  listDeliveries,
  listErrors,
  listProjects,
  listSeries,
  listStudies,
  Projection,
  projectionPath,
  type Listing,
  type Questions,
} from '../src/lib/projection/index.ts'
import { watchPeak } from './peak-memory.ts'

const bin = fileURLToPath(new URL('../bin/', import.meta.url))
const objects = Number(process.env['BENCH_OBJECTS'] ?? 1_000_000)
const objectsAStudy = 250
const objectsASeries = 50
const projects = 10
const errors = 1000
/** One of so many is held, all others are delivered. */
const studiesAHeld = 100
const rounds = 5
/** A study every two minutes, the last one now. */
const now = Date.now()
const studyMs = 120_000
const studies = Math.ceil(objects / objectsAStudy)

interface Question {
  readonly words: readonly string[]
  readonly list: (database: Projection['database'], questions: Questions) => Listing
  readonly questions: Questions
}

const questions: readonly Question[] = [
  { words: ['studies', '--limit', '50'], list: listStudies, questions: { limit: 50 } },
  {
    words: ['studies', '--since', new Date(now - 86_400_000).toISOString()],
    list: listStudies,
    questions: { sinceMs: now - 86_400_000 },
  },
  {
    words: ['studies', '--project', 'P3', '--limit', '50'],
    list: listStudies,
    questions: { project: 'P3', limit: 50 },
  },
  {
    words: ['studies', '--type', 'T1', '--limit', '50'],
    list: listStudies,
    questions: { type: 'T1', limit: 50 },
  },
  { words: ['studies'], list: listStudies, questions: {} },
  { words: ['series', '--limit', '50'], list: listSeries, questions: { limit: 50 } },
  {
    words: ['series', '--project', 'P3', '--type', 'T1', '--limit', '50'],
    list: listSeries,
    questions: { project: 'P3', type: 'T1', limit: 50 },
  },
  { words: ['series'], list: listSeries, questions: {} },
  { words: ['projects'], list: listProjects, questions: {} },
  { words: ['errors', '--limit', '50'], list: listErrors, questions: { limit: 50 } },
  {
    words: ['deliveries', '--limit', '50'],
    list: listDeliveries,
    questions: { limit: 50 },
  },
  {
    words: ['deliveries', '--type', 'held'],
    list: listDeliveries,
    questions: { type: 'held' },
  },
]

export default {
  name: 'index',
  title: `fiona-index and fiona ls: ${objects.toLocaleString('en')} objects in ${studies.toLocaleString('en')} studies`,
  async run() {
    const dataDir = mkdtempSync(join(tmpdir(), 'fiona-bench-'))
    try {
      await fill(dataDir)
      // Before there is an index.
      const without = await measure(['fiona-ls', 'studies', '--limit', '50'], dataDir)
      const made = await measure(['fiona-index', '--once'], dataDir)
      const again = await measure(['fiona-index', '--once'], dataDir)
      const rate = (ms: number) => Math.round((objects * 1000) / ms)
      return {
        rows: [
          { who: 'fiona-index --once', 'objects/s': rate(made.ms), 'peak MB': made.peakMB },
          { who: 'fiona-index --once, nothing new', 'process ms': round(again.ms) },
          { who: 'the file', MB: Math.round(statSync(projectionPath(dataDir)).size / 1e6) },
          ...(await ask(dataDir)),
          {
            who: 'fiona ls studies --limit 50, without an index',
            'process ms': round(without.ms),
            'peak MB': without.peakMB,
          },
          ...jq(dataDir),
        ],
      }
    } finally {
      rmSync(dataDir, { recursive: true })
    }
  },
}

async function ask(dataDir: string) {
  const opened = await Projection.openToRead(projectionPath(dataDir))
  if ('why' in opened) throw new Error(opened.why)
  using projection = opened
  const times = questions.map(() => ({ query: [] as number[], process: [] as number[], rows: 0 }))
  for (let round = 0; round < rounds; round++) {
    for (const [at, { words, list, questions: asked }] of questions.entries()) {
      const start = performance.now()
      const rows = [...list(projection.database, asked).rows].length
      times[at]?.query.push(performance.now() - start)
      const { ms, lines } = await measure(['fiona-ls', ...words], dataDir)
      // Both must have seen the same.
      if (lines !== rows) throw new Error(`fiona ls ${words.join(' ')}: ${String(lines)} lines`)
      times[at]?.process.push(ms)
      Object.assign(times[at] ?? {}, { rows })
    }
  }
  return questions.map(({ words }, at) => ({
    who: `fiona ls ${words.join(' ')}`,
    rows: times[at]?.rows,
    'query ms': median(times[at]?.query),
    'process ms': median(times[at]?.process),
  }))
}

/** The count of objects in each study, as one asks the journal by hand. */
function jq(dataDir: string) {
  if (spawnSync('jq', ['--version']).error !== undefined) return []
  const files = `${journalPath(dataDir, 'received')}/*.ndjson`
  const pipeline = `cat ${files} | jq -r .StudyInstanceUID | sort | uniq -c`
  const start = performance.now()
  const { status, stdout } = spawnSync('sh', ['-c', pipeline], { maxBuffer: 1 << 28 })
  if (status !== 0 || stdout.toString().split('\n').length - 1 !== studies) {
    throw new Error('jq did not count the studies')
  }
  const ms = round(performance.now() - start)
  return [{ who: 'jq -r .StudyInstanceUID | sort | uniq -c', rows: studies, 'process ms': ms }]
}

async function measure([tool = '', ...args]: readonly string[], dataDir: string) {
  const start = performance.now()
  const child = spawn(join(bin, tool), [...args, '--data-dir', dataDir, '--log-level', 'error'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const peak = watchPeak(child)
  let lines = 0
  child.stdout.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 0x0a) lines++
  })
  const [code] = (await once(child, 'close')) as [number | null]
  const ms = performance.now() - start
  const peakMB = peak()
  if (code !== 0) throw new Error(`${tool} ended with ${String(code)}`)
  return { ms, lines, peakMB }
}

function median(times: readonly number[] = []): number {
  return round(times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0)
}

function round(ms: number): number {
  return Number(ms.toPrecision(3))
}

/** Filling is not what is measured. */
const quick = { durability: 'none' } as const

async function fill(dataDir: string): Promise<void> {
  await using received = await JournalWriter.open(journalPath(dataDir, 'received'), quick)
  await using organized = await JournalWriter.open(journalPath(dataDir, 'organized'), quick)
  await using outbox = await JournalWriter.open(journalPath(dataDir, 'outbox'), quick)
  await using sent = await JournalWriter.open(journalPath(dataDir, 'sent'), quick)
  await using held = await JournalWriter.open(journalPath(dataDir, 'held'), quick)
  await using failed = await JournalWriter.open(journalPath(dataDir, 'errors'), quick)
  for (let study = 0; study < studies; study++) {
    const count = Math.min(objectsAStudy, objects - study * objectsAStudy)
    const instances = lines(Array.from({ length: count }, (_, at) => instance(study, at)))
    await received.appendLines(instances)
    await organized.appendLines(Buffer.concat([instances, lines([complete(study, count)])]))
  }
  const all = Array.from({ length: studies }, (_, study) => study)
  const isHeld = (study: number): boolean => study % studiesAHeld === 0
  await outbox.appendLines(lines(all.filter((study) => !isHeld(study)).map(deidentified)))
  await sent.appendLines(lines(all.filter((study) => !isHeld(study)).map(transfer)))
  await held.appendLines(lines(all.filter(isHeld).map(heldStudy)))
  await failed.appendLines(lines(Array.from({ length: errors }, (_, at) => error(at))))
}

function lines(records: readonly object[]): Buffer {
  return Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
}

function common(type: string, study: number) {
  return {
    type,
    v: 1,
    time: new Date(now - (studies - 1 - study) * studyMs).toISOString(),
    project: `P${String(study % projects)}`,
    StudyInstanceUID: uidOf(study),
  }
}

function uidOf(study: number): string {
  return `1.2.826.0.1.3680043.8.498.${String(10_000_000 + study)}`
}

function instance(study: number, at: number) {
  const StudyInstanceUID = uidOf(study)
  const series = Math.floor(at / objectsASeries) + 1
  const SeriesInstanceUID = `${StudyInstanceUID}.${String(series)}`
  const SOPInstanceUID = `${SeriesInstanceUID}.${String(at)}`
  return {
    ...common('instance', study),
    path: `/var/lib/fiona/P${String(study % projects)}/archive/${StudyInstanceUID}/${SeriesInstanceUID}/${SOPInstanceUID}.dcm`,
    size: 525_632,
    sha256: 'a'.repeat(64),
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.4',
    SOPInstanceUID,
    SeriesInstanceUID,
    TransferSyntaxUID: '1.2.840.10008.1.2.1',
    duplicate: false,
    source: { callingAET: 'SCANNER', calledAET: 'FIONA', address: '10.0.0.1', association: 'a1' },
    attributes: {
      PatientID: `EX-${String(study)}`,
      PatientName: 'Example^Patient',
      StudyDate: '20240102',
      StudyTime: '121500',
      StudyDescription: 'Head',
      SeriesDescription: `Series ${String(series)}`,
      SeriesNumber: String(series),
      InstanceNumber: String(at),
      Modality: 'MR',
    },
  }
}

function complete(study: number, count: number) {
  const types = study % 20 === 0 ? ['HEAD', 'T1'] : ['HEAD']
  return {
    ...common('study', study),
    path: `/var/lib/fiona/P${String(study % projects)}/archive/${uidOf(study)}`,
    series: Array.from({ length: Math.ceil(count / objectsASeries) }, (_, at) => ({
      SeriesInstanceUID: `${uidOf(study)}.${String(at + 1)}`,
      Modality: 'MR',
      SeriesDescription: `Series ${String(at + 1)}`,
      instances: Math.min(objectsASeries, count - at * objectsASeries),
      bytes: objectsASeries * 525_632,
      ClassifyType: types,
    })),
    instances: count,
    bytes: count * 525_632,
    reason: 'quiet',
    revision: 1,
    ClassifyType: types,
  }
}

function request(type: string, study: number) {
  const { StudyInstanceUID, ...facts } = common(type, study)
  return {
    ...facts,
    requestId: `request-${StudyInstanceUID}`,
    participant: `SUBJ-${String(study)}`,
  }
}

function deidentified(study: number) {
  const copy = { StudyInstanceUID: `2.25.${String(study)}`, path: '/var/lib/fiona/out', series: [] }
  const profile = { profile: 'basic', profileDigest: 'a'.repeat(64), revision: 1 }
  return { ...request('deidentified', study), ...copy, instances: 250, bytes: 1e8, ...profile }
}

function transfer(study: number) {
  return {
    ...request('transfer', study),
    ...{ destination: 'research', status: 'sent', instances: { sent: 250, failed: 0 } },
    ...{ attempts: 1, seconds: 2, committed: false, verified: true, revision: 1 },
  }
}

function heldStudy(study: number) {
  const reasons = [{ code: 'BURNED_IN', where: 'PixelData', count: 3 }]
  return { ...request('held', study), reasons, how: 'fiona-anon --release' }
}

function error(at: number) {
  const study = at % studies
  return {
    ...common('error', study),
    tool: 'fiona-anon',
    code: 'E_DICOM_PARSE',
    message: 'the data set ends within an element',
    retryable: false,
    record: common('study', study),
  }
}
