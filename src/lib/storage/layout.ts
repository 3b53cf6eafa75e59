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
  // Digits and dots between them: such a name leads nowhere else.
  const name = `${parseUid(object.SOPInstanceUID, 'SOPInstanceUID')}.dcm`
  return archiveSeriesPath(dataDir, object) + sep + name
}

/** Whose objects go by now: only what was proven once is here, and proving it takes as long as making a file. */
const knownSeries = new Map<string, string>()
const mostKnown = 1000

function archiveSeriesPath(dataDir: string, object: ObjectIdentity): string {
  const { project, StudyInstanceUID, SeriesInstanceUID } = object
  const key = [dataDir, project, StudyInstanceUID, SeriesInstanceUID].join('\0')
  const known = knownSeries.get(key)
  if (known !== undefined) return known
  const study = archiveStudyPath(dataDir, project, StudyInstanceUID)
  const path = inside(study, parseUid(SeriesInstanceUID, 'SeriesInstanceUID'))
  if (knownSeries.size >= mostKnown) knownSeries.clear()
  knownSeries.set(key, path)
  return path
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
