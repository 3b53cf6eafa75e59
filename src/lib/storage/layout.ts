import { join, relative, sep } from 'node:path'
import { isUid, parseUid } from '../uid/index.ts'
import { projectFolder, projectOfFolder } from './project-name.ts'
import { inside } from './safe-path.ts'

/** What names an object in the archive; UIDs are validated here, whatever was checked before. */
export interface ObjectIdentity {
  readonly project: string
  readonly StudyInstanceUID: string
  readonly SeriesInstanceUID: string
  readonly SOPInstanceUID: string
}

/** `<data>/<project>/archive/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>.dcm` */
export function archivePath(dataDir: string, object: ObjectIdentity): string {
  const study = archiveStudyPath(dataDir, object.project, object.StudyInstanceUID)
  const series = parseUid(object.SeriesInstanceUID, 'SeriesInstanceUID')
  const name = `${parseUid(object.SOPInstanceUID, 'SOPInstanceUID')}.dcm`
  // UIDs have digits, and dots between them: behind a proven path they lead nowhere else, and need no proof of their own.
  return [study, series, name].join(sep)
}

export function archiveStudyPath(dataDir: string, project: string, study: string): string {
  return inside(dataDir, projectFolder(project), 'archive', parseUid(study, 'StudyInstanceUID'))
}

/**
 * The project in whose archive a file lies, by its name alone: the inverse of `archivePath`. Both paths
 * must be real ones. Undefined for whatever is not an object of an archive below `dataDir`.
 */
export function projectOfArchived(dataDir: string, path: string): string | undefined {
  // Asked of every imported file, and nearly always no: the cheap question first.
  if (!path.startsWith(dataDir)) return undefined
  const [project = '', archive, study, series, file, ...deeper] = relative(dataDir, path).split(sep)
  const isArchived = archive === 'archive' && isUid(study) && isUid(series)
  if (!isArchived || deeper.length > 0 || file?.endsWith('.dcm') !== true) return undefined
  return projectOfFolder(project)
}

/** Where objects lie while they are being received: same file system as the archive. */
export function incomingPath(dataDir: string): string {
  return join(dataDir, 'incoming')
}

export function quarantinePath(dataDir: string): string {
  return join(dataDir, 'quarantine')
}
