import { join } from 'node:path'
import { parseUid } from '../uid/index.ts'
import { inside, safeComponent } from './safe-path.ts'

/** What names an object in the archive; UIDs are validated here, whatever was checked before. */
export interface ObjectIdentity {
  readonly project: string
  readonly StudyInstanceUID: string
  readonly SeriesInstanceUID: string
  readonly SOPInstanceUID: string
}

/** `<data>/<project>/archive/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>.dcm` */
export function archivePath(dataDir: string, object: ObjectIdentity): string {
  return inside(
    archiveStudyPath(dataDir, object.project, object.StudyInstanceUID),
    parseUid(object.SeriesInstanceUID, 'SeriesInstanceUID'),
    `${parseUid(object.SOPInstanceUID, 'SOPInstanceUID')}.dcm`,
  )
}

export function archiveStudyPath(dataDir: string, project: string, study: string): string {
  return inside(dataDir, safeComponent(project), 'archive', parseUid(study, 'StudyInstanceUID'))
}

/** Where objects lie while they are being received: same file system as the archive. */
export function incomingPath(dataDir: string): string {
  return join(dataDir, 'incoming')
}

export function quarantinePath(dataDir: string): string {
  return join(dataDir, 'quarantine')
}
