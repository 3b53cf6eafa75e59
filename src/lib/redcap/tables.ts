import type { Row } from './answer.ts'
import { choiceList } from './dictionary.ts'
import type { FieldOfProject } from './redcap-project.ts'
import { textIn } from './redcap-project.ts'

/** What somebody asked for in an instance of the instrument `transfers`. */
export interface Transfer {
  readonly study: string
  readonly instance: number
  readonly project: string
  readonly participant: string
  /** Undefined where it is blank. */
  readonly event: string | undefined
}

export const transferFields = [
  'study_instance_uid',
  'transfer_project_name',
  'transfer_name',
  'transfer_event_name',
] as const

/** By study. Rows that ask for nothing (yet) are left out; of two for one instance the first counts. */
export function readTransfers(rows: readonly Row[]): Map<string, Transfer[]> {
  const found = new Map<string, Transfer[]>()
  for (const row of rows) {
    const instance = instanceOf(row, 'transfers')
    const [study, project, participant, event] = transferFields.map((name) => trimmed(row, name))
    if (instance === undefined || !study || !project || !participant) continue
    const known = found.get(study) ?? []
    if (known.some((one) => one.instance === instance)) continue
    known.push({ study, instance, project, participant, event: event === '' ? undefined : event })
    found.set(study, known)
  }
  return found
}

/** The number of an instance of a repeating instrument; undefined for any other row. */
export function instanceOf(row: Row, form: string): number | undefined {
  if (textIn(row, 'redcap_repeat_instrument') !== form) return undefined
  const text = textIn(row, 'redcap_repeat_instance')
  return /^[1-9]\d{0,6}$/.test(text) ? Number(text) : undefined
}

/** What REDCap knows of a research project. */
export interface ResearchProject {
  readonly name: string
  /** A regular expression that the whole of a participant must fit. */
  readonly naming: string | undefined
  readonly isActive: boolean
  /** `YYYY-MM-DD` */
  readonly from: string | undefined
  readonly until: string | undefined
  /** What is sent to it gets a name that is made of the pattern (AutoID); undefined: nothing does by itself. */
  readonly autoIdAET: string | undefined
  /** Objects that it does not want, as `exclude` of a project of the configuration has them. */
  readonly exclude: readonly Readonly<Record<string, string>>[]
  /** It asks that pixels are never masked. */
  readonly wantsPixels: boolean
}

/** Secondary Capture Image Storage, and its multi-frame kinds (PS3.6 A). */
const secondaryCaptures = ['', '.1', '.2', '.3', '.4'].map((kind) => ({
  sopClass: `1.2.840.10008.5.1.4.1.1.7${kind}`,
}))

export const projectFields = [
  'record_id',
  'project_patient_naming',
  'project_active',
  'project_rec_start_date',
  'project_rec_end_date',
] as const
export const projectExtraFields = [
  'project_use_autoid',
  'project_autoid_aetitle',
  'project_features',
] as const

export function readProjects(rows: readonly Row[]): Map<string, ResearchProject> {
  const found = new Map<string, ResearchProject>()
  for (const row of rows) {
    const name = trimmed(row, 'record_id')
    if (name === '' || isRepeat(row) || found.has(name)) continue
    found.set(name, {
      name,
      naming: trimmed(row, 'project_patient_naming') || undefined,
      isActive: trimmed(row, 'project_active') === '1',
      from: dayOf(trimmed(row, 'project_rec_start_date')),
      until: dayOf(trimmed(row, 'project_rec_end_date')),
      autoIdAET:
        trimmed(row, 'project_use_autoid') === '1'
          ? trimmed(row, 'project_autoid_aetitle') || undefined
          : undefined,
      exclude: [
        ...(trimmed(row, 'project_features___0') === '1' ? [{ modality: 'PR' }] : []),
        ...(trimmed(row, 'project_features___2') === '1' ? secondaryCaptures : []),
      ],
      wantsPixels: trimmed(row, 'project_features___1') === '1',
    })
  }
  return found
}

/** A rule of the project Routing: what arrives so goes there, under the name that the patient has already. */
export interface RoutingRule {
  readonly record: string
  readonly project: string
  readonly calledAET: string
  readonly callingAET: string
  /** As Python's `re.match` takes them: anchored at the beginning. */
  readonly patientId: string
  readonly patientName: string
  readonly event: string | undefined
}

export const routingFields = [
  'record_id',
  'routing_active',
  'routing_dest_project',
  'routing_incoming_aetitle',
  'routing_sending_aetitle',
  'routing_allowed_patientid',
  'routing_allowed_patientname',
  'routing_event_name',
] as const

/**
 * @param dictionary of the project: the destination is stored as a code, and its label is the name of the research
 *   project, which may hold blanks
 */
export function readRouting(
  rows: readonly Row[],
  dictionary: readonly Pick<FieldOfProject, 'choices' | 'field_name'>[],
): RoutingRule[] {
  const field = dictionary.find(({ field_name }) => field_name === 'routing_dest_project')
  const labels = new Map(choiceList(field?.choices ?? ''))
  return rows.flatMap((row) => {
    const code = trimmed(row, 'routing_dest_project')
    if (trimmed(row, 'routing_active') !== '1' || code === '' || isRepeat(row)) return []
    return [
      {
        record: trimmed(row, 'record_id'),
        project: labels.get(code) ?? code,
        calledAET: trimmed(row, 'routing_incoming_aetitle'),
        callingAET: trimmed(row, 'routing_sending_aetitle'),
        patientId: trimmed(row, 'routing_allowed_patientid'),
        patientName: trimmed(row, 'routing_allowed_patientname'),
        event: trimmed(row, 'routing_event_name') || undefined,
      },
    ]
  })
}

/** An entry of the coupling list. */
export interface Coupling {
  readonly record: string
  readonly accessionNumber: string
  readonly study: string
  readonly project: string
  readonly participant: string
  readonly event: string | undefined
  /** `YYYY-MM-DD`; undefined where it says nothing. */
  readonly since: string | undefined
}

export const couplingFields = [
  'record_id',
  'cl_accessionnumber',
  'cl_projectname',
  'cl_subjectid',
  'cl_eventname',
  'cl_date',
] as const
export const couplingExtraFields = ['cl_studyinstanceuid'] as const

export function readCouplings(rows: readonly Row[]): Coupling[] {
  return rows.flatMap((row) => {
    const coupling = {
      record: trimmed(row, 'record_id'),
      accessionNumber: trimmed(row, 'cl_accessionnumber'),
      study: trimmed(row, 'cl_studyinstanceuid'),
      project: trimmed(row, 'cl_projectname'),
      participant: trimmed(row, 'cl_subjectid'),
      event: trimmed(row, 'cl_eventname') || undefined,
      since: dayOf(trimmed(row, 'cl_date')),
    }
    const { accessionNumber, study, project, participant } = coupling
    const asks = project !== '' && participant !== '' && (accessionNumber !== '' || study !== '')
    return asks && !isRepeat(row) ? [coupling] : []
  })
}

/** A name that AutoID gave, here or before. */
export interface AutoId {
  readonly record: string
  readonly project: string
  /** Of the patient: `autoIdKey`. */
  readonly key: string
  readonly participant: string
}

export const autoIdFields = [
  'record_id',
  'autoid_project_name',
  'autoid_hash',
  'autoid_value',
] as const

export function readAutoIds(rows: readonly Row[]): AutoId[] {
  return rows.flatMap((row) => {
    const one = {
      record: trimmed(row, 'record_id'),
      project: trimmed(row, 'autoid_project_name'),
      key: trimmed(row, 'autoid_hash').toLowerCase(),
      participant: trimmed(row, 'autoid_value'),
    }
    // One without a patient is taken all the same.
    return one.project !== '' && one.participant !== '' && !isRepeat(row) ? [one] : []
  })
}

function trimmed(row: Row, name: string): string {
  return textIn(row, name).trim()
}

function isRepeat(row: Row): boolean {
  return textIn(row, 'redcap_repeat_instrument') !== ''
}

function dayOf(text: string): string | undefined {
  return /^\d{4}-\d\d-\d\d/.exec(text)?.[0]
}
