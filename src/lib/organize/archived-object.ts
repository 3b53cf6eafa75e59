import { openHeader, type DicomFile } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import type { Intake, ObjectSource } from '../intake/index.ts'
import type { InstanceRecord } from '../record/index.ts'
import type { Archived, Place } from './archive-walk.ts'

const sourceApplication = 0x00020016
const receivingApplication = 0x00020018

/**
 * The record of an object of the archive, made from its header.
 * @throws FionaError E_IDENTITY_MISMATCH when it lies where another object should; what reading it throws
 */
export function describeArchived(intake: Intake, archived: Archived): InstanceRecord {
  return readArchived(intake, archived, (record) => record)
}

/** The same, for who has to see more of the header than its record tells. */
export function readArchived<Found>(
  intake: Intake,
  { path, project, place }: Archived,
  read: (record: InstanceRecord, file: DicomFile) => Found,
): Found {
  using file = openHeader(path)
  const source = senderOf(file)
  const record = intake.describe(file, { path, size: file.size, project, source })
  if (place !== undefined) requirePlace(record, place, path)
  return read(record, file)
}

/** Its header says how it came (PS3.10 7.1), as far as somebody wrote that down. */
function senderOf(file: DicomFile): ObjectSource | undefined {
  const callingAET = file.string(file.meta, sourceApplication)
  const calledAET = file.string(file.meta, receivingApplication)
  if (callingAET === undefined && calledAET === undefined) return undefined
  return {
    ...(callingAET === undefined ? {} : { callingAET }),
    ...(calledAET === undefined ? {} : { calledAET }),
  }
}

/** Whoever can write into the archive could else show an object among those of another patient. */
function requirePlace(record: InstanceRecord, place: Place, path: string): void {
  for (const keyword of ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'] as const) {
    if (record[keyword] === place[keyword]) continue
    throw new FionaError(
      'E_IDENTITY_MISMATCH',
      `${path}: the object has another ${keyword} than its place`,
      {
        hint: 'find out who put it there; fiona-import takes it to where it belongs',
        exitCode: ExitCode.badInput,
      },
    )
  }
}
