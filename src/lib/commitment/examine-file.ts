import { DicomFile } from '../dicom/index.ts'
import { FionaError } from '../error/index.ts'
import { projectsOf, type Intake, type ObjectSource } from '../intake/index.ts'
import { projectOfArchived } from '../storage/index.ts'
import { FailureReason } from '../transaction/index.ts'

/** Where objects of the peer come from: that decides in which project they are. */
export interface Origin {
  readonly source: ObjectSource
  readonly project?: string | undefined
}

/** Why a file is not the object that is meant by a reference to this class; undefined: it is. */
export type Finding = (SOPClassUID: string) => FailureReason | undefined

/**
 * Whether a file of the archive is the object that the peer means: of its class and UID, whole to the end,
 * and in the project that an object from this peer comes to. It is read once, however often a request
 * names its UID.
 */
export function examineFile(
  path: string,
  SOPInstanceUID: string,
  from: Origin,
  archive: { readonly dataDir: string; readonly intake: Intake },
): Finding {
  const { dataDir, intake } = archive
  try {
    using file = DicomFile.open(path, { stopAtPixelData: true })
    const found = intake.describe(file, { path, size: file.size, ...from })
    // Another project's copy: this peer did not send it, or will not have to be told of it.
    if (!projectsOf(found).includes(projectOfArchived(dataDir, path))) {
      return () => FailureReason.noSuchObjectInstance
    }
    if (found.SOPInstanceUID !== SOPInstanceUID) return unreliable
    const isWhole = holds(() => {
      file.requireWhole()
    })
    return (SOPClassUID) => {
      if (SOPClassUID !== found.SOPClassUID) return FailureReason.classInstanceConflict
      return isWhole ? undefined : FailureReason.processingFailure
    }
  } catch (error) {
    if (error instanceof FionaError) return unreliable
    throw error
  }
}

/** It is there and cannot be relied upon. */
const unreliable: Finding = () => FailureReason.processingFailure

function holds(check: () => void): boolean {
  try {
    check()
    return true
  } catch (error) {
    if (error instanceof FionaError) return false
    throw error
  }
}
