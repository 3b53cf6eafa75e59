import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Organizer } from '../../src/lib/organize/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { type CtImageOptions, ctImage } from '../fixtures/dicom-writer.ts'

export const dataDirectory = () => mkdtempSync(join(tmpdir(), 'fiona-organize-'))

export interface StoredObject {
  readonly study?: string
  readonly series?: number
  readonly object?: number
  readonly project?: string
  readonly attributes?: Readonly<Record<string, string>>
  readonly image?: CtImageOptions
  /** Where it lies; in the archive by default. */
  readonly path?: string
}

export const usual = {
  PatientID: 'P1',
  StudyDate: '20240102',
  StudyTime: '030405',
  SeriesNumber: '1',
  SeriesDescription: 'Axial',
  Modality: 'CT',
}

/** Stores an object and returns the record a receiver makes of it. */
export function store(
  dataDir: string,
  object: StoredObject = {},
  more: Record<string, unknown> = {},
): AnyRecord {
  const StudyInstanceUID = object.study ?? '2.25.1'
  const SeriesInstanceUID = `${StudyInstanceUID}.${String(object.series ?? 1)}`
  const SOPInstanceUID = `${SeriesInstanceUID}.${String(object.object ?? 1)}`
  const archive = join(dataDir, object.project ?? 'default', 'archive')
  const path =
    object.path ?? join(archive, StudyInstanceUID, SeriesInstanceUID, `${SOPInstanceUID}.dcm`)
  const bytes = ctImage({
    studyUID: StudyInstanceUID,
    seriesUID: SeriesInstanceUID,
    sopUID: SOPInstanceUID,
    instanceNumber: object.object ?? 1,
    ...object.image,
  })
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
  return {
    type: 'instance',
    path,
    size: bytes.length,
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
    SOPInstanceUID,
    SeriesInstanceUID,
    StudyInstanceUID,
    TransferSyntaxUID: '1.2.840.10008.1.2.1',
    ...(object.project === undefined ? {} : { project: object.project }),
    attributes: { ...usual, ...object.attributes },
    ...more,
  }
}

export async function viewsOf(organizer: Organizer, record: AnyRecord): Promise<string[]> {
  const organized = (await organizer.record(record)) as AnyRecord
  return organized['views'] as string[]
}

/** Every name below a directory, links not followed. */
export function tree(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory()
      ? tree(join(directory, entry.name)).map((below) => `${entry.name}/${below}`)
      : [entry.name],
  )
}

export function isLink(path: string): boolean {
  return lstatSync(path).isSymbolicLink()
}

export function json(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
}

/** What fiona-classify says of a series when it is complete. */
export const classifiedSeries = {
  type: 'series',
  StudyInstanceUID: '2.25.1',
  SeriesInstanceUID: '2.25.1.1',
  path: null,
  instances: 1,
  bytes: 1,
  reason: 'quiet',
  ClassifyType: ['two'],
}
