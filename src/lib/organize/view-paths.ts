import { basename } from 'node:path'
import type { InstanceRecord } from '../record/index.ts'
import { inside, projectFolder } from '../storage/index.ts'
import { parseUid } from '../uid/index.ts'

/** Of records that name none. */
export const defaultProject = 'default'

/** Few projects have few views, and each is asked for with each object. */
const knownTrees = new Map<string, string>()
const mostKnown = 1000

/** One view of the project that a record names. @param view its folder */
export function viewTree(
  dataDir: string,
  { project = defaultProject }: { readonly project?: string },
  view: string,
): string {
  const key = `${dataDir}\0${project}\0${view}`
  const known = knownTrees.get(key)
  if (known !== undefined) return known
  const tree = inside(dataDir, projectFolder(project), view)
  if (knownTrees.size >= mostKnown) knownTrees.clear()
  knownTrees.set(key, tree)
  return tree
}

/** `raw/<StudyInstanceUID>/`. */
export function rawStudyDirectory(
  dataDir: string,
  of: { readonly project?: string; readonly StudyInstanceUID: string },
): string {
  return inside(viewTree(dataDir, of, 'raw'), parseUid(of.StudyInstanceUID, 'StudyInstanceUID'))
}

/** `raw/<StudyInstanceUID>/<SeriesInstanceUID>/`. */
export function rawSeriesDirectory(
  dataDir: string,
  of: { readonly project?: string; readonly StudyInstanceUID: string },
  SeriesInstanceUID: string,
): string {
  const key = [dataDir, of.project ?? defaultProject, of.StudyInstanceUID, SeriesInstanceUID].join(
    '\0',
  )
  const known = knownSeries.get(key)
  if (known !== undefined) return known
  const directory = inside(
    rawStudyDirectory(dataDir, of),
    parseUid(SeriesInstanceUID, 'SeriesInstanceUID'),
  )
  if (knownSeries.size >= mostKnown) knownSeries.clear()
  knownSeries.set(key, directory)
  return directory
}

/** Whose objects go by now: only a name that was proven once is here. */
const knownSeries = new Map<string, string>()

/** As the archive has it: also the name of an object that came with other bytes under a known UID. */
export function linkName({ path, SOPInstanceUID }: InstanceRecord): string {
  const uid = parseUid(SOPInstanceUID, 'SOPInstanceUID')
  const name = basename(path)
  const isOther = name.startsWith(`${uid}~`) && /^~[0-9a-f]{16}\.dcm$/.test(name.slice(uid.length))
  return isOther ? name : `${uid}.dcm`
}
