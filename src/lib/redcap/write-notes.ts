import { instanceFields, instancesOf, isSame, rowsOf, type RowsToWrite } from './note-rows.ts'
import type { NewRow, RedcapProject } from './redcap-project.ts'
import type { NoteStore } from './note-store.ts'
import type { StudyNote } from './study-note.ts'
import { transferFields, readTransfers } from './tables.ts'

export interface Writing {
  readonly incoming: RedcapProject
  readonly store: Pick<NoteStore, 'read'>
  /** Where a project's studies go. */
  readonly destinationsOf: (project: string) => readonly string[]
  /** FIONA made these instances: they ask for nothing that is not asked for elsewhere. Durable when it resolves. */
  readonly madeTransfers: (made: readonly MadeTransfer[]) => Promise<void>
}

export interface MadeTransfer {
  readonly study: string
  readonly instance: number
  readonly project: string
  readonly participant: string
  readonly event: string | undefined
}

/** A study that REDCap has now as it was noted after so many changes. */
export interface Written {
  readonly StudyInstanceUID: string
  readonly changes: number
  /** The same note, with the instances that were written. */
  readonly instancesIn: (note: StudyNote) => StudyNote
}

/**
 * Brings the records of some studies in Incoming up to what is noted of them. It reads first which instances there
 * are: people add and remove some meanwhile. What it was killed in the middle of is done again, and then is there once.
 * @returns without those whose instance another took at the same moment
 * @throws FionaError E_REDCAP_…; then all of them wait on
 */
export async function writeNotes(
  batch: readonly { readonly StudyInstanceUID: string; readonly changes: number }[],
  { incoming, store, destinationsOf, madeTransfers }: Writing,
  signal: AbortSignal,
): Promise<Written[]> {
  const notes = await Promise.all(batch.map(({ StudyInstanceUID }) => store.read(StudyInstanceUID)))
  const there = await incoming.exportRecords(
    { fields: instanceFields, records: batch.map((one) => one.StudyInstanceUID) },
    signal,
  )
  const rows = notes.map((note) => {
    return rowsOf(note, instancesOf(note.StudyInstanceUID, there), destinationsOf)
  })
  const all = (pick: (one: RowsToWrite) => readonly NewRow[]): NewRow[] => rows.flatMap(pick)
  // The record first, as what repeats belongs to it.
  await incoming.importRecords(
    all(({ study }) => (study === undefined ? [] : [study])),
    'keep',
    signal,
  )
  await incoming.importRecords(
    all(({ series }) => series),
    'keep',
    signal,
  )
  const made = rows.flatMap((one, at) => madeBy(notes[at], one))
  // Before they are there: seen without this, they would be taken for the wish of a person.
  if (made.length > 0) await madeTransfers(made)
  await incoming.importRecords(
    all(({ newTransfers }) => newTransfers),
    'clear',
    signal,
  )
  await incoming.importRecords(
    all(({ results }) => results),
    'clear',
    signal,
  )
  const lost = made.length === 0 ? new Set<string>() : await lostInstances(made, incoming, signal)
  return batch.flatMap(({ StudyInstanceUID, changes }, at) => {
    const instances = rows[at]?.instances ?? new Map<string, never>()
    if (made.some((one) => one.study === StudyInstanceUID && lost.has(keyOf(one)))) return []
    return [{ StudyInstanceUID, changes, instancesIn: (note) => withInstances(note, instances) }]
  })
}

function madeBy(note: StudyNote | undefined, { instances }: RowsToWrite): MadeTransfer[] {
  return [...instances].flatMap(([requestId, { instance, isNew }]) => {
    const transfer = note?.transfers[requestId]
    if (!isNew || note === undefined || transfer === undefined) return []
    const { project, participant, event } = transfer
    return [{ study: note.StudyInstanceUID, instance, project, participant, event }]
  })
}

/**
 * REDCap has no way to ask for the next free instance: two who look at the same moment take the same one. Whoever
 * wrote last has it, so it is looked at again: if it is another's now, ours goes to a further one next time.
 */
async function lostInstances(
  made: readonly MadeTransfer[],
  incoming: RedcapProject,
  signal: AbortSignal,
): Promise<Set<string>> {
  const found = readTransfers(
    await incoming.exportRecords(
      { fields: transferFields, records: made.map(({ study }) => study) },
      signal,
    ),
  )
  const isThere = (one: MadeTransfer): boolean =>
    (found.get(one.study) ?? []).some(
      (other) => other.instance === one.instance && isSame(other, one),
    )
  const lost = made.filter((one) => !isThere(one))
  return new Set(lost.map(keyOf))
}

function keyOf({ study, instance }: Pick<MadeTransfer, 'instance' | 'study'>): string {
  return `${study} ${String(instance)}`
}

function withInstances(note: StudyNote, instances: RowsToWrite['instances']): StudyNote {
  const transfers = Object.entries(note.transfers).map(([requestId, transfer]) => {
    const given = instances.get(requestId)
    return [requestId, given === undefined ? transfer : { ...transfer, instance: given.instance }]
  })
  return { ...note, transfers: Object.fromEntries(transfers) as StudyNote['transfers'] }
}
