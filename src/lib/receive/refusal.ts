import { type Answer, Status } from '../dimse/index.ts'
import { FionaError } from '../error/index.ts'

/** What the sender hears (PS3.4 table B.2-1). The comment has 64 characters and tells nothing of the patient. */
const answers: Readonly<Record<string, Answer>> = {
  E_DISK_FULL: { status: Status.outOfResources, comment: 'no space left for objects' },
  E_ARCHIVE_WRITE: { status: Status.outOfResources, comment: 'the archive cannot be written' },
  E_FILE_READ: { status: Status.outOfResources, comment: 'the archive cannot be read' },
  E_RECORD_WRITE: { status: Status.outOfResources, comment: 'the record cannot be written' },
  E_SIZE_MISMATCH: { status: Status.processingFailure, comment: 'bytes were lost on the way' },
  E_IDENTITY_MISMATCH: {
    status: Status.dataSetDoesNotMatchSOPClass,
    comment: 'SOP class or instance UID: request and data set differ',
    offendingElements: [0x00080016, 0x00080018],
  },
  E_CLASS_NOT_AGREED: {
    status: Status.SOPClassNotSupported,
    comment: 'this SOP class was not agreed for this context',
    offendingElements: [0x00000002],
  },
  E_UID_INVALID: {
    status: Status.dataSetDoesNotMatchSOPClass,
    comment: 'a UID of the object is missing or invalid',
  },
  E_DICOM_PARSE: { status: Status.cannotUnderstand, comment: 'the data set is damaged' },
  E_DICOM_LIMIT: { status: Status.cannotUnderstand, comment: 'the data set exceeds all limits' },
}

/** Anything unexpected is a failure that may pass: the sender keeps the object. */
export function refusalAnswer(error: unknown): Answer {
  const known = error instanceof FionaError ? answers[error.code] : undefined
  return known ?? { status: Status.processingFailure, comment: 'internal error, see the log' }
}
