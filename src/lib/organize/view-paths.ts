import { basename } from 'node:path'
import type { InstanceRecord } from '../record/index.ts'
import { inside, projectFolder } from '../storage/index.ts'
import { parseUid } from '../uid/index.ts'
import { viewName } from './view-name.ts'

const defaultProject = 'default'

export type View = 'raw' | 'participants' | 'srs'

/** One view of the project that a record names. */
export function viewTree(
  dataDir: string,
  { project = defaultProject }: { readonly project?: string },
  view: View,
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

/** `srs/<Manufacturer or _>/<StudyInstanceUID>/`, where scripts that read structured reports look for them. */
export function reportDirectory(
  dataDir: string,
  instance: InstanceRecord,
  { Manufacturer }: Readonly<Record<string, unknown>>,
): string {
  const maker = viewName(typeof Manufacturer === 'string' ? Manufacturer.trim() : '')
  return inside(viewTree(dataDir, instance, 'srs'), maker, instance.StudyInstanceUID)
}

/** Structured reports have a view of their own. */
export function isReport(attributes: Readonly<Record<string, unknown>>): boolean {
  return attributes['Modality'] === 'SR'
}

/** As the archive has it: also the name of an object that came with other bytes under a known UID. */
export function linkName({ path, SOPInstanceUID }: InstanceRecord): string {
  const uid = parseUid(SOPInstanceUID, 'SOPInstanceUID')
  const name = basename(path)
  const isOther = name.startsWith(`${uid}~`) && /^~[0-9a-f]{16}\.dcm$/.test(name.slice(uid.length))
  return isOther ? name : `${uid}.dcm`
}
