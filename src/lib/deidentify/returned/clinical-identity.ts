import { join } from 'node:path'
import type { StudyLink, ParticipantLink } from '../../crosswalk/index.ts'
import { type DataSet, DicomFile, vrOf } from '../../dicom/index.ts'
import { FionaError, troubleOfSurroundings } from '../../error/index.ts'
import { archiveStudyPath, namesIn, projectOfFolder } from '../../storage/index.ts'
import { identityKindOf } from '../search/identity-kinds.ts'
import type { KnownIdentity } from '../search/known-identity.ts'

const longestIdentity = 4096
const patientGroup = 0x0010
const accessionNumber = 0x00080050
/** A study is in the archive of few projects, and files lie between folders. */
const absent = ['ENOENT', 'ENOTDIR']

/**
 * What is known of the patient behind a participant: the identifiers of the crosswalk, and, as long as the study lies in an
 * archive, what one object of each series says. What a profile may keep on purpose (dates, places, devices) is no secret.
 * @throws errors of the system: a folder that cannot be read may hold what has to be known before anything goes on
 */
export async function addClinicalIdentity(
  identity: KnownIdentity,
  { StudyInstanceUID }: StudyLink,
  patients: readonly ParticipantLink[],
  dataDir: string,
): Promise<void> {
  identity.uids.add(StudyInstanceUID)
  for (const { PatientID } of patients) identity.add('identifier', PatientID)
  for (const folder of await namesIn(dataDir)) {
    const project = projectOfFolder(folder)
    if (project === undefined) continue
    const study = archiveStudyPath(dataDir, project, StudyInstanceUID)
    for (const series of await namesIn(study, absent)) {
      const names = await namesIn(join(study, series), absent)
      const first = names.find((name) => name.endsWith('.dcm'))
      if (first !== undefined) addFrom(join(study, series, first), identity)
    }
  }
}

function addFrom(path: string, identity: KnownIdentity): void {
  try {
    using file = DicomFile.open(path, { stopAtPixelData: true })
    add(file, file.dataSet, identity)
  } catch (error) {
    // What cannot be read tells nothing; it was held when it was de-identified.
    if (!(error instanceof FionaError) || troubleOfSurroundings(error) !== undefined) throw error
  }
}

function add(file: DicomFile, dataSet: DataSet, identity: KnownIdentity): void {
  for (const element of dataSet.elements) {
    const { tag, length, items } = element
    for (const item of items ?? []) add(file, item, identity)
    if (items !== undefined || length === 0 || length > longestIdentity) continue
    const vr = element.vr === 'UN' ? (vrOf(tag) ?? 'UN') : element.vr
    const kind = identityKindOf(tag, vr)
    const isOfPerson = tag >>> 16 === patientGroup || tag === accessionNumber || kind === 'name'
    if (kind === undefined || !isOfPerson) continue
    identity.add(kind, file.strings(dataSet, tag).join('\\'), file.bytes(element))
  }
}
