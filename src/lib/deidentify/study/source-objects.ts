import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { troubleOfSurroundings } from '../../error/index.ts'
import type { RequestRecord, StudyRecord } from '../../record/index.ts'

/** One object of a study, and what the classification said of its series. */
export interface SourceObject {
  readonly path: string
  readonly types: readonly string[]
}

export interface Sources {
  /** In order of their paths, so that the first one is always the same. */
  readonly objects: readonly SourceObject[]
  /** How many the record counted that are not there. */
  readonly missing: number
}

/** The objects a record speaks of: files named by it, or all in the archive directories of its series. */
export async function sourcesOf(record: StudyRecord | RequestRecord): Promise<Sources> {
  const objects: SourceObject[] = []
  let missing = 0
  const ofStudy = 'ClassifyType' in record ? listOf(record.ClassifyType) : []
  const bySeries = record.series.some(({ ClassifyType }) => ClassifyType !== undefined)
  for (const series of record.series) {
    const types = bySeries ? listOf(series.ClassifyType) : ofStudy
    const paths = series.files ?? (await filesIn(record.path, series.SeriesInstanceUID))
    const distinct = [...new Set(paths)]
    missing += Math.max(0, series.instances - distinct.length)
    for (const path of distinct) objects.push({ path, types })
  }
  objects.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  return { objects, missing }
}

function listOf(types: unknown): readonly string[] {
  return Array.isArray(types) ? types.filter((type) => typeof type === 'string') : []
}

async function filesIn(directory: string | null, SeriesInstanceUID: string): Promise<string[]> {
  if (directory === null) return []
  const folder = join(directory, SeriesInstanceUID)
  const names = await readdir(folder).catch((error: unknown) => {
    // The objects may all be there: the study is not to be held for that.
    if (troubleOfSurroundings(error) !== undefined) throw error
    return []
  })
  return names.filter((name) => name.endsWith('.dcm')).map((name) => join(folder, name))
}
