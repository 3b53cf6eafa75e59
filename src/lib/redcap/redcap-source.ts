import { join } from 'node:path'
import type { Logger } from 'pino'
import type { FionaError } from '../error/index.ts'
import type { HeldRecord, RequestRecord } from '../record/index.ts'
import type {
  Decision,
  GivenNames,
  ProjectFacts,
  RequestSource,
  ResultRecord,
  SourceContext,
  StudyInQuestion,
} from '../request/source.ts'
import { makeDirectories } from '../storage/index.ts'
import { autoIdKey } from './auto-ids.ts'
import { KnownTables, type RedcapProjects } from './known-tables.ts'
import { NoteStore } from './note-store.ts'
import { NoteWriter } from './note-writer.ts'
import { OwnProjects } from './own-projects.ts'
import { longerPause, pause } from './pace.ts'
import type { PatientHash } from './patient-hashes.ts'
import { readHeaderFacts, seriesFactsOf } from './series-facts.ts'
import { saveState } from './source-state.ts'
import {
  emptyNote,
  noteHeld,
  noteName,
  noteRequest,
  noteResult,
  noteStudy,
  requestIdOf,
  type StudyNote,
} from './study-note.ts'
import { ToldNotes } from './told-notes.ts'
import { Troubles } from './troubles.ts'

export interface RedcapSourceOptions {
  readonly name: string
  readonly redcap: RedcapProjects
  readonly everySeconds: number
  readonly couplingDays: number
  /** So long a note is kept that REDCap has, and that had no news; a year unless told. */
  readonly keepDays?: number
  readonly hash: PatientHash
  /** By project, where its studies go (`projects.X.destinations`). */
  readonly destinationsOf: (project: string) => readonly string[]
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn'>
  readonly close: () => void
  readonly random?: () => number
  readonly wait?: typeof pause
}

/** What there is while it is open. */
interface Opened {
  readonly context: SourceContext
  readonly store: NoteStore
  readonly own: OwnProjects
  readonly writer: NoteWriter
}

/**
 * REDCap as a source of requests. It answers from what it read last; reading and writing happen beside that, and
 * nothing waits for them. What is to be written is noted on disk first, for as long as REDCap does not answer.
 */
export class RedcapSource implements RequestSource {
  readonly name: string
  readonly #options: RedcapSourceOptions
  readonly #wait: typeof pause
  readonly #random: () => number
  readonly #troubles = new Troubles((error) => this.#opened?.context.trouble(error))
  readonly #told = new ToldNotes((studies) => this.#opened?.writer.news(studies))
  readonly #halt = new AbortController()
  #known: KnownTables
  #opened: Opened | undefined
  #loops: Promise<unknown> = Promise.resolve()
  #firstReading = Promise.resolve(false)
  #lastReadAt: string | undefined

  constructor(options: RedcapSourceOptions) {
    this.name = options.name
    this.#options = options
    this.#wait = options.wait ?? pause
    this.#random = options.random ?? Math.random
    this.#known = new KnownTables(options, undefined)
  }

  /** Studies that REDCap does not have as they are. */
  get waiting(): number {
    return this.#opened?.store.waiting ?? 0
  }

  /** What was read last, for whoever only wants to know of projects; nothing is asked, and nothing written. */
  async load(directory: string | undefined): Promise<void> {
    const tables = directory === undefined ? undefined : join(directory, 'tables')
    this.#known = new KnownTables(this.#options, tables)
    await this.#known.load()
  }

  async open(context: SourceContext): Promise<void> {
    const { directory } = context
    if (directory !== undefined) await makeDirectories(join(directory, 'tables'), { mode: 0o700 })
    const { redcap, destinationsOf, log, keepDays } = this.#options
    const store = await NoteStore.open(directory)
    await this.load(directory)
    const own = new OwnProjects(redcap.own, destinationsOf)
    const writer = new NoteWriter({
      store,
      redcap,
      own,
      known: this.#known,
      destinationsOf,
      troubles: this.#troubles,
      log,
      random: this.#random,
      wait: this.#wait,
      keepDays: keepDays ?? 365,
      saveState: () => this.#saveState(),
    })
    this.#opened = { context, store, own, writer }
    this.#told.open(store)
    const signal = AbortSignal.any([context.signal, this.#halt.signal])
    this.#firstReading = this.#readAll(signal)
    this.#loops = Promise.all([this.#readLoop(signal), writer.run(signal)])
  }

  async close(): Promise<void> {
    await this.sync()
    this.#halt.abort()
    await this.#loops
    await this.#opened?.writer.writeLast()
    await this.#saveState()
    this.#options.close()
  }

  decide(study: StudyInQuestion): readonly Decision[] {
    return this.#known.decide(study)
  }

  /** REDCap was read once, and has what it was told; or it does not answer. */
  async settled(): Promise<void> {
    await this.sync()
    await this.#firstReading
    await this.#opened?.writer.settled()
  }

  whyNot(): string | undefined {
    const { unread } = this.#known
    return unread.length === 0 ? undefined : `REDCap could not be read yet (${unread.join(', ')})`
  }

  /** DataTransferProjects was read, now or before. */
  get knowsProjects(): boolean {
    return this.#known.knowsProjects
  }

  projectFacts(project: string): ProjectFacts | undefined {
    return this.#known.projectFacts(project)
  }

  givenNames(project: string): GivenNames | undefined {
    return this.#known.givenNames(project)
  }

  studySeen(study: StudyInQuestion): void {
    const { hash } = this.#options
    const { record } = study
    // Asked now, while the study is at hand; the headers of its series are read where there is time to wait.
    const values = new Map(studyValues.map((name) => [name, study.values(name)[0] ?? '']))
    this.#told.tell(async () => {
      const known = await this.#noteOf(record.StudyInstanceUID)
      const isNew = (uid: string) => known.series[uid]?.['series_time'] === undefined
      const facts = await seriesFactsOf(record, isNew)
      const how = (note: StudyNote): StudyNote =>
        noteStudy(note, record, {
          value: (name) => values.get(name) ?? '',
          ofSeries: (uid) => facts.get(uid),
          hash,
        })
      return { study: record.StudyInstanceUID, how }
    })
  }

  requestMade(request: RequestRecord): void {
    const { StudyInstanceUID: study, requestId } = request
    this.#told.tell(async () => ({ study, requestId, how: (note) => noteRequest(note, request) }))
  }

  nameGiven(project: string, participant: string, study: StudyInQuestion): void {
    const { hash, redcap } = this.#options
    if (redcap.autoIds === undefined) return
    const name = { participant, key: autoIdKey(study, hash) }
    const how = (note: StudyNote): StudyNote => noteName(note, project, name)
    this.#told.tell(async () => ({ study: study.StudyInstanceUID, how }))
  }

  studyHeld(held: HeldRecord, { StudyInstanceUID: study }: StudyInQuestion): void {
    this.#told.tell(async () => ({ study, how: (note) => noteHeld(note, held) }))
  }

  result(record: ResultRecord): void {
    const requestId = requestIdOf(record)
    if (requestId === undefined) return
    this.#told.tell(async (studyOf) => {
      const study = await studyOf(requestId)
      if (study === undefined) return undefined
      const isForOwn =
        record.type === 'deidentified' && this.#opened?.own.has(record.project ?? '') === true
      const imaging = isForOwn ? await readHeaderFacts(record.path) : undefined
      return { study, how: (note) => noteResult(note, record, imaging) }
    })
  }

  /** @throws what the disk says: then a mark must not pass */
  sync(): Promise<void> {
    return this.#told.sync()
  }

  async #noteOf(StudyInstanceUID: string): Promise<StudyNote> {
    return (await this.#opened?.store.read(StudyInstanceUID)) ?? emptyNote(StudyInstanceUID)
  }

  async #readLoop(signal: AbortSignal): Promise<void> {
    const usualMs = this.#options.everySeconds * 1000
    let failures = 0
    let reading = this.#firstReading
    for (;;) {
      const isWell = await reading
      if (signal.aborted) return
      failures = isWell ? 0 : failures + 1
      const ms = isWell ? usualMs : Math.max(usualMs, longerPause(failures, this.#random()))
      await this.#wait(ms, signal).catch(() => undefined)
      if (signal.aborted) return
      reading = this.#readAll(signal)
    }
  }

  /** @returns whether all went well */
  async #readAll(signal: AbortSignal): Promise<boolean> {
    const tell = (name: string, error: FionaError | undefined): void => {
      this.#troubles.set(`read ${name}`, error)
    }
    const { isWell, isAnyNew, changed } = await this.#known.read(tell, signal)
    if (signal.aborted) return false
    const context = this.#opened?.context
    const { AccessionNumber, StudyInstanceUID } = changed
    const areSome = (AccessionNumber?.size ?? 0) + (StudyInstanceUID?.size ?? 0) > 0
    if (areSome) context?.changed(changed)
    if (isAnyNew) context?.changed()
    if (isWell) this.#lastReadAt = new Date().toISOString()
    await this.#saveState()
    return isWell
  }

  async #saveState(): Promise<void> {
    if (this.#opened === undefined) return
    const { store, writer, context } = this.#opened
    if (context.directory === undefined) return
    const { written, refused } = writer
    const since = store.waitingSince
    await saveState(context.directory, {
      v: 1,
      time: new Date().toISOString(),
      waiting: store.waiting,
      waitingSince: since === undefined ? null : new Date(since).toISOString(),
      written: written.studies,
      lastReadAt: this.#lastReadAt ?? null,
      lastWrittenAt: written.lastAt ?? null,
      refused: refused.studies,
      trouble: stateOf(this.#troubles.first ?? refused.error),
    }).catch((error: unknown) => {
      // It is for people who look, and goes on without.
      this.#options.log.debug({ err: error }, 'the state of REDCap cannot be kept')
    })
  }
}

/** What is asked of a study; some of it may have to be read from its first object. */
const studyValues = [
  'callingAET',
  'calledAET',
  'InstitutionName',
  'PatientName',
  'PatientID',
  'StudyDescription',
  'StudyDate',
  'StudyTime',
  'AccessionNumber',
]

function stateOf(error: FionaError | undefined) {
  return error === undefined
    ? null
    : { code: error.code, message: error.message, hint: error.hint ?? null }
}
