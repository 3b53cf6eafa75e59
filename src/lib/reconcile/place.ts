import { projectOfFolder } from '../storage/index.ts'
import { isUid } from '../uid/index.ts'

/** Where an object of an archive lies, as its path says. */
export interface Place {
  readonly project: string
  readonly study: string
  /** The path below the data directory: the same wherever that was moved since. */
  readonly below: string
}

const archived = /(?:^|\/)([^/]+)\/archive\/([0-9.]+)\/([0-9.]+)\/[^/]+\.dcm$/

/** Undefined for a file that lies elsewhere (`fiona-import --in-place`). */
export function placeOf(path: string): Place | undefined {
  const [text, folder, study, series] = archived.exec(path) ?? []
  if (text === undefined || folder === undefined || !isUid(study) || !isUid(series)) {
    return undefined
  }
  const project = projectOfFolder(folder)
  return project === undefined ? undefined : { project, study, below: text.replace(/^\//, '') }
}
