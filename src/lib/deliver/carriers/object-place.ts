import { safeComponent } from '../../storage/index.ts'
import type { StudyObject } from '../list-objects.ts'

/**
 * Where an object lies below a destination of files, as names of folders and of the file: participant, study, series, object. None
 * of them can lead anywhere else.
 */
export function objectPlace(
  participant: string,
  object: Pick<StudyObject, 'StudyInstanceUID' | 'SeriesInstanceUID' | 'SOPInstanceUID'>,
): { readonly folders: readonly string[]; readonly file: string } {
  const { StudyInstanceUID, SeriesInstanceUID, SOPInstanceUID } = object
  return {
    folders: [...studyPlace(participant, StudyInstanceUID), SeriesInstanceUID],
    file: `${SOPInstanceUID}.dcm`,
  }
}

/** The folders that hold all of a study. */
export function studyPlace(participant: string, StudyInstanceUID: string): readonly string[] {
  return [safeComponent(participant), StudyInstanceUID]
}
