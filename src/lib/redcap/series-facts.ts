import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { openHeader, tagOf } from '../dicom/index.ts'
import type { StudyRecord } from '../record/index.ts'
import type { NewRow } from './redcap-project.ts'
import { type SeriesFacts, tidy } from './study-note.ts'

/**
 * What a record does not say of a series, read from one of its objects. A series whose file cannot be read is told
 * without.
 * @param isWanted asked by SeriesInstanceUID: reading a header is work, and what was read once stays
 */
export async function seriesFactsOf(
  record: StudyRecord,
  isWanted: (SeriesInstanceUID: string) => boolean,
): Promise<Map<string, SeriesFacts>> {
  const found = new Map<string, SeriesFacts>()
  for (const { SeriesInstanceUID, files } of record.series) {
    if (!isWanted(SeriesInstanceUID)) continue
    const path =
      record.path === null
        ? files?.[0]
        : await firstFileIn(join(record.path, SeriesInstanceUID), '.dcm')
    const header = path === undefined ? undefined : valuesOf(path, seriesKeywords)
    if (header === undefined) continue
    found.set(SeriesInstanceUID, {
      date: header.get('SeriesDate') || header.get('StudyDate') || '',
      time: header.get('SeriesTime') ?? '',
      sequenceName: header.get('SequenceName') ?? '',
    })
  }
  return found
}

const seriesKeywords = ['SeriesDate', 'StudyDate', 'SeriesTime', 'SequenceName']

/**
 * What a de-identified study says of itself, for the project's own REDCap: nothing of the clinic.
 * @param path of the study
 */
export async function readHeaderFacts(path: string): Promise<NewRow | undefined> {
  for await (const file of filesBelow(path)) {
    const header = valuesOf(file, ['StudyDate', 'StudyDescription', 'AccessionNumber'])
    if (header === undefined) continue
    return {
      img_study_date: header.get('StudyDate') ?? '',
      img_study_description: header.get('StudyDescription') ?? '',
      img_incoming_accession_number: header.get('AccessionNumber') ?? '',
    }
  }
  return undefined
}

/** At most one file of each folder is tried: they are of one study. */
async function* filesBelow(path: string): AsyncGenerator<string> {
  const folder = await opendir(path).catch(() => undefined)
  if (folder === undefined) return
  for await (const entry of folder) {
    if (!entry.isDirectory()) continue
    const file = await firstFileIn(join(path, entry.name), '.dcm')
    if (file !== undefined) yield file
  }
}

async function firstFileIn(path: string, suffix: string): Promise<string | undefined> {
  const folder = await opendir(path).catch(() => undefined)
  if (folder === undefined) return undefined
  for await (const entry of folder) {
    if (entry.isFile() && entry.name.endsWith(suffix)) return join(path, entry.name)
  }
  return undefined
}

function valuesOf(path: string, keywords: readonly string[]): Map<string, string> | undefined {
  try {
    using file = openHeader(path)
    return new Map(
      keywords.map((keyword) => {
        const tag = tagOf(keyword)
        return [
          keyword,
          tidy((tag === undefined ? undefined : file.string(file.dataSet, tag)) ?? ''),
        ]
      }),
    )
  } catch {
    // Damaged, or gone meanwhile: whoever needs its bytes says so.
    return undefined
  }
}
