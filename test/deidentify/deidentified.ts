import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Deidentifier,
  type DeidentifierOptions,
  Pseudonyms,
  basicProfile,
  namingOf,
} from '../../src/lib/deidentify/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'

export const key = Buffer.from('a key of no hospital, thirty-two bytes')
export const study = '2.25.1001'
export const series = `${study}.1`

export interface Site {
  readonly root: string
  readonly out: string
  readonly dataDir: string
}

const roots: string[] = []
process.on('exit', () => {
  for (const root of roots) rmSync(root, { recursive: true, force: true })
})

/** Gone when the tests of the file are over. */
export function newSite(): Site {
  const root = mkdtempSync(join(tmpdir(), 'fiona-anon-'))
  roots.push(root)
  return { root, out: join(root, 'out'), dataDir: join(root, 'data') }
}

export function deidentifierAt(
  site: Site,
  options: Partial<DeidentifierOptions> = {},
): Deidentifier {
  return new Deidentifier({
    keyOf: () => key,
    namingOf: (project) => namingOf(project),
    uidRoot: '2.25',
    dataDir: site.dataDir,
    out: site.out,
    participant: 'S001',
    inStage: false,
    onlyRequests: false,
    durable: false,
    profileOf: () => basicProfile(),
    exclusionOf: () => () => undefined,
    howToDecide: (requestId) => `fiona-anon --release ${requestId}`,
    onDone: () => undefined,
    onWarning: () => undefined,
    ...options,
  })
}

/** Puts objects into an archive and returns the record of their study. */
export function archived(
  site: Site,
  objects: readonly Buffer[],
  more: Record<string, unknown> = {},
): AnyRecord {
  const folder = join(site.dataDir, 'default', 'archive', study, series)
  mkdirSync(folder, { recursive: true })
  objects.forEach((object, at) => {
    writeFileSync(join(folder, `2.25.${String(at + 1)}.dcm`), object)
  })
  return {
    type: 'study',
    StudyInstanceUID: study,
    path: join(site.dataDir, 'default', 'archive', study),
    series: [{ SeriesInstanceUID: series, instances: objects.length }],
    instances: objects.length,
    bytes: 0,
    reason: 'flush',
    revision: 1,
    ...more,
  }
}

export interface Outcome {
  readonly record: AnyRecord
  readonly site: Site
  readonly files: readonly string[]
}

/** De-identifies a study of these objects, in a place of its own. */
export async function deidentify(
  objects: readonly Buffer[],
  options: Partial<DeidentifierOptions> = {},
  more: Record<string, unknown> = {},
): Promise<Outcome> {
  const site = newSite()
  const record = await deidentifierAt(site, options).record(archived(site, objects, more))
  if (record === undefined || !('type' in record)) throw new Error('no record')
  return { record: record, site, files: filesUnder(site.out) }
}

/** Every file, hidden ones too. */
export function filesUnder(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
  } catch {
    return []
  }
}

export function reasonsOf(record: AnyRecord): string[] {
  const reasons = record['reasons'] as readonly { code: string }[] | undefined
  return [...new Set((reasons ?? []).map(({ code }) => code))]
}

export function newUidOf(uid: string): string {
  return new Pseudonyms(key, 'default').uid(uid)
}

export function bytesOf(files: readonly string[]): Buffer[] {
  return files.map((file) => readFileSync(file))
}
