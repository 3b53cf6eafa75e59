import { FionaError } from '../error/index.ts'
import { isDelivered } from './note-rows.ts'
import type { NoteStore } from './note-store.ts'
import { type NewRow, type RedcapProject, textIn } from './redcap-project.ts'
import type { TransferNote } from './study-note.ts'
import { instanceOf } from './tables.ts'

/** Where rows about images stand, whatever the event of the study. */
const imagingEvent = 'event_1_arm_1'

/** What no waiting for the server mends. */
const ofTheProject = new Set(['E_REDCAP_REFUSED', 'E_REDCAP_RIGHTS'])

/**
 * The REDCap projects of research projects: who takes part, and which studies of theirs were delivered. It is the side
 * of research: what is written comes from the de-identified study, nothing from the clinic.
 */
export class OwnProjects {
  readonly #projects: ReadonlyMap<string, RedcapProject>
  readonly #destinationsOf: (project: string) => readonly string[]
  /** By research project. */
  readonly #events = new Map<string, ReadonlySet<string>>()

  constructor(
    projects: ReadonlyMap<string, RedcapProject>,
    destinationsOf: (project: string) => readonly string[],
  ) {
    this.#projects = projects
    this.#destinationsOf = destinationsOf
  }

  /** It would fail for as long as nobody changes the project, or what its token may. */
  static isOfTheProject(error: unknown): error is FionaError {
    return error instanceof FionaError && ofTheProject.has(error.code)
  }

  has(project: string): boolean {
    return this.#projects.has(project)
  }

  /**
   * @returns the studies that a project did not take, because of what it is or may: no other waits for them
   * @throws FionaError E_REDCAP_DOWN, E_REDCAP_TLS
   */
  async write(
    store: Pick<NoteStore, 'read'>,
    studies: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FionaError>> {
    const failed = new Map<string, FionaError>()
    if (this.#projects.size === 0) return failed
    const delivered = new Map<string, { study: string; transfer: TransferNote }[]>()
    for (const study of studies) {
      for (const transfer of Object.values((await store.read(study)).transfers)) {
        const { project, mappedUID } = transfer
        if (mappedUID === undefined || !this.has(project)) continue
        if (!isDelivered(transfer, this.#destinationsOf(project))) continue
        delivered.set(project, [...(delivered.get(project) ?? []), { study, transfer }])
      }
    }
    for (const [name, some] of delivered) {
      const project = this.#projects.get(name)
      if (project === undefined) continue
      try {
        const transfers = some.map(({ transfer }) => transfer)
        await this.#writeOne(name, project, transfers, signal)
      } catch (error) {
        if (!OwnProjects.isOfTheProject(error)) throw error
        // Its events may be others by now.
        this.#events.delete(name)
        for (const { study } of some) failed.set(study, error)
      }
    }
    return failed
  }

  async #writeOne(
    name: string,
    project: RedcapProject,
    transfers: readonly TransferNote[],
    signal: AbortSignal,
  ): Promise<void> {
    const events = await this.#eventsOf(name, project, signal)
    const isLongitudinal = events.size > 0
    const there = await project.exportRecords(
      {
        fields: ['record_id', 'img_study_instance_uid'],
        records: transfers.map(({ participant }) => participant),
      },
      signal,
    )
    const highest = new Map<string, number>()
    const known = new Map<string, number>()
    for (const row of there) {
      const instance = instanceOf(row, 'imaging')
      if (instance === undefined) continue
      const record = textIn(row, 'record_id')
      highest.set(record, Math.max(highest.get(record) ?? 0, instance))
      known.set(`${record}\n${textIn(row, 'img_study_instance_uid')}`, instance)
    }
    const participants: NewRow[] = []
    const imaging: NewRow[] = []
    for (const { participant, event, mappedUID = '', imaging: facts } of transfers) {
      const inEvent = eventOf(event, events)
      participants.push({
        record_id: participant,
        ...(isLongitudinal ? { redcap_event_name: inEvent } : {}),
        first_name: participant,
        last_name: participant,
      })
      const key = `${participant}\n${mappedUID}`
      const instance = known.get(key) ?? (highest.get(participant) ?? 0) + 1
      highest.set(participant, Math.max(instance, highest.get(participant) ?? 0))
      known.set(key, instance)
      imaging.push({
        record_id: participant,
        ...(isLongitudinal ? { redcap_event_name: imagingEvent } : {}),
        redcap_repeat_instrument: 'imaging',
        redcap_repeat_instance: String(instance),
        img_study_instance_uid: mappedUID,
        img_event_name: event ?? '',
        img_study_date: facts?.['img_study_date'] ?? '',
        img_study_description: facts?.['img_study_description'] ?? '',
        img_incoming_accession_number: facts?.['img_incoming_accession_number'] ?? '',
      })
    }
    await project.importRecords(participants, 'keep', signal)
    await project.importRecords(imaging, 'keep', signal)
  }

  async #eventsOf(
    name: string,
    project: RedcapProject,
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    const known = this.#events.get(name)
    if (known !== undefined) return known
    const events = new Set(await project.events(signal))
    this.#events.set(name, events)
    return events
  }
}

/** `Baseline` → `baseline_arm_1`; an event that the project does not have is its first. */
function eventOf(event: string | undefined, events: ReadonlySet<string>): string {
  const name = `${(event ?? '').toLowerCase()}_arm_1`
  return event !== undefined && events.has(name) ? name : imagingEvent
}
