import { join } from 'node:path'
import { readdir } from 'node:fs/promises'
import type { StudyLink, ParticipantLink } from '../../crosswalk/index.ts'
import { type DataSet, DicomFile, vrOf } from '../../dicom/index.ts'
import { FionaError } from '../../error/index.ts'
import { namesIn } from '../../storage/index.ts'
import { identityKindOf } from '../search/identity-kinds.ts'
import type { KnownIdentity } from '../search/known-identity.ts'

const longestIdentity = 4096
const patientGroup = 0x0010
const accessionNumber = 0x00080050

/**
 * What is known of the patient behind a participant: the identifiers of the crosswalk, and, as long as the study lies in an
 * archive, what one object of each series says. What a profile may keep on purpose (dates, places, devices) is no secret.
 */
export async function addClinicalIdentity(
  identity: KnownIdentity,
  { StudyInstanceUID }: StudyLink,
  patients: readonly ParticipantLink[],
  dataDir: string,
): Promise<void> {
  identity.uids.add(StudyInstanceUID)
  for (const { PatientID } of patients) identity.add('identifier', PatientID)
  for (const project of await namesIn(dataDir)) {
    const study = join(dataDir, project, 'archive', StudyInstanceUID)
    for (const series of await foldersIn(study)) {
      const [first] = (await namesIn(join(study, series))).filter((name) => name.endsWith('.dcm'))
      if (first !== undefined) addFrom(join(study, series, first), identity)
    }
  }
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

function addFrom(path: string, identity: KnownIdentity): void {
  try {
    using file = DicomFile.open(path, { stopAtPixelData: true })
    add(file, file.dataSet, identity)
  } catch (error) {
    // What cannot be read tells nothing; it was held when it was de-identified.
    if (!(error instanceof FionaError)) throw error
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
