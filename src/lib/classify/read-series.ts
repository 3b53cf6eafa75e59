import { stat } from 'node:fs/promises'
import { fileMissing } from '../dicom/index.ts'
import { safeComponent, inside } from '../storage/index.ts'
import type { RuleSet } from './rule-set.ts'
import { FollowedSeries } from './series-cache.ts'
import { filesBelow, visitObjects } from './stored-objects.ts'

export interface SeriesPlace {
  readonly SeriesInstanceUID: string
  /** Objects that there are at least. */
  readonly instances: number
  /** Its objects, its own directory, or that of its study: the first that is known. */
  readonly files?: readonly string[] | undefined
  readonly directory?: string | undefined
  readonly studyDirectory?: string | undefined
}

/**
 * Classifies the stored objects of a series. Fewer than the record says is an error and never a
 * shorter list of types: the one that is missing may be the one with names burned into its pixels.
 * @throws FionaError E_FILE_MISSING, or what ails the first object that cannot be read
 */
export async function readSeries(
  StudyInstanceUID: string,
  place: SeriesPlace,
  rules: RuleSet,
): Promise<FollowedSeries> {
  const { SeriesInstanceUID, instances } = place
  const series = new FollowedSeries(rules.startSeries())
  const seen = new Set<string>()
  const { trouble } = await visitObjects(await objectPaths(place), (file, identity, path) => {
    const { SOPInstanceUID } = identity
    if (identity.SeriesInstanceUID !== SeriesInstanceUID) return
    if ((identity.StudyInstanceUID ?? StudyInstanceUID) !== StudyInstanceUID) return
    if (SOPInstanceUID === undefined) return
    // Another file of the same UID is another object: who counts them has compared them.
    const object = seen.has(SOPInstanceUID) ? `${SOPInstanceUID} ${path}` : SOPInstanceUID
    seen.add(object)
    series.types.add(file)
    series.note(object)
  })
  if (seen.size >= instances && (trouble === undefined || place.files === undefined)) return series
  if (trouble !== undefined) throw trouble
  throw fileMissing(
    `only ${String(seen.size)} of ${String(instances)} objects of the series ${SeriesInstanceUID} are there`,
  )
}

async function objectPaths(place: SeriesPlace): Promise<readonly string[]> {
  if (place.files !== undefined) return place.files
  if (place.directory !== undefined) return filesBelow(place.directory)
  if (place.studyDirectory === undefined) {
    throw fileMissing(
      `the record does not say where the objects of series ${place.SeriesInstanceUID} are`,
    )
  }
  // The archive has a directory for each series; where there is none, all of the study is looked at.
  const own = inside(place.studyDirectory, safeComponent(place.SeriesInstanceUID))
  const isThere = await stat(own)
    .then((found) => found.isDirectory())
    .catch(() => false)
  return filesBelow(isThere ? own : place.studyDirectory)
}
