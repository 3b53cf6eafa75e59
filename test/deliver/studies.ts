// De-identified studies as fiona-anon leaves them, and the records that say so.
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { ctImage } from '../fixtures/dicom-writer.ts'

export const temporary = (): string => mkdtempSync(join(tmpdir(), 'fiona-send-'))

export interface Study {
  readonly record: AnyRecord
  readonly path: string
  /** Absolute, sorted. */
  readonly files: readonly string[]
}

let numbers = 0

/** A study of small CT images in one or more series, written below a folder of its own. */
export function makeStudy(
  options: {
    readonly objects?: number
    readonly series?: number
    readonly rows?: number
    readonly project?: string
    readonly participant?: string
    /** Below `outbox/<participant>`; a new one unless given. */
    readonly outbox?: string
    readonly uid?: string
    readonly fields?: Readonly<Record<string, unknown>>
  } = {},
): Study {
  const uid = options.uid ?? `2.25.${String(process.pid)}${String(++numbers)}`
  const participant = options.participant ?? 'S001'
  const path = join(options.outbox ?? temporary(), participant, uid)
  const objects = options.objects ?? 3
  const series = options.series ?? 1
  for (let number = 1; number <= objects; number++) {
    const seriesUID = `${uid}.${String((number % series) + 1)}`
    const sopUID = `${seriesUID}.${String(number)}`
    const rows = options.rows ?? 16
    const image = ctImage({
      studyUID: uid,
      seriesUID,
      sopUID,
      instanceNumber: number,
      rows,
      columns: rows,
    })
    write(join(path, seriesUID, `${sopUID}.dcm`), image)
  }
  return studyIn(path, uid, participant, options)
}

export function write(path: string, bytes: Buffer): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
}

/** The record for what lies in a directory. */
export function studyIn(
  path: string,
  uid: string,
  participant: string,
  options: { readonly project?: string; readonly fields?: Readonly<Record<string, unknown>> } = {},
): Study {
  const series = readdirSync(path).sort()
  const files = series.flatMap((name) =>
    readdirSync(join(path, name))
      .sort()
      .map((file) => join(path, name, file)),
  )
  const record = {
    type: 'deidentified',
    v: 1,
    time: '2026-01-02T03:04:05.678Z',
    project: options.project ?? 'ABCD',
    requestId: `r-${uid}`,
    participant,
    event: 'baseline',
    StudyInstanceUID: uid,
    path,
    series: series.map((name) => ({
      SeriesInstanceUID: name,
      instances: readdirSync(join(path, name)).length,
    })),
    instances: files.length,
    bytes: 1,
    profile: 'basic',
    profileDigest: 'x',
    revision: 1,
    ...options.fields,
  }
  return { record, path, files }
}
