// What the index costs and what it answers: journals as the chain leaves them (`organized` repeats every
// instance) are read into it by `fiona-index --once`, then each list is asked. `query` is the question alone with
// all its rows, in this process; `count` is how many there are, which a terminal is told besides; `process` is `fiona ls` from
// its start to its end. Below stands the same question to the journals themselves, without an index, and by jq. Twice: of large
// studies, and of so many small ones that there are a hundred thousand deliveries and more. BENCH_OBJECTS=100000 is quicker.
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
import { isInstalled } from '../test/fixtures/peers.ts'
import { medianOf } from './median.ts'

const bin = fileURLToPath(new URL('../bin/', import.meta.url))
const objects = Number(process.env['BENCH_OBJECTS'] ?? 1_000_000)
const projects = 10
const errors = 100_000
/** One of so many is held, one failed; all others are delivered. */
const studiesAHeld = 100
const rounds = 5
/** A study every two minutes, the last one now. */
const now = Date.now()
const studyMs = 120_000
const day = 86_400_000

/** How the objects are divided. */
interface Site {
  readonly objectsAStudy: number
  readonly objectsASeries: number
  readonly studies: number
}

function siteOf(objectsAStudy: number, objectsASeries: number): Site {
  return { objectsAStudy, objectsASeries, studies: Math.ceil(objects / objectsAStudy) }
}

interface Question {
  readonly words: readonly string[]
  readonly list: (database: Projection['database'], questions: Questions) => Listing
  readonly questions: Questions
}

function question(
  what: string,
  list: Question['list'],
  { project, sinceMs, type, limit }: Questions = {},
): Question {
  const since = sinceMs === undefined ? undefined : new Date(sinceMs).toISOString()
  const words = Object.entries({ project, since, type, limit }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  )
  return { words: [what, ...words], list, questions: { project, sinceMs, type, limit } }
}

/** As a terminal asks. HEAD is nearly everything, T1 one in twenty, OLD what came first of all and never since. */
const daily: readonly Question[] = [
  ...[
    {},
    { sinceMs: now - day },
    { project: 'P3' },
    { type: 'HEAD' },
    { type: 'T1', project: 'P3' },
    { type: 'OLD', project: 'P3' },
    { type: 'MR', sinceMs: now - day },
  ].flatMap((questions) => [
    question('studies', listStudies, { limit: 50, ...questions }),
    question('series', listSeries, { limit: 50, ...questions }),
  ]),
  question('projects', listProjects),
  ...[{}, { sinceMs: now - day }, { project: 'P3' }, { type: 'held' }, { type: 'delivered' }].map(
    (questions) => question('deliveries', listDeliveries, { limit: 50, ...questions }),
  ),
  question('deliveries', listDeliveries, { limit: 50, type: 'failed', project: 'P3' }),
  question('deliveries', listDeliveries, { limit: 50, type: 'waiting' }),
  ...[{}, { project: 'P3' }, { type: 'E_DICOM_PARSE' }, { type: 'E_OTHER', project: 'P3' }].map(
    (questions) => question('errors', listErrors, { limit: 50, ...questions }),
  ),
]
/** All there is, as a script asks: that takes as long as there are rows. */
const whole: readonly Question[] = [
  question('studies', listStudies),
  question('series', listSeries),
]

export default {
  name: 'index',
  title: `fiona-index and fiona ls: ${objects.toLocaleString('en')} objects`,
  async run() {
    return {
      rows: [
        ...(await measureSite(siteOf(250, 50), [...daily, ...whole])),
        ...(await measureSite(siteOf(5, 3), daily)),
      ],
    }
  },
}

async function measureSite(site: Site, questions: readonly Question[]) {
  const dataDir = mkdtempSync(join(tmpdir(), 'fiona-bench-'))
  const of = ` (${site.studies.toLocaleString('en')} studies)`
  try {
    await fill(dataDir, site)
    // Before there is an index.
    const without = await measure(['fiona-ls', 'studies', '--limit', '50'], dataDir)
    const made = await measure(['fiona-index', '--once'], dataDir)
    const again = await measure(['fiona-index', '--once'], dataDir)
    const rate = (ms: number) => Math.round((objects * 1000) / ms)
    return [
      { who: `fiona-index --once${of}`, 'objects/s': rate(made.ms), 'peak MB': made.peakMB },
      { who: `fiona-index --once, nothing new${of}`, 'process ms': round(again.ms) },
      { who: `the file${of}`, MB: Math.round(statSync(projectionPath(dataDir)).size / 1e6) },
      ...(await ask(dataDir, questions, of)),
      {
        who: `fiona ls studies --limit 50, without an index${of}`,
        'process ms': round(without.ms),
        'peak MB': without.peakMB,
      },
      ...jq(dataDir, site),
    ]
  } finally {
    rmSync(dataDir, { recursive: true })
  }
}

async function ask(dataDir: string, questions: readonly Question[], of: string) {
  const opened = await Projection.openToRead(projectionPath(dataDir))
  if ('why' in opened) throw new Error(opened.why)
  using projection = opened
  const times = questions.map(() => ({
    query: [] as number[],
    count: [] as number[],
    process: [] as number[],
    rows: 0,
  }))
  for (let round = 0; round < rounds; round++) {
    for (const [at, { words, list, questions: asked }] of questions.entries()) {
      const start = performance.now()
      const listing = list(projection.database, asked)
      const rows = [...listing.rows].length
      times[at]?.query.push(performance.now() - start)
      const counted = performance.now()
      if (listing.total < rows) throw new Error('more rows than were counted')
      times[at]?.count.push(performance.now() - counted)
      const { ms, lines } = await measure(['fiona-ls', ...words], dataDir)
      // Both must have seen the same.
      if (lines !== rows) throw new Error(`fiona ls ${words.join(' ')}: ${String(lines)} lines`)
      times[at]?.process.push(ms)
      Object.assign(times[at] ?? {}, { rows })
    }
  }
  return questions.map(({ words }, at) => ({
    who: `fiona ls ${words.join(' ')}${of}`,
    rows: times[at]?.rows,
    'query ms': median(times[at]?.query),
    'count ms': median(times[at]?.count),
    'process ms': median(times[at]?.process),
  }))
}

/** The count of objects in each study, as one asks the journal by hand. */
function jq(dataDir: string, { studies }: Site) {
  if (!isInstalled('jq')) return []
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
  return round(medianOf(times))
}

function round(ms: number): number {
  return Number(ms.toPrecision(3))
}

/** Filling is not what is measured. */
const quick = { durability: 'none' } as const

async function fill(dataDir: string, site: Site): Promise<void> {
  const { objectsAStudy, studies } = site
  await using received = await JournalWriter.open(journalPath(dataDir, 'received'), quick)
  await using organized = await JournalWriter.open(journalPath(dataDir, 'organized'), quick)
  await using outbox = await JournalWriter.open(journalPath(dataDir, 'outbox'), quick)
  await using sent = await JournalWriter.open(journalPath(dataDir, 'sent'), quick)
  await using held = await JournalWriter.open(journalPath(dataDir, 'held'), quick)
  await using failed = await JournalWriter.open(journalPath(dataDir, 'errors'), quick)
  for (let study = 0; study < studies; study++) {
    const count = Math.min(objectsAStudy, objects - study * objectsAStudy)
    const instances = lines(Array.from({ length: count }, (_, at) => instance(site, study, at)))
    await received.appendLines(instances)
    await organized.appendLines(Buffer.concat([instances, lines([complete(site, study, count)])]))
  }
  const all = Array.from({ length: studies }, (_, study) => study)
  const isHeld = (study: number): boolean => study % studiesAHeld === 0
  const made = all.filter((study) => !isHeld(study))
  await outbox.appendLines(lines(made.map((study) => deidentified(site, study))))
  await sent.appendLines(lines(made.map((study) => transfer(site, study))))
  await held.appendLines(lines(all.filter(isHeld).map((study) => heldStudy(site, study))))
  await failed.appendLines(lines(Array.from({ length: errors }, (_, at) => error(site, at))))
}

function lines(records: readonly object[]): Buffer {
  return Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
}

function common({ studies }: Site, type: string, study: number) {
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

function instance(site: Site, study: number, at: number) {
  const StudyInstanceUID = uidOf(study)
  const series = Math.floor(at / site.objectsASeries) + 1
  const SeriesInstanceUID = `${StudyInstanceUID}.${String(series)}`
  const SOPInstanceUID = `${SeriesInstanceUID}.${String(at)}`
  return {
    ...common(site, 'instance', study),
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

function complete(site: Site, study: number, count: number) {
  const { objectsASeries, studies } = site
  const types = [
    'HEAD',
    ...(study % 20 === 3 ? ['T1'] : []),
    ...(study < studies / 10 ? ['OLD'] : []),
  ]
  return {
    ...common(site, 'study', study),
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

function request(site: Site, type: string, study: number) {
  const { StudyInstanceUID, ...facts } = common(site, type, study)
  return {
    ...facts,
    requestId: `request-${StudyInstanceUID}`,
    participant: `SUBJ-${String(study)}`,
  }
}

function deidentified(site: Site, study: number) {
  const copy = { StudyInstanceUID: `2.25.${String(study)}`, path: '/var/lib/fiona/out', series: [] }
  const profile = { profile: 'basic', profileDigest: 'a'.repeat(64), revision: 1 }
  return {
    ...request(site, 'deidentified', study),
    ...copy,
    instances: 250,
    bytes: 1e8,
    ...profile,
  }
}

function transfer(site: Site, study: number) {
  const status = study % studiesAHeld === 3 ? 'partial' : 'sent'
  return {
    ...request(site, 'transfer', study),
    ...{ destination: 'research', status, instances: { sent: 250, failed: 0 } },
    ...{ attempts: 1, seconds: 2, committed: false, verified: true, revision: 1 },
  }
}

function heldStudy(site: Site, study: number) {
  const reasons = [{ code: 'BURNED_IN', where: 'PixelData', count: 3 }]
  return { ...request(site, 'held', study), reasons, how: 'fiona-anon --release' }
}

function error(site: Site, at: number) {
  const study = at % site.studies
  return {
    ...common(site, 'error', study),
    tool: 'fiona-anon',
    code: at % 100 === 3 ? 'E_OTHER' : 'E_DICOM_PARSE',
    message: 'the data set ends within an element',
    retryable: false,
    record: common(site, 'study', study),
  }
}
