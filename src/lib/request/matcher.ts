import type { Logger } from 'pino'
import { ExitCode, FionaError } from '../error/index.ts'
import { faultPoint } from '../fault/index.ts'
import {
  errorRecord,
  parseRecord,
  type AnyRecord,
  type FionaRecord,
  type HeldRecord,
  type MarkRecord,
  type RequestRecord,
  type StudyRecord,
} from '../record/index.ts'
import type { Patient } from './patient-key.ts'
import { settle, type Settled, type Settling } from './settle.ts'
import type { Undecided } from './status-file.ts'
import type { Changed } from './source.ts'
import type { Store } from './store/store.ts'
import { Study } from './study-in-question.ts'
import { ToDo } from './to-do.ts'

/** Whoever decides by hand, in another process, is heard within that time. */
const listenEveryMs = 1000
/** A hundred thousand that wait take a tenth of a second. */
const countEveryMs = 5000
/** Studies that are matched again between two records, and told at once. */
const together = 50

export interface MatcherOptions extends Settling {
  readonly log: Logger
  readonly inStage: boolean
  /** What is made goes on, and no other record of the clinic. */
  readonly requestsOnly: boolean
  /** Told how many studies wait for somebody, when that may have changed. */
  readonly tellUndecided?: (undecided: readonly Undecided[]) => void
  /** Makes durable what was written to stdout, where it can be. */
  readonly sync: () => Promise<void>
}

/** Records of the clinical side that nothing behind needs. */
const clinical = ['instance', 'series', 'mpps', 'release', 'association'] as const

/**
 * The filter: a study that comes is decided at once, as far as anybody knows; what waits, or is held, is matched again when a source has changed its
 * mind, or a person decided. What it says then was asked for by no record that would be fed again: it is kept until it has arrived.
 */
export class Matcher {
  readonly handles: readonly string[]
  readonly timer = {
    dueAt: (): number => (this.#toDo.isEmpty ? this.#listenAt : 0),
    fire: (nowMs: number): readonly (AnyRecord | FionaRecord)[] => this.#fire(nowMs),
  }
  readonly #options: MatcherOptions
  readonly #toDo = new ToDo()
  #listenAt = 0
  #heardUpTo: number
  #version: number
  #hasToldAgain = false
  /** Something was decided since the numbers were told. */
  #isCountOld = true
  #countAt = 0
  /** Ids in `told`: what this process has said, */
  #toldUpTo = 0
  /** and what went before which mark. */
  #beforeMarks: { readonly upTo: number; readonly seq: number }[] = []

  constructor(options: MatcherOptions) {
    this.#options = options
    this.handles = options.requestsOnly ? ['study', ...clinical] : ['study']
    this.#heardUpTo = options.store.hands.last()
    this.#version = options.store.version()
    // Whatever changed while nobody listened.
    this.#toDo.addAll(undefined)
  }

  /** A source has changed its mind. */
  changed(which: Changed | undefined): void {
    if (which === undefined) this.#toDo.addAll(['waiting', 'held'])
    else this.#toDo.add(this.#options.store.studies.idsOf(this.#options.owner, which))
  }

  record(record: AnyRecord): readonly FionaRecord[] {
    if (record.type !== 'study') return []
    const { store, owner, sources, clock } = this.#options
    const input = parseRecord(record) as StudyRecord
    const study = new Study(input)
    for (const source of sources) source.studySeen?.(study)
    const patient = store.patients.patientOf(study)
    const settled = store.transact(() => {
      const known = store.studies.find(owner, study.key)
      // One that is fed again after a later one came is answered, and the later one stays.
      if (known === undefined || known.record.revision <= study.revision)
        this.#keep(study, patient, clock())
      return settle(study, patient, this.#options, 'all')
    })
    faultPoint('request.decided')
    this.#isCountOld = true
    this.#tellSources(study, settled)
    return [...settled.requests, ...settled.held]
  }

  async mark({ seq, committed = -1 }: MarkRecord): Promise<void> {
    const { store, owner, sources, inStage } = this.#options
    for (const source of sources) await source.sync?.()
    if (!inStage) {
      await this.#saidIsWritten()
      return
    }
    if (this.#toldUpTo > (this.#beforeMarks.at(-1)?.upTo ?? 0)) {
      this.#beforeMarks.push({ upTo: this.#toldUpTo, seq })
    }
    const arrived = this.#beforeMarks.findLast((one) => one.seq <= committed)
    if (arrived === undefined) return
    store.told.forget(owner, arrived.upTo)
    faultPoint('request.arrived')
    this.#beforeMarks = this.#beforeMarks.filter(({ seq: mark }) => mark > committed)
  }

  /** The end of the input: by hand everything is matched that can be; what remains is an error where nothing keeps it. */
  async end(): Promise<readonly (AnyRecord | FionaRecord)[]> {
    const { sources, store, owner, inStage, log } = this.#options
    if (inStage) return []
    for (const source of sources) {
      await source.settled?.()
      await source.sync?.()
    }
    await this.#saidIsWritten()
    const records: (AnyRecord | FionaRecord)[] = []
    while (!this.#toDo.isEmpty) records.push(...this.#fire(performance.now()))
    records.push(...this.#untold())
    if (!store.isDurable) return [...records, ...this.unmatched()]
    const waiting = store.studies.count(owner, 'waiting')
    if (waiting > 0) {
      log.warn(
        { studies: waiting },
        'studies wait for somebody to say where they belong; fiona-request waiting lists them',
      )
    }
    return records
  }

  /** All that was said has been written. */
  async close(): Promise<void> {
    if (!this.#options.inStage) await this.#saidIsWritten()
  }

  /** Studies that nobody said anything of, and that nothing keeps, as error records that hold them. */
  unmatched(): readonly FionaRecord[] {
    const { store, owner } = this.#options
    if (store.isDurable) return []
    return store.studies
      .list(owner, ['waiting'], 0, -1)
      .map(({ record, why }) => errorRecord('fiona-request', unmatchedError(why), record))
  }

  /** What a process before said, and may have died of before its sources kept it. */
  #tellAgain(): void {
    if (this.#hasToldAgain) return
    this.#hasToldAgain = true
    const { store, owner, sources } = this.#options
    for (let after = 0, isMore = true; isMore;) {
      const rows = store.told.list(owner, after, together)
      isMore = rows.length === together
      after = rows.at(-1)?.id ?? after
      for (const record of rows.flatMap(({ records }) => records)) {
        if (record.type === 'held') {
          const held = parseRecord(record) as HeldRecord
          const [stored] = store.studies.of(held.StudyInstanceUID ?? '')
          if (stored === undefined) continue
          const study = new Study(stored.record)
          for (const source of sources) source.studyHeld?.(held, study)
          continue
        }
        const asked = askedBy(record, store)
        if (asked === undefined) continue
        const { study, patient } = asked
        const { project, participant } = asked.request
        const isAllocated = store.bindings
          .of(project, patient.key)
          .some((one) => one.participant === participant && one.allocated === 1)
        for (const source of sources) {
          if (isAllocated) source.nameGiven?.(project, participant, study)
          source.requestMade?.(asked.request, study)
        }
      }
    }
  }

  #fire(nowMs: number): readonly (AnyRecord | FionaRecord)[] {
    this.#tellAgain()
    if (nowMs >= this.#listenAt) {
      this.#listenAt = nowMs + listenEveryMs
      this.#listen()
      this.#count(nowMs)
    }
    this.#matchSome()
    return this.#untold()
  }

  #count(nowMs: number): void {
    const { store, owner, tellUndecided } = this.#options
    if (!this.#isCountOld || nowMs < this.#countAt) return
    this.#countAt = nowMs + countEveryMs
    this.#isCountOld = false
    tellUndecided?.(store.studies.undecided(owner))
  }

  /** What persons decided in other processes. */
  #listen(): void {
    const { store, owner } = this.#options
    const version = store.version()
    if (version === this.#version) return
    this.#version = version
    const decided = store.hands.since(this.#heardUpTo)
    this.#heardUpTo = decided.at(-1)?.id ?? this.#heardUpTo
    const StudyInstanceUID = new Set(decided.map((one) => one.StudyInstanceUID))
    this.#toDo.add(store.studies.idsOf(owner, { StudyInstanceUID }))
  }

  #matchSome(): void {
    if (this.#toDo.isEmpty) return
    const { store, owner } = this.#options
    const outcomes: [Study, Settled][] = []
    store.transact(() => {
      for (const { record, patient } of this.#toDo.take(together, store, owner)) {
        const study = new Study(record)
        const settled = settle(study, patient, this.#options, 'news')
        store.told.add(owner, [...settled.requests, ...settled.held])
        if (settled.requests.length + settled.held.length > 0) outcomes.push([study, settled])
      }
    })
    faultPoint('request.matched')
    this.#isCountOld = true
    for (const [study, settled] of outcomes) this.#tellSources(study, settled)
  }

  #untold(): readonly AnyRecord[] {
    const { store, owner } = this.#options
    const rows = store.told.list(owner, this.#toldUpTo, together)
    this.#toldUpTo = rows.at(-1)?.id ?? this.#toldUpTo
    if (rows.length === together) this.#toDo.lookAgain()
    return rows.flatMap(({ records }) => records)
  }

  /** Of what is said outside of a stage nobody hears again: written is arrived. */
  async #saidIsWritten(): Promise<void> {
    if (this.#toldUpTo === 0) return
    const { store, owner, sources, sync } = this.#options
    for (const source of sources) await source.sync?.()
    await sync()
    store.told.forget(owner, this.#toldUpTo)
  }

  #keep(study: Study, patient: Patient, now: number): void {
    const [accession] = study.values('AccessionNumber')
    const [patientId] = study.values('PatientID')
    const { store, owner } = this.#options
    store.studies.keep(owner, { record: study.record, accession, patientId, patient }, now)
  }

  #tellSources(study: Study, { requests, held, named, namesLeft, state }: Settled): void {
    const { sources, log } = this.#options
    for (const source of sources) {
      for (const [project, name] of named) source.nameGiven?.(project, name, study)
      for (const request of requests) source.requestMade?.(request, study)
      for (const one of held) source.studyHeld?.(one, study)
      if (state === 'waiting') source.studyWaits?.(study)
    }
    for (const [project, left] of namesLeft) {
      log.warn(
        { project, left },
        `AutoID has ${String(left)} names left for ${project}: give it a longer pattern in time (projects.*.requests.autoId, or project_patient_naming in REDCap)`,
      )
    }
    for (const { requestId, project, revision } of requests) {
      log.info({ request: requestId, project, revision }, 'a study is requested')
    }
    for (const { requestId, project, reasons } of held) {
      const codes = reasons.map(({ code }) => code)
      log.warn(
        { request: requestId, project, reasons: codes },
        'a study is held: a person must decide',
      )
    }
  }
}

/** A request that was made, with the study it is of. */
function askedBy(record: AnyRecord, store: Store) {
  if (record.type !== 'request') return undefined
  const request = parseRecord(record) as RequestRecord & { readonly project: string }
  const stored = store.studies
    .of(request.StudyInstanceUID)
    .find(({ key }) => store.requests.of(key).some((one) => one.requestId === request.requestId))
  if (stored === undefined) return undefined
  return { request, study: new Study(stored.record), patient: stored.patient }
}

function unmatchedError(why: string): FionaError {
  return new FionaError('E_REQUEST_UNMATCHED', `nothing says where this study belongs: ${why}`, {
    hint: 'add it to a table or a rule, or decide by hand with --data-dir or --config: fiona-request STUDY --project P --participant ID; then hand the record in again',
    exitCode: ExitCode.badInput,
    retryable: true,
  })
}
