import type { Row } from './answer.ts'
import { type NewRow, textIn } from './redcap-project.ts'
import { type HeldNote, enteredMinute, type StudyNote, type TransferNote } from './study-note.ts'
import { instanceOf, readTransfers, type Transfer } from './tables.ts'

/** What has to be read before a study is written: which instances there are. */
export const instanceFields = [
  'study_instance_uid',
  'study_arrival_date',
  'series_instance_uid',
  'transfer_project_name',
  'transfer_name',
  'transfer_event_name',
] as const

/** The instances of a study's repeating instruments, as REDCap has them now. */
export interface Instances {
  /** When the study arrived first, where that is known there. */
  readonly arrival: string
  /** Of `series`, by SeriesInstanceUID: the lowest where people made several. */
  readonly series: ReadonlyMap<string, number>
  readonly highestSeries: number
  readonly transfers: readonly Transfer[]
  /** Also of rows that ask for nothing yet: somebody is filling them in. */
  readonly highestTransfer: number
}

export function instancesOf(study: string, rows: readonly Row[]): Instances {
  const own = rows.filter((row) => textIn(row, 'study_instance_uid') === study)
  const series = new Map<string, number>()
  let [highestSeries, highestTransfer] = [0, 0]
  for (const row of own) {
    const ofSeries = instanceOf(row, 'series')
    const uid = textIn(row, 'series_instance_uid')
    if (ofSeries !== undefined) {
      highestSeries = Math.max(highestSeries, ofSeries)
      series.set(uid, Math.min(series.get(uid) ?? Infinity, ofSeries))
    }
    highestTransfer = Math.max(highestTransfer, instanceOf(row, 'transfers') ?? 0)
  }
  const arrival = own.map((row) => textIn(row, 'study_arrival_date')).find((text) => text !== '')
  return {
    arrival: arrival ?? '',
    series,
    highestSeries,
    transfers: readTransfers(own).get(study) ?? [],
    highestTransfer,
  }
}

/** What is to be written of one study. Rows of one kind have the same fields, so that none is blanked by another. */
export interface RowsToWrite {
  readonly study: NewRow | undefined
  readonly series: readonly NewRow[]
  /** Into rows that are there: what became of them, and nothing that a person has entered. */
  readonly results: readonly NewRow[]
  /** Rows that nobody has asked for in REDCap, whole. */
  readonly newTransfers: readonly NewRow[]
  /** By requestId: the instance that it is written to, and whether it is new there. */
  readonly instances: ReadonlyMap<string, { readonly instance: number; readonly isNew: boolean }>
}

/** @param destinationsOf where a project's studies go; a transfer is over when each has told how it ended */
export function rowsOf(
  note: StudyNote,
  there: Instances,
  destinationsOf: (project: string) => readonly string[],
): RowsToWrite {
  const name = { study_instance_uid: note.StudyInstanceUID }
  const isKnown = Object.keys(note.study).length > 0
  let nextSeries = there.highestSeries
  let nextTransfer = there.highestTransfer
  const instances = new Map<string, { instance: number; isNew: boolean }>()
  const results: NewRow[] = []
  const newTransfers: NewRow[] = []
  const place = (instance: number): NewRow => ({
    ...name,
    redcap_repeat_instrument: 'transfers',
    redcap_repeat_instance: String(instance),
  })
  const unanswered = new Set(there.transfers)
  for (const [requestId, transfer] of Object.entries(note.transfers)) {
    const asked = there.transfers.find((one) => isSame(one, transfer))
    // Somebody removed what was written: it stays removed.
    if (asked === undefined && transfer.instance !== undefined) continue
    const instance = asked?.instance ?? ++nextTransfer
    instances.set(requestId, { instance, isNew: asked === undefined })
    const result = resultOf(transfer, destinationsOf(transfer.project))
    if (asked === undefined)
      newTransfers.push({ ...place(instance), ...requestOf(transfer), ...result })
    else results.push({ ...place(instance), ...result })
    if (asked !== undefined) unanswered.delete(asked)
  }
  // Who asked for something that cannot be done as it stands there is told so there.
  if (note.held !== undefined) {
    for (const { instance } of unanswered) {
      results.push({ ...place(instance), ...heldResult(note.held) })
    }
  }
  return {
    study: isKnown
      ? { ...name, ...note.study, ...arrivedAt(note, there), incoming_studies_complete: '2' }
      : undefined,
    series: Object.entries(note.series).map(([uid, fields]) => ({
      ...name,
      redcap_repeat_instrument: 'series',
      redcap_repeat_instance: String(there.series.get(uid) ?? ++nextSeries),
      series_instance_uid: uid,
      ...fields,
      series_complete: '2',
    })),
    results,
    newTransfers,
    instances,
  }
}

/** The first who said so counts, since notes are forgotten after a while. A blank changes nothing here. */
function arrivedAt({ study }: StudyNote, { arrival }: Instances): NewRow {
  return { study_arrival_date: arrival === '' ? (study['study_arrival_date'] ?? '') : '' }
}

interface Wish {
  readonly project: string
  readonly participant: string
  readonly event?: string | undefined
}

export function isSame(one: Wish, other: Wish): boolean {
  return (
    one.project === other.project &&
    one.participant === other.participant &&
    (one.event ?? '') === (other.event ?? '')
  )
}

function requestOf({ requestedAt, project, participant, event = '' }: TransferNote): NewRow {
  return {
    transfer_requested_date: enteredMinute(requestedAt),
    transfer_project_name: project,
    transfer_name: participant,
    transfer_event_name: event,
  }
}

/** Blanks are meant: an error of yesterday goes away when it was sent today. */
function resultOf(transfer: TransferNote, expected: readonly string[]): NewRow {
  const { trouble, endedAt, destinations, begunAt, mappedUID = '', isMasked } = transfer
  const isWell = isDelivered(transfer, expected)
  const over = isWell || trouble !== undefined ? endedAt : undefined
  return {
    transfer_date: over === undefined ? '' : enteredMinute(over),
    transfer_error___1: trouble?.stage === 'deidentify' ? '1' : '0',
    transfer_error___2: trouble?.stage === 'deliver' ? '1' : '0',
    transfer_error___3: isMasked === true ? '1' : '0',
    transfer_mapped_uid: mappedUID,
    transfer_error_message:
      trouble === undefined ? '' : JSON.stringify({ ...trouble, destinations }),
    transfer_active_proc_time: over === undefined ? '' : secondsBetween(begunAt, over),
    transfers_complete: isWell ? '2' : trouble === undefined ? '0' : '1',
  }
}

function heldResult({ codes, time }: HeldNote): NewRow {
  const message = `not requested, a person must look first: ${codes.join(', ')}`
  return {
    transfer_date: enteredMinute(time),
    transfer_error___1: '0',
    transfer_error___2: '0',
    transfer_error___3: '0',
    transfer_mapped_uid: '',
    transfer_error_message: JSON.stringify({ stage: 'request', code: 'held', message }),
    transfer_active_proc_time: '',
    transfers_complete: '1',
  }
}

/** Every place that the project's studies go to has told that it has it. */
export function isDelivered(
  { trouble, destinations }: TransferNote,
  expected: readonly string[],
): boolean {
  const reported = Object.values(destinations)
  return (
    trouble === undefined &&
    reported.length > 0 &&
    reported.every(({ status }) => status === 'sent') &&
    expected.every((name) => Object.hasOwn(destinations, name))
  )
}

function secondsBetween(from: string, to: string): string {
  return String(Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000)))
}
