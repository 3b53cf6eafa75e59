import { basename } from 'node:path'
import type { InstanceRecord } from '../record/index.ts'
import { inside, projectFolder } from '../storage/index.ts'
import { parseUid } from '../uid/index.ts'

/** Of records that name none. */
export const defaultProject = 'default'

/** One view of the project that a record names. @param view its folder */
export function viewTree(
  dataDir: string,
  { project = defaultProject }: { readonly project?: string },
  view: string,
): string {
  return inside(dataDir, projectFolder(project), view)
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
  return inside(rawStudyDirectory(dataDir, of), parseUid(SeriesInstanceUID, 'SeriesInstanceUID'))
}

/** As the archive has it: also the name of an object that came with other bytes under a known UID. */
export function linkName({ path, SOPInstanceUID }: InstanceRecord): string {
  const uid = parseUid(SOPInstanceUID, 'SOPInstanceUID')
  const name = basename(path)
  const isOther = name.startsWith(`${uid}~`) && /^~[0-9a-f]{16}\.dcm$/.test(name.slice(uid.length))
  return isOther ? name : `${uid}.dcm`
}
