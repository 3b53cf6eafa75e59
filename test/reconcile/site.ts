import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type t from 'tap'
import { journalPath } from '../../src/lib/journal/index.ts'
import { Organizer } from '../../src/lib/organize/index.ts'
import { nothingFound, reconcile, type Finding } from '../../src/lib/reconcile/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { dataDirectory, store } from '../organize/organized.ts'

export const study = (n: number) => `2.25.${String(n)}`

/** A site where each of so many studies of three objects was received and organized, a segment each. */
export async function site(test: typeof t, studies: number): Promise<string> {
  const dataDir = dataDirectory()
  test.teardown(() => {
    rmSync(dataDir, { recursive: true, force: true })
  })
  const journal = journalPath(dataDir, 'received')
  mkdirSync(journal, { recursive: true })
  const organizer = new Organizer(dataDir)
  for (let n = 1; n <= studies; n++) {
    const records = [1, 2, 3].map((object) => storedNow(dataDir, n, object))
    writeFileSync(segment(dataDir, n), lines(records))
    for (const record of records) await organizer.record(record)
  }
  await organizer.end()
  return dataDir
}

/** Without attributes: views are made from the header, as a rebuild makes them. */
export function storedNow(dataDir: string, n: number, object: number): AnyRecord {
  const record = store(dataDir, { study: study(n), object, project: n % 2 === 0 ? 'EVEN' : 'ODD' })
  return { ...record, v: 1, time: new Date().toISOString(), attributes: undefined }
}

export function segment(dataDir: string, n: number): string {
  const name = `20261124T000000${String(n).padStart(3, '0')}Z-test-00000001-000001.ndjson`
  return join(journalPath(dataDir, 'received'), name)
}

export function lines(records: readonly object[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('')
}

/** Whole lines of all segments. */
export function received(dataDir: string): AnyRecord[] {
  const journal = journalPath(dataDir, 'received')
  return readdirSync(journal)
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) => readFileSync(join(journal, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => JSON.parse(line) as AnyRecord)
}

export interface Run {
  readonly mends?: boolean
  readonly project?: string
  readonly studies?: readonly string[]
  readonly bytesAPass?: number
  readonly settleMs?: number
}

export async function run(dataDir: string, { studies, ...options }: Run = {}) {
  const found: Finding[] = []
  const failed: { path: string; code: string }[] = []
  const counts = nothingFound()
  await reconcile({
    dataDir,
    journal: journalPath(dataDir, 'received'),
    mends: false,
    settleMs: 0,
    signal: new AbortController().signal,
    found: async (finding) => {
      found.push(finding)
    },
    failed: async (path, { code }) => {
      failed.push({ path, code })
    },
    counts,
    ...(studies === undefined ? {} : { studies: new Set(studies) }),
    ...options,
  })
  return { found, failed, counts }
}
