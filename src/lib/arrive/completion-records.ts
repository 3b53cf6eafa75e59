import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { AnyRecord } from '../record/index.ts'
import type { Attributes } from './facts.ts'
import type { Series, Study } from './study.ts'

/** Why a series or study counts as complete. */
export type Reason = 'quiet' | 'maxWait' | 'mpps' | 'released' | 'flush'

/** A `series` record: running totals, and in `added` what came since the last one. */
export async function seriesRecord(
  study: Study,
  series: Series,
  reason: Reason,
  time: string,
): Promise<AnyRecord> {
  const { directory } = study
  const isTogether = directory !== undefined && series.elsewhere === undefined
  return {
    type: 'series',
    v: 1,
    time,
    ...projectOf(study),
    SeriesInstanceUID: series.SeriesInstanceUID,
    StudyInstanceUID: study.StudyInstanceUID,
    path: isTogether ? join(directory, series.SeriesInstanceUID) : null,
    ...(isTogether ? {} : { files: await filesOf(study, series) }),
    instances: series.instances,
    bytes: series.bytes,
    added: series.instances - series.said,
    reason,
    ...(series.attributes === undefined ? {} : { attributes: series.attributes }),
    sources: series.sources,
  }
}

/** The `study` record of the coming revision: running totals, and in `added` what it brings. */
export async function studyRecord(
  study: Study,
  reason: Reason,
  evidence: Readonly<Record<string, unknown>>,
  time: string,
): Promise<AnyRecord> {
  const all = [...study.series.values()]
  const isTogether =
    study.directory !== undefined && all.every(({ elsewhere }) => elsewhere === undefined)
  const warnings = warningsOf(study)
  const series: Record<string, unknown>[] = []
  for (const one of all) {
    series.push({
      SeriesInstanceUID: one.SeriesInstanceUID,
      instances: one.instances,
      added: one.instances - one.decided,
      bytes: one.bytes,
      ...textOf(one.attributes, 'Modality'),
      ...textOf(one.attributes, 'SeriesDescription'),
      ...(isTogether ? {} : { files: await filesOf(study, one) }),
    })
  }
  return {
    type: 'study',
    v: 1,
    time,
    ...projectOf(study),
    StudyInstanceUID: study.StudyInstanceUID,
    path: isTogether ? study.directory : null,
    series,
    instances: study.instances,
    bytes: study.bytes,
    added: study.instances - study.decided,
    reason,
    evidence,
    revision: study.revision + 1,
    ...(study.attributes === undefined ? {} : { attributes: study.attributes }),
    sources: study.sources,
    ...(warnings.length === 0 ? {} : { warnings }),
  }
}

/** What a person must know before the study is used. */
export interface Warning {
  /** As fiona-anon calls the reason for which it holds such a study. */
  readonly code: 'patient-conflict'
  readonly where: string
}

/**
 * One StudyInstanceUID is one study (PS3.3 C.7.2.1), and a study is of one patient. Where its objects name several,
 * somebody gave a UID twice, or put images into the wrong patient: nobody here can know which.
 */
export function warningsOf({ attributes }: Study): Warning[] {
  return attributes?.['conflicts']?.includes('PatientID') === true
    ? [{ code: 'patient-conflict', where: '(0010,0020) PatientID' }]
    : []
}

/**
 * Of the objects in the study's directory only digests are kept; should a study lie partly there and
 * partly elsewhere, their names are read from the directory.
 */
async function filesOf(study: Study, { SeriesInstanceUID, elsewhere }: Series): Promise<string[]> {
  const files = [...(elsewhere?.values() ?? [])]
  if (study.directory === undefined) return files
  const directory = join(study.directory, SeriesInstanceUID)
  const names = await readdir(directory).catch(() => [])
  for (const name of names.sort()) {
    const object = { SeriesInstanceUID, name: basename(name, '.dcm') }
    if (object.name === name || elsewhere?.has(object.name) === true) continue
    if (study.has(object)) files.push(join(directory, name))
  }
  return files
}

function projectOf({ project }: Study): { project?: string } {
  return project === undefined ? {} : { project }
}

function textOf(attributes: Attributes | undefined, keyword: string): Record<string, string> {
  const value = attributes?.[keyword]
  return typeof value === 'string' ? { [keyword]: value } : {}
}
