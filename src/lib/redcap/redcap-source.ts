import { join } from 'node:path'
import type { Logger } from 'pino'
import { FionaError } from '../error/index.ts'
import type { HeldRecord, RequestRecord } from '../record/index.ts'
import type {
  Decision,
  ProjectFacts,
  RequestSource,
  ResultRecord,
  SourceContext,
  StudyInQuestion,
} from '../request/source.ts'
import { makeDirectories } from '../storage/index.ts'
import {
  byCouplings,
  byRouting,
  byTransfers,
  compileRouting,
  type CompiledRule,
  CouplingIndex,
} from './decisions.ts'
import { NoteStore } from './note-store.ts'
import type { PatientHash } from './patient-hashes.ts'
import { pause } from './pace.ts'
import type { RedcapProject } from './redcap-project.ts'
import { readHeaderFacts, seriesFactsOf } from './series-facts.ts'
import { saveState } from './source-state.ts'
import {
  emptyNote,
  noteHeld,
  noteRequest,
  noteResult,
  noteStudy,
  requestIdOf,
  type StudyNote,
} from './study-note.ts'
import { TableReader } from './table-reader.ts'
import {
  couplingExtraFields,
  couplingFields,
  projectFields,
  readCouplings,
  readProjects,
  readRouting,
  type ResearchProject,
  routingFields,
} from './tables.ts'
import { TransfersReader } from './transfers-reader.ts'
import { writeNotes } from './write-notes.ts'
import { OwnProjects } from './own-projects.ts'

/** The REDCap projects of a site; only Incoming has to be there. */
export interface RedcapProjects {
  readonly incoming: RedcapProject
  readonly projects: RedcapProject | undefined
  readonly routing: RedcapProject | undefined
  readonly couplings: RedcapProject | undefined
  /** By research project: what it keeps itself. */
  readonly own: ReadonlyMap<string, RedcapProject>
}

export interface RedcapSourceOptions {
  readonly name: string
  readonly redcap: RedcapProjects
  readonly everySeconds: number
  readonly couplingDays: number
  readonly hash: PatientHash
  /** By project, where its studies go (`projects.X.destinations`). */
  readonly destinationsOf: (project: string) => readonly string[]
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn'>
  readonly close: () => void
  readonly random?: () => number
  readonly wait?: typeof pause
}

/** So many studies are read and written together. */
const mostTogether = 25
/** What comes soon after is written with it. */
const gatherMs = 1000
/** Those that rest are looked at so often. */
const idleMs = 60_000
/** Whoever stops a tool waits for it. */
const mostClosingMs = 3000
const longestPauseMs = 5 * 60_000
/** A study that REDCap refuses is tried again: its project may have been mended. */
const refusedPauseMs = 60 * 60_000

/**
 * REDCap as a source of requests. It answers from what it read last; reading and writing happen beside that, and
 * nothing waits for them. What is to be written is noted on disk first, for as long as REDCap does not answer.
 */
export class RedcapSource implements RequestSource {
  readonly name: string
  readonly #options: RedcapSourceOptions
  readonly #wait: typeof pause
  readonly #random: () => number
  #context: SourceContext | undefined
  #store: NoteStore | undefined
  #transfers: TransfersReader | undefined
  #tables: readonly TableReader[] = []
  #own: OwnProjects | undefined
  #projects: ReadonlyMap<string, ResearchProject> | undefined
  #routing: readonly CompiledRule[] = []
  #couplings = new CouplingIndex()
  /** What the hooks told, in order, and is not on disk yet. */
  #told: Told[] = []
  #syncing: Promise<void> = Promise.resolve()
  readonly #troubles = new Map<string, FionaError>()
  /** Monotonic: until when a refused study rests. */
  readonly #refused = new Map<string, { readonly until: number; readonly error: FionaError }>()
  #loops: Promise<unknown> = Promise.resolve()
  #firstReading = Promise.resolve(false)
  /** Called when nothing waits, or what waits has to wait on. */
  readonly #whenWritten: (() => void)[] = []
  #halt = new AbortController()
  #wake: () => void = () => undefined
  #lastReadAt: string | undefined
  #lastWrittenAt: string | undefined
  #written = 0

  constructor(options: RedcapSourceOptions) {
    this.name = options.name
    this.#options = options
    this.#wait = options.wait ?? pause
    this.#random = options.random ?? Math.random
  }

  /** Studies that REDCap does not have as they are. */
  get waiting(): number {
    return this.#store?.waiting ?? 0
  }

  /** What was read last, for whoever only wants to know of projects; nothing is asked, and nothing written. */
  async load(directory: string | undefined): Promise<void> {
    const tables = directory === undefined ? undefined : join(directory, 'tables')
    this.#transfers = new TransfersReader(this.#options.redcap.incoming, tables)
    this.#tables = this.#makeTables(tables)
    await Promise.all([this.#transfers.load(), ...this.#tables.map((table) => table.load())])
  }

  async open(context: SourceContext): Promise<void> {
    this.#context = context
    const { directory } = context
    if (directory !== undefined) await makeDirectories(join(directory, 'tables'), { mode: 0o700 })
    const { redcap, destinationsOf } = this.#options
    this.#store = await NoteStore.open(directory)
    this.#own = new OwnProjects(redcap.own, destinationsOf)
    await this.load(directory)
    const signal = AbortSignal.any([context.signal, this.#halt.signal])
    this.#firstReading = this.#readAll(signal)
    this.#loops = Promise.all([this.#readLoop(signal), this.#writeLoop(signal)])
  }

  async close(): Promise<void> {
    await this.sync()
    this.#halt.abort()
    this.#wake()
    await this.#loops
    this.#endWaiting()
    await this.#writeLast()
    this.#options.close()
  }

  /** What came at the very end, where that is quick; else the next start does it. */
  async #writeLast(): Promise<void> {
    const store = this.#store
    const signal = AbortSignal.timeout(mostClosingMs)
    const isDue = (uid: string): boolean => !this.#refused.has(uid)
    try {
      while (store !== undefined && this.#troubles.size === 0) {
        const batch = store.oldest(mostTogether, isDue)
        if (batch.length === 0) break
        await this.#writeBatch(store, batch, signal)
      }
    } catch (error) {
      if (!signal.aborted) this.#setTrouble('write', asTrouble(error))
    }
    await this.#saveState()
  }

  decide(study: StudyInQuestion): readonly Decision[] {
    const { StudyInstanceUID } = study
    return [
      ...byTransfers(this.#transfers?.of(StudyInstanceUID) ?? []),
      ...byRouting(this.#routing, study),
      ...byCouplings(this.#couplings, study, localDay()),
    ]
  }

  /** REDCap was read once, and has what it was told; or it does not answer. */
  async settled(): Promise<void> {
    await this.sync()
    await this.#firstReading
    if (this.#troubles.has('write')) return
    await new Promise<void>((resolve) => {
      this.#whenWritten.push(resolve)
      this.#wake()
    })
  }

  whyNot(): string | undefined {
    const unread = [this.#transfers, ...this.#tables].filter((one) => one?.isKnown === false)
    if (unread.length === 0) return undefined
    return `REDCap could not be read yet (${unread.map((one) => one?.name).join(', ')})`
  }

  projectFacts(project: string): ProjectFacts | undefined {
    const found = this.#projects?.get(project)
    if (found === undefined) return undefined
    const { naming, isActive, from, until } = found
    return { naming, active: isActive, from, until }
  }

  studySeen(study: StudyInQuestion): void {
    const { hash } = this.#options
    const { record } = study
    // Asked now, while the study is at hand; the headers of its series are read where there is time to wait.
    const values = new Map(studyValues.map((name) => [name, study.values(name)[0] ?? '']))
    this.#tell(async () => {
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
    this.#tell(async () => ({ study, requestId, how: (note) => noteRequest(note, request) }))
  }

  studyHeld(held: HeldRecord, { StudyInstanceUID: study }: StudyInQuestion): void {
    this.#tell(async () => ({ study, how: (note) => noteHeld(note, held) }))
  }

  result(record: ResultRecord): void {
    const requestId = requestIdOf(record)
    if (requestId === undefined) return
    this.#tell(async (studyOf) => {
      const study = await studyOf(requestId)
      if (study === undefined) return undefined
      const isForOwn =
        record.type === 'deidentified' && this.#own?.has(record.project ?? '') === true
      const imaging = isForOwn ? await readHeaderFacts(record.path) : undefined
      return { study, how: (note) => noteResult(note, record, imaging) }
    })
  }

  /** @throws what the disk says: then a mark must not pass */
  sync(): Promise<void> {
    const mine = this.#syncing.then(() => this.#writeDown())
    this.#syncing = mine.catch(() => undefined)
    return mine
  }

  /** All that was told so far: of one study in order and in one writing, of several beside each other. */
  async #writeDown(): Promise<void> {
    const store = this.#store
    const told = this.#told.slice()
    if (store === undefined || told.length === 0) return
    const requests = new Map<string, string>()
    const changes = new Map<string, ((note: StudyNote) => StudyNote)[]>()
    for (const one of told) {
      const change = await one(async (id) => requests.get(id) ?? (await store.studyOf(id)))
      if (change === undefined) continue
      const { study, how, requestId } = change
      if (requestId !== undefined) requests.set(requestId, study)
      changes.set(study, [...(changes.get(study) ?? []), how])
    }
    await inParallel([...requests], ([requestId, study]) => store.keepRequest(requestId, study))
    await inParallel([...changes], async ([study, hows]) => {
      await store.change(study, (note) => hows.reduce((so, how) => how(so), note))
      // Refused was what it was before.
      this.#refused.delete(study)
    })
    this.#told.splice(0, told.length)
    this.#wake()
  }

  #tell(what: Told): void {
    this.#told.push(what)
    // Without marks nobody asks; what goes wrong is said by the sync that is waited for.
    void this.sync().catch(() => undefined)
  }

  async #noteOf(StudyInstanceUID: string): Promise<StudyNote> {
    return (await this.#store?.read(StudyInstanceUID)) ?? emptyNote(StudyInstanceUID)
  }

  #makeTables(directory: string | undefined): TableReader[] {
    const { redcap, couplingDays, log } = this.#options
    const { projects, routing, couplings } = redcap
    const tables = [
      projects && {
        project: projects,
        name: 'projects',
        fields: projectFields,
        take: (rows: Parameters<typeof readProjects>[0]) => {
          this.#projects = readProjects(rows)
        },
      },
      routing && {
        project: routing,
        name: 'routing',
        fields: routingFields,
        take: (...[rows, dictionary]: Parameters<typeof readRouting>) => {
          this.#routing = compileRouting(readRouting(rows, dictionary), (record, field, why) => {
            log.warn({ redcap: routing.name, record, field }, `a routing rule is left out: ${why}`)
          })
        },
      },
      couplings && {
        project: couplings,
        name: 'couplings',
        fields: couplingFields,
        extraFields: couplingExtraFields,
        take: (rows: Parameters<typeof readCouplings>[0]) => {
          this.#couplings = new CouplingIndex(readCouplings(rows), couplingDays)
        },
      },
    ]
    return tables.flatMap((table) =>
      table === undefined ? [] : [new TableReader(table, directory)],
    )
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
      await this.#rest(ms, signal)
      if (signal.aborted) return
      reading = this.#readAll(signal)
    }
  }

  /** Each by itself: a project whose token has ended keeps no other from being read. */
  async #readAll(signal: AbortSignal): Promise<boolean> {
    const now = performance.now()
    let isWell = true
    let isDown = false
    const attempt = async (name: string, read: () => Promise<boolean>): Promise<boolean> => {
      // All are on one server: who waits for each of them waits for nothing.
      if (isDown) return false
      try {
        const isOther = await read()
        this.#setTrouble(`read ${name}`, undefined)
        return isOther
      } catch (error) {
        if (signal.aborted) return false
        isWell = false
        const trouble = asTrouble(error)
        isDown = trouble.code === 'E_REDCAP_DOWN' || trouble.code === 'E_REDCAP_TLS'
        this.#setTrouble(`read ${name}`, trouble)
        return false
      }
    }
    // What is known of projects before what is asked for them.
    let isAllNew = false
    for (const table of this.#tables) {
      isAllNew = (await attempt(table.name, () => table.read(now, signal))) || isAllNew
    }
    let studies: ReadonlySet<string> = new Set()
    const transfers = this.#transfers
    if (transfers !== undefined) {
      await attempt(transfers.name, async () => {
        studies = await transfers.read(now, signal)
        return studies.size > 0
      })
    }
    if (signal.aborted) return false
    if (isAllNew) this.#context?.changed()
    else if (studies.size > 0) this.#context?.changed({ StudyInstanceUID: studies })
    if (isWell) this.#lastReadAt = new Date().toISOString()
    await this.#saveState()
    return isWell
  }

  async #writeLoop(signal: AbortSignal): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      const now = performance.now()
      const store = this.#store
      const batch =
        store?.oldest(mostTogether, (uid) => (this.#refused.get(uid)?.until ?? 0) <= now) ?? []
      if (batch.length === 0 || store === undefined) {
        this.#endWaiting()
        await this.#rest(idleMs, signal, true)
        await this.#rest(gatherMs, signal)
        continue
      }
      try {
        await this.#writeBatch(store, batch, signal)
        failures = 0
        this.#setTrouble('write', undefined)
        this.#lastWrittenAt = new Date().toISOString()
      } catch (error) {
        if (signal.aborted) return
        failures++
        this.#setTrouble('write', asTrouble(error))
        await this.#saveState()
        this.#endWaiting()
        await this.#rest(longerPause(failures, this.#random()), signal)
      }
      await this.#saveState()
    }
  }

  #endWaiting(): void {
    for (const done of this.#whenWritten.splice(0)) done()
  }

  /** What REDCap refuses of several is found by trying each alone; it holds up no other. */
  async #writeBatch(
    store: NoteStore,
    batch: readonly { readonly StudyInstanceUID: string; readonly changes: number }[],
    signal: AbortSignal,
  ): Promise<void> {
    const { redcap, destinationsOf } = this.#options
    const transfers = this.#transfers
    try {
      const written = await writeNotes(
        batch,
        {
          incoming: redcap.incoming,
          store,
          destinationsOf,
          madeTransfers: async (made) => transfers?.madeByUs(made),
        },
        signal,
      )
      const names = written.map(({ StudyInstanceUID }) => StudyInstanceUID)
      const failed = await this.#own?.write(store, names, signal)
      for (const { StudyInstanceUID, changes, instancesIn } of written) {
        const error = failed?.get(StudyInstanceUID)
        await store.written(StudyInstanceUID, error === undefined ? changes : 'waits', instancesIn)
        if (error === undefined) this.#refused.delete(StudyInstanceUID)
        else this.#refuse(StudyInstanceUID, error)
      }
      this.#written += written.length
    } catch (error) {
      if (!(error instanceof FionaError) || error.code !== 'E_REDCAP_REFUSED') throw error
      const [only] = batch
      if (batch.length === 1 && only !== undefined) {
        this.#refuse(only.StudyInstanceUID, error)
        return
      }
      for (const one of batch) await this.#writeBatch(store, [one], signal)
      // Not the studies, the project is wrong: asking for each of thousands would be of no use.
      if (batch.every(({ StudyInstanceUID }) => this.#refused.has(StudyInstanceUID))) throw error
    }
  }

  #refuse(StudyInstanceUID: string, error: FionaError): void {
    const until = performance.now() + refusedPauseMs
    this.#refused.set(StudyInstanceUID, { until, error })
    const { log } = this.#options
    log.warn({ code: error.code }, `a study waits, and the others go on: ${error.message}`)
  }

  /** @param canBeWoken something new to write ends it */
  async #rest(ms: number, signal: AbortSignal, canBeWoken = false): Promise<void> {
    const woken = new AbortController()
    if (canBeWoken) this.#wake = () => woken.abort()
    await this.#wait(ms, AbortSignal.any([signal, woken.signal])).catch(() => undefined)
  }

  #setTrouble(part: string, error: FionaError | undefined): void {
    if (error === undefined) {
      if (!this.#troubles.delete(part)) return
    } else {
      this.#troubles.set(part, error)
    }
    const [first] = this.#troubles.values()
    this.#context?.trouble(first)
  }

  async #saveState(): Promise<void> {
    const { directory } = this.#context ?? {}
    const store = this.#store
    if (directory === undefined || store === undefined) return
    const since = store.waitingSince
    const [trouble] = this.#troubles.values()
    const [refused] = this.#refused.values()
    await saveState(directory, {
      v: 1,
      time: new Date().toISOString(),
      waiting: store.waiting,
      waitingSince: since === undefined ? null : new Date(since).toISOString(),
      written: this.#written,
      lastReadAt: this.#lastReadAt ?? null,
      lastWrittenAt: this.#lastWrittenAt ?? null,
      refused: this.#refused.size,
      trouble: stateOf(trouble ?? refused?.error),
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

/** What a hook was told, as a change of a note; undefined where it is about nothing that is known. */
type Told = (studyOf: (requestId: string) => Promise<string | undefined>) => Promise<
  | {
      readonly study: string
      readonly how: (note: StudyNote) => StudyNote
      /** It is for that study: for what is told of it later. */
      readonly requestId?: string
    }
  | undefined
>

/** So many files are synced beside each other: a disk does them together. */
const mostAtOnce = 16

async function inParallel<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const rest = items.values()
  const workers = Array.from({ length: Math.min(mostAtOnce, items.length) }, async () => {
    for (const item of rest) await work(item)
  })
  await Promise.all(workers)
}

function stateOf(error: FionaError | undefined) {
  return error === undefined
    ? null
    : { code: error.code, message: error.message, hint: error.hint ?? null }
}

/** A mistake of ours, or of the disk, must be seen as well, and ends no loop. */
function asTrouble(error: unknown): FionaError {
  if (error instanceof FionaError) return error
  return new FionaError('E_INTERNAL', `REDCap: ${(error as Error).message}`, { cause: error })
}

/** 5 s, 10 s … 5 minutes, and of that anything from half to all. */
function longerPause(failures: number, random: number): number {
  return Math.min(5000 * 2 ** Math.min(failures - 1, 10), longestPauseMs) * (0.5 + random / 2)
}

function localDay(): string {
  const now = new Date()
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${String(now.getFullYear())}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
}
