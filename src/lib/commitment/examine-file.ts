import { DicomFile } from '../dicom/index.ts'
import { FionaError } from '../error/index.ts'
import type { Intake, ObjectSource } from '../intake/index.ts'
import { projectOfArchived } from '../storage/index.ts'
import { FailureReason, type Reference } from './sop-class.ts'

/** Where objects of the peer come from: that decides in which project they are. */
export interface Origin {
  readonly source: ObjectSource
  readonly project?: string | undefined
}

/**
 * Whether a file of the archive is the object that the peer means: of its class and UID, whole to the end,
 * and in the project that an object from this peer comes to.
 * @returns undefined when it is
 */
export function examineFile(
  path: string,
  reference: Reference,
  from: Origin,
  archive: { readonly dataDir: string; readonly intake: Intake },
): FailureReason | undefined {
  const { dataDir, intake } = archive
  try {
    using file = DicomFile.open(path, { stopAtPixelData: true })
    const found = intake.describe(file, { path, size: file.size, ...from })
    // Another project's copy: this peer did not send it, or will not have to be told of it.
    if (found.project !== projectOfArchived(dataDir, path))
      return FailureReason.noSuchObjectInstance
    if (found.SOPInstanceUID !== reference.SOPInstanceUID) return FailureReason.processingFailure
    if (found.SOPClassUID !== reference.SOPClassUID) return FailureReason.classInstanceConflict
    file.requireWhole()
    return undefined
  } catch (error) {
    // It is there and cannot be relied upon.
    if (error instanceof FionaError) return FailureReason.processingFailure
    throw error
  }
}
