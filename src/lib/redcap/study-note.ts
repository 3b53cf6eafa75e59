import type {
  ErrorRecord,
  HeldRecord,
  RequestRecord,
  StudyRecord,
  TransferRecord,
} from '../record/index.ts'
import type { ResultRecord } from '../request/index.ts'
import type { PatientHash } from './patient-hashes.ts'
import type { NewRow } from './redcap-project.ts'
import { localMinute } from '../text/index.ts'

/**
 * What is known of a study and is to stand in REDCap. It says how things are and not what happened, so that whatever
 * came while REDCap was down is one note, and what is told twice changes nothing.
 */
export interface StudyNote {
  readonly v: 1
  readonly StudyInstanceUID: string
  /** Fields of `incoming_studies`; empty for a study of which nothing but its requests is known. */
  readonly study: NewRow
  /** Fields of `series`, by SeriesInstanceUID. */
  readonly series: Readonly<Record<string, NewRow>>
  /** By requestId. */
  readonly transfers: Readonly<Record<string, TransferNote>>
  /** No request was made, as a person must look first. */
  readonly held?: HeldNote
  /** By project: which name AutoID gave to its patient here. */
  readonly names?: Readonly<Record<string, NameNote>>
}

export interface NameNote {
  readonly participant: string
  /** Of the patient, as the project AutoID has it. */
  readonly key: string
}

export interface HeldNote {
  readonly codes: readonly string[]
  /** ISO 8601 */
  readonly time: string
}

/** How one request has fared. */
export interface TransferNote {
  readonly project: string
  readonly participant: string
  readonly event?: string
  /** ISO 8601: of the first request. */
  readonly requestedAt: string
  readonly revision: number
  /** ISO 8601: of the revision that is on its way, or was last. */
  readonly begunAt: string
  readonly mappedUID?: string
  /** A part of some objects' pixels was made blank, in any revision. */
  readonly isMasked?: true
  /** By name: how the last delivery of this revision ended there. */
  readonly destinations: Readonly<Record<string, DeliveryNote>>
  readonly trouble?: TroubleNote
  /** ISO 8601: when it was last known how it ended. */
  readonly endedAt?: string
  /** The instance of `transfers` that is written. */
  readonly instance?: number
  /** What research knows of the study, once it was delivered: for the project's own REDCap. */
  readonly imaging?: NewRow
}

export interface DeliveryNote {
  readonly status: TransferRecord['status']
  readonly sent: number
  readonly failed: number
  readonly attempts: number
}

export interface TroubleNote {
  readonly stage: 'deidentify' | 'deliver' | 'request'
  readonly code: string
  readonly message: string
}

export function emptyNote(StudyInstanceUID: string): StudyNote {
  return { v: 1, StudyInstanceUID, study: {}, series: {}, transfers: {} }
}

/** What is read of a series besides the record: its own date, time and sequence. */
export interface SeriesFacts {
  readonly date: string
  readonly time: string
  readonly sequenceName: string
}

/** A study came, or a further revision of it. */
export function noteStudy(
  note: StudyNote,
  record: StudyRecord,
  facts: {
    readonly value: (name: string) => string
    readonly ofSeries: (SeriesInstanceUID: string) => SeriesFacts | undefined
    readonly hash: PatientHash
  },
): StudyNote {
  const { value, ofSeries, hash } = facts
  const study: NewRow = {
    study_institution_name: tidy(value('InstitutionName')),
    study_aetitle_sender: tidy(value('callingAET')),
    study_aetitle_addressed: tidy(value('calledAET')),
    study_patient_name: hash(value('PatientName')),
    study_patient_id: hash(value('PatientID')),
    study_description: tidy(value('StudyDescription')),
    study_date: tidy(value('StudyDate')),
    study_time: tidy(value('StudyTime')),
    study_accession_number: tidy(value('AccessionNumber')),
    // Of the first revision: the study has been waited for since then.
    study_arrival_date: note.study['study_arrival_date'] ?? enteredMinute(record.time),
  }
  const series = { ...note.series }
  for (const one of record.series) {
    const { SeriesInstanceUID, SeriesDescription = '', instances, ClassifyType } = one
    const known = series[SeriesInstanceUID]
    const own = ofSeries(SeriesInstanceUID)
    series[SeriesInstanceUID] = {
      series_description: tidy(SeriesDescription),
      series_date: tidy(own?.date ?? known?.['series_date'] ?? study['study_date'] ?? ''),
      series_time: tidy(own?.time ?? known?.['series_time'] ?? ''),
      series_num_files: String(instances),
      series_sequence_name: tidy(own?.sequenceName ?? known?.['series_sequence_name'] ?? ''),
      series_classify_types: JSON.stringify(ClassifyType ?? []),
    }
  }
  return { ...note, study, series }
}

/** A request was made, or made again for a later revision: whatever was said of an earlier one is past. */
export function noteRequest(note: StudyNote, request: RequestRecord): StudyNote {
  const { requestId, project = '', participant, event, revision } = request
  const known = note.transfers[requestId]
  const others = without(note, 'held')
  if (known !== undefined && known.revision >= revision) return others
  const begunAt = request.time ?? new Date().toISOString()
  const lasting = known === undefined ? {} : without(known, 'trouble', 'endedAt')
  return withTransfer(others, requestId, {
    ...lasting,
    project,
    participant,
    ...(event === undefined ? {} : { event }),
    requestedAt: known?.requestedAt ?? begunAt,
    revision,
    begunAt,
    destinations: {},
  })
}

/** Nothing was requested. */
export function noteHeld(note: StudyNote, { reasons, time }: HeldRecord): StudyNote {
  const codes = [...new Set(reasons.map(({ code }) => code))]
  return { ...note, held: { codes, time: time ?? new Date().toISOString() } }
}

/** AutoID gave its patient a name. */
export function noteName(note: StudyNote, project: string, name: NameNote): StudyNote {
  return { ...note, names: { ...note.names, [project]: name } }
}

/** What became of a request. Of one that is not known here nothing is noted. */
export function noteResult(note: StudyNote, record: ResultRecord, imaging?: NewRow): StudyNote {
  const requestId = requestIdOf(record)
  const known = requestId === undefined ? undefined : note.transfers[requestId]
  if (requestId === undefined || known === undefined) return note
  const calm = without(known, 'trouble')
  const endedAt = record.time ?? new Date().toISOString()
  switch (record.type) {
    case 'deidentified': {
      if (record.revision < known.revision) return note
      const isMasked = known.isMasked === true || (record.pixels?.masked ?? 0) > 0
      return withTransfer(note, requestId, {
        ...calm,
        mappedUID: record.StudyInstanceUID,
        ...(isMasked ? { isMasked } : {}),
        ...(imaging === undefined ? {} : { imaging }),
      })
    }
    case 'transfer': {
      const { destination, status, instances, attempts } = record
      const delivery = { status, sent: instances.sent, failed: instances.failed, attempts }
      const destinations = { ...known.destinations, [destination]: delivery }
      const isWell = Object.values(destinations).every((one) => one.status === 'sent')
      return withTransfer(note, requestId, {
        ...(isWell ? calm : known),
        destinations,
        endedAt,
        ...(status === 'sent' ? {} : { trouble: known.trouble ?? incomplete(record) }),
      })
    }
    case 'held':
      return withTransfer(note, requestId, { ...known, endedAt, trouble: heldTrouble(record) })
    case 'error': {
      const stage = stageOf(record)
      const { code, message } = record
      return withTransfer(note, requestId, {
        ...known,
        endedAt,
        trouble: { stage, code, message: tidy(message) },
      })
    }
  }
}

/** Of a record that tells of a request; an error record holds what it was given. */
export function requestIdOf(record: {
  readonly type: string
  readonly requestId?: unknown
  readonly record?: unknown
}): string | undefined {
  const holder = record.type === 'error' ? record.record : record
  if (typeof holder !== 'object' || holder === null) return undefined
  const { requestId } = holder as { requestId?: unknown }
  return typeof requestId === 'string' && requestId !== '' ? requestId : undefined
}

function incomplete({ destination, instances, status }: TransferRecord): TroubleNote {
  const message = `${destination}: ${status}, ${String(instances.failed)} objects are missing there`
  return { stage: 'deliver', code: status, message: tidy(message) }
}

function heldTrouble({ reasons }: HeldRecord): TroubleNote {
  const codes = [...new Set(reasons.map(({ code }) => code))].join(', ')
  return { stage: 'deidentify', code: 'held', message: tidy(`a person must look first: ${codes}`) }
}

function stageOf({ tool }: ErrorRecord): TroubleNote['stage'] {
  if (tool === 'fiona-send') return 'deliver'
  return tool === 'fiona-anon' ? 'deidentify' : 'request'
}

function without<Whole extends object, Key extends keyof Whole>(
  whole: Whole,
  ...keys: readonly Key[]
): Omit<Whole, Key> {
  const left = { ...whole }
  for (const key of keys) delete left[key]
  return left
}

function withTransfer(note: StudyNote, requestId: string, transfer: TransferNote): StudyNote {
  return { ...note, transfers: { ...note.transfers, [requestId]: transfer } }
}

const longestText = 500

/** On one line, no longer than a person reads. */
export function tidy(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim()
    .slice(0, longestText)
}

/** As people enter a time in REDCap. */
export function enteredMinute(time: string | undefined): string {
  return localMinute(time === undefined ? new Date() : new Date(time))
}
