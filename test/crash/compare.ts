// After the crashes: what is there, against what was acknowledged. Each difference is a sentence.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Seals, WhoIsWho } from '../../src/lib/crosswalk/index.ts'
import { Pseudonyms } from '../../src/lib/deidentify/pseudonyms.ts'
import { journalPath, readJournal } from '../../src/lib/journal/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { archivePath } from '../../src/lib/storage/index.ts'
import { run } from '../fixtures/peers.ts'
import { filesBelow } from '../system/objects.ts'
import type { LoadObject } from './load.ts'
import { dataSetOffsetOf } from './modality.ts'
import type { Arrival } from './pacs.ts'

export const journals = ['received', 'organized', 'outbox', 'sent', 'held', 'errors'] as const

export interface Site {
  readonly dataDir: string
  /** The folder that is one destination. */
  readonly delivered: string
  /** The folder of the PACS that is the other. */
  readonly pacs: string
}

/** Who an object is behind the boundary. */
export function newUids(dataDir: string, objects: readonly LoadObject[]): Map<string, LoadObject> {
  const key = readFileSync(join(dataDir, 'keys', 'pseudonym.key'))
  const pseudonyms = new Pseudonyms(key, 'default')
  return new Map(objects.map((object) => [pseudonyms.uid(object.SOPInstanceUID), object]))
}

/** What is not there yet: empty when the chain has done all it has to. */
export async function undelivered(
  site: Site,
  expected: ReadonlyMap<string, LoadObject>,
): Promise<string[]> {
  const folder = new Set(filesIn(site.delivered).map((path) => basename(path, '.dcm')))
  const pacs = new Set(filesIn(site.pacs).map(uidInPacs))
  const lacking = [...expected.keys()].filter((uid) => !folder.has(uid) || !pacs.has(uid))
  return lacking.length > 0 ? lacking : await untold(site, expected)
}

/**
 * Studies whose last revision has yet to be said. What came late may lie at the destinations before:
 * who was late in taking up revision 1 found it in the archive already.
 */
async function untold(
  { dataDir }: Site,
  expected: ReadonlyMap<string, LoadObject>,
): Promise<string[]> {
  const counts = new Map<unknown, number>()
  for (const { StudyInstanceUID: study } of expected.values()) {
    counts.set(study, (counts.get(study) ?? 0) + 1)
  }
  for (const record of await recordsOf(dataDir, 'organized')) {
    const study = record['StudyInstanceUID']
    const isLast = record.type === 'study' && record['instances'] === counts.get(study)
    if (isLast) counts.delete(study)
  }
  return [...counts.keys()].map(String)
}

export async function compare(
  site: Site,
  expected: ReadonlyMap<string, LoadObject>,
  arrivals: readonly Arrival[],
): Promise<string[]> {
  const records = new Map<string, AnyRecord[]>()
  for (const name of journals) records.set(name, await recordsOf(site.dataDir, name))
  const of = (name: (typeof journals)[number]): AnyRecord[] => records.get(name) ?? []
  return [
    ...archived(site, expected, of('received')),
    ...organized(site, expected, of('organized')),
    ...delivered(site, expected),
    ...sentOnce(site, expected, arrivals),
    ...(await oneIdentity(site, expected)),
    ...(await journalsAreWhole(site)),
    ...leftBehind(site),
    ...[...of('errors'), ...of('held')].map((record) => `not expected: ${JSON.stringify(record)}`),
  ]
}

function archived(
  { dataDir }: Site,
  expected: ReadonlyMap<string, LoadObject>,
  received: readonly AnyRecord[],
): string[] {
  const records = new Map<unknown, AnyRecord[]>()
  for (const record of received) {
    const uid = record['SOPInstanceUID']
    records.set(uid, [...(records.get(uid) ?? []), record])
  }
  const problems: string[] = []
  for (const object of expected.values()) {
    const { SOPInstanceUID } = object
    const path = archivePath(dataDir, { project: 'default', ...object })
    if (!existsSync(path)) {
      problems.push(`acknowledged and not archived: ${SOPInstanceUID}`)
      continue
    }
    if (!dataSet(path).equals(dataSet(object.path))) {
      problems.push(`not archived as it came: ${SOPInstanceUID}`)
    }
    const own = records.get(SOPInstanceUID) ?? []
    if (own.length === 0) problems.push(`acknowledged and not recorded: ${SOPInstanceUID}`)
    const digest = sha256(path)
    if (own.some((record) => record['path'] !== path || record['sha256'] !== digest)) {
      problems.push(`its record tells of other bytes: ${SOPInstanceUID}`)
    }
  }
  const files = filesIn(join(dataDir, 'default', 'archive'))
  if (files.length !== expected.size) {
    problems.push(`${files.length} objects in the archive, not ${expected.size}`)
  }
  return problems
}

function organized(
  { dataDir }: Site,
  expected: ReadonlyMap<string, LoadObject>,
  records: readonly AnyRecord[],
): string[] {
  const problems: string[] = []
  const counts = new Map<string, number>()
  for (const object of expected.values()) {
    const { StudyInstanceUID: study, SeriesInstanceUID: series } = object
    counts.set(study, (counts.get(study) ?? 0) + 1)
    const folder = join(dataDir, 'default', 'raw', study, series)
    const link = existsSync(folder)
      ? readdirSync(folder).find((name) => name.includes(object.SOPInstanceUID))
      : undefined
    // `existsSync` follows it to the object.
    if (link === undefined || !existsSync(join(folder, link))) {
      problems.push(`no link in the view to ${object.SOPInstanceUID}`)
    }
  }
  const revisions = new Map<string, Map<number, AnyRecord>>()
  for (const record of records.filter(({ type }) => type === 'study')) {
    const study = String(record['StudyInstanceUID'])
    const known = revisions.get(study) ?? new Map<number, AnyRecord>()
    const before = known.get(Number(record['revision']))
    // Said twice is harmless, said differently is not.
    if (before !== undefined && before['instances'] !== record['instances']) {
      problems.push(`revision ${String(record['revision'])} of ${study} was said in two ways`)
    }
    revisions.set(study, known.set(Number(record['revision']), record))
  }
  for (const [study, count] of counts) {
    const known = [...(revisions.get(study)?.entries() ?? [])].sort(([a], [b]) => a - b)
    const added = known.reduce((sum, [, record]) => sum + Number(record['added']), 0)
    const last = known.at(-1)
    if (last?.[1]['instances'] !== count || added !== count || last[0] !== known.length) {
      const said = known.map(([number, one]) => [number, one['instances'], one['added']])
      problems.push(`study ${study} of ${count} objects was said as ${JSON.stringify(said)}`)
    }
  }
  return problems
}

/** Both destinations have exactly the objects of the outbox, byte for byte, and nothing else. */
function delivered(site: Site, expected: ReadonlyMap<string, LoadObject>): string[] {
  const problems: string[] = []
  const outbox = byUid(filesIn(join(site.dataDir, 'default', 'outbox')))
  const folder = byUid(filesIn(site.delivered))
  const pacs = new Map<string, string[]>()
  for (const path of filesIn(site.pacs)) {
    pacs.set(uidInPacs(path), [...(pacs.get(uidInPacs(path)) ?? []), path])
  }
  for (const [uid, { SOPInstanceUID }] of expected) {
    const [made, ...others] = outbox.get(uid) ?? []
    if (made === undefined) {
      problems.push(`not in the outbox: ${SOPInstanceUID}`)
      continue
    }
    if (others.length > 0) problems.push(`in the outbox twice: ${SOPInstanceUID}`)
    for (const [where, there] of [
      ['the folder', folder.get(uid) ?? []],
      ['the PACS', pacs.get(uid) ?? []],
    ] as const) {
      if (there.length !== 1) {
        problems.push(`${there.length} times in ${where}: ${SOPInstanceUID}`)
      }
      if (there.some((path) => !dataSet(path).equals(dataSet(made)))) {
        problems.push(`not the bytes of the outbox in ${where}: ${SOPInstanceUID}`)
      }
    }
  }
  for (const [where, files] of Object.entries({ outbox, folder, pacs })) {
    for (const [uid, paths] of files) {
      if (!expected.has(uid)) problems.push(`belongs to nothing, in the ${where}: ${paths[0]}`)
    }
  }
  return problems
}

/** No C-STORE of an object after its success was in the ledger. */
function sentOnce(
  { dataDir }: Site,
  expected: ReadonlyMap<string, LoadObject>,
  arrivals: readonly Arrival[],
): string[] {
  const problems: string[] = []
  const done = new Map<string, number>()
  const ledgers = filesIn(join(dataDir, 'state')).filter((path) => path.includes('dicom'))
  for (const line of ledgers.flatMap(wholeLines)) {
    const { SOPInstanceUID, time } = line as { SOPInstanceUID?: string; time?: string }
    if (SOPInstanceUID === undefined || done.has(SOPInstanceUID)) continue
    done.set(SOPInstanceUID, Date.parse(time ?? ''))
  }
  for (const [uid, { SOPInstanceUID }] of expected) {
    const ms = done.get(uid)
    if (ms === undefined) problems.push(`not in the ledger of the PACS: ${SOPInstanceUID}`)
    const late = arrivals.filter((one) => one.SOPInstanceUID === uid && one.ms > (ms ?? 0))
    if (late.length > 0) problems.push(`sent again after it was acknowledged: ${SOPInstanceUID}`)
    if (!arrivals.some((one) => one.SOPInstanceUID === uid)) {
      problems.push(`never came to the PACS: ${SOPInstanceUID}`)
    }
  }
  return problems
}

/** Each patient is one participant, and each participant one patient. */
async function oneIdentity(
  { dataDir }: Site,
  expected: ReadonlyMap<string, LoadObject>,
): Promise<string[]> {
  const participants = new Map<string, Set<string>>()
  const studies = new Set<string>()
  const key = readFileSync(join(dataDir, 'keys', 'pseudonym.key'))
  await new WhoIsWho(join(dataDir, 'crosswalk.ndjson'), new Seals([key])).each((link) => {
    if (link.kind === 'study') studies.add(link.StudyInstanceUID)
    else {
      const known = participants.get(link.PatientID) ?? new Set()
      participants.set(link.PatientID, known.add(link.participant))
    }
  })
  const all = [...participants.values()].flatMap((each) => [...each])
  const problems: string[] = []
  if (all.length !== participants.size || new Set(all).size !== all.length) {
    problems.push('a patient has two research identities, or two patients share one')
  }
  for (const { PatientID, StudyInstanceUID } of expected.values()) {
    if (!participants.has(PatientID)) problems.push(`not in the crosswalk: ${PatientID}`)
    if (!studies.has(StudyInstanceUID)) problems.push(`not in the crosswalk: ${StudyInstanceUID}`)
  }
  return [...new Set(problems)]
}

async function journalsAreWhole({ dataDir }: Site): Promise<string[]> {
  const problems: string[] = []
  for (const name of journals) {
    if (!existsSync(journalPath(dataDir, name))) continue
    for (const command of ['repair', 'stat']) {
      const args = [command, name, '--data-dir', dataDir]
      const { code, stderr } = await run('fiona-journal', args)
      if (code !== 0) problems.push(`fiona-journal ${command} ${name}: ${code} ${stderr}`)
    }
  }
  return problems
}

/** Half-made files, names that say "mine", folders in which something was being made. */
function leftBehind({ dataDir, delivered: folder }: Site): string[] {
  const names = [dataDir, folder].flatMap((root) =>
    readdirSync(root, { recursive: true }).map((name) => join(root, String(name))),
  )
  const isLeft = (path: string): boolean =>
    /\.(part|tmp|new|broken)$/.test(path) || /\/outbox\/\.incoming\//.test(path)
  return names.filter(isLeft).map((path) => `left behind: ${path}`)
}

export async function recordsOf(dataDir: string, journal: string): Promise<AnyRecord[]> {
  const records: AnyRecord[] = []
  for await (const { lines } of readJournal(journalPath(dataDir, journal))) {
    for (const line of lines.toString().trimEnd().split('\n')) {
      records.push(JSON.parse(line) as AnyRecord)
    }
  }
  return records
}

/** A line that a full disk tore is passed over, as its readers do. */
function wholeLines(path: string): unknown[] {
  const content = readFileSync(path)
  return (path.endsWith('.gz') ? gunzipSync(content) : content)
    .toString()
    .split('\n')
    .flatMap((line): unknown[] => {
      try {
        return [JSON.parse(line)]
      } catch {
        return []
      }
    })
}

function byUid(paths: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const path of paths) {
    const uid = basename(path, '.dcm')
    found.set(uid, [...(found.get(uid) ?? []), path])
  }
  return found
}

/** storescp calls a file after the kind of the object and its UID. */
function uidInPacs(path: string): string {
  return basename(path).replace(/^[A-Z]+\./, '')
}

function dataSet(path: string): Buffer {
  return readFileSync(path).subarray(dataSetOffsetOf(path))
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** None where the folder is not there. */
function filesIn(root: string): string[] {
  return existsSync(root) ? filesBelow(root) : []
}
