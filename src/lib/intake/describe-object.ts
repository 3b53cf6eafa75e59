import { type DicomFile, readAttributes } from '../dicom/index.ts'
import { nowIso, type InstanceRecord } from '../record/index.ts'
import { carryFurther } from './further-projects.ts'
import { identityOf } from './identity.ts'
import type { ObjectSource, ProjectChoice } from './project-choice.ts'

/** What is known of an object beside its header. */
export interface Known {
  readonly path: string
  readonly size: number
  readonly source?: ObjectSource | undefined
  readonly project?: string | undefined
}

/**
 * The record of an object by its header alone.
 * @throws FionaError E_UID_INVALID, E_DICOM_PARSE
 */
export function describeObject(
  projects: ProjectChoice,
  file: DicomFile,
  known: Known,
): InstanceRecord {
  const { path, size, source } = known
  const { SOPClassUID, SOPInstanceUID, SeriesInstanceUID, StudyInstanceUID } = identityOf(file)
  const [project, ...further] =
    known.project === undefined ? projects.choose(source ?? {}, file) : [known.project]
  // `type` first: filters that do not handle instances find that out without parsing the line.
  const record: InstanceRecord = {
    type: 'instance',
    v: 1,
    time: nowIso(),
    project,
    path,
    size,
    SOPClassUID,
    SOPInstanceUID,
    SeriesInstanceUID,
    StudyInstanceUID,
    TransferSyntaxUID: file.transferSyntaxUID,
  }
  if (source !== undefined) record.source = { ...source }
  record.attributes = readAttributes(file)
  if (further.length > 0) {
    carryFurther(
      record,
      further.map((name) => ({ ...record, project: name })),
    )
  }
  return record
}
