import type { Logger } from 'pino'
import type { FionaError } from '../error/index.ts'
import type {
  Changed,
  Decision,
  GivenNames,
  ProjectFacts,
  StudyInQuestion,
} from '../request/source.ts'
import { AutoIds, byAutoId, givenNames } from './auto-ids.ts'
import {
  byCouplings,
  byRouting,
  byTransfers,
  compileRouting,
  type CompiledRule,
  CouplingIndex,
} from './decisions.ts'
import type { PatientHash } from './patient-hashes.ts'
import type { RedcapProject } from './redcap-project.ts'
import { TableReader, type TableToRead } from './table-reader.ts'
import {
  autoIdFields,
  couplingExtraFields,
  couplingFields,
  projectExtraFields,
  projectFields,
  readAutoIds,
  readCouplings,
  readProjects,
  readRouting,
  type ResearchProject,
  routingFields,
} from './tables.ts'
import { TransfersReader } from './transfers-reader.ts'
import { asTrouble } from './troubles.ts'
import type { MadeTransfer } from './write-notes.ts'
import { localDay } from '../text/index.ts'

/** The REDCap projects of a site; only Incoming has to be there. */
export interface RedcapProjects {
  readonly incoming: RedcapProject
  readonly projects: RedcapProject | undefined
  readonly routing: RedcapProject | undefined
  readonly couplings: RedcapProject | undefined
  readonly autoIds: RedcapProject | undefined
  /** By research project: what it keeps itself. */
  readonly own: ReadonlyMap<string, RedcapProject>
}

export interface KnownTablesOptions {
  readonly redcap: RedcapProjects
  readonly couplingDays: number
  readonly hash: PatientHash
  readonly log: Pick<Logger, 'warn'>
}

/** What one reading of everything brought. */
export interface Reading {
  readonly isWell: boolean
  /** A table is other than before, which may be of any study that waits. */
  readonly isAnyNew: boolean
  /** Of which studies something else is asked than before, whether they wait or not. */
  readonly changed: Changed
}

/** What REDCap said last, and what that means for a study. Answers come from memory; reading is beside that. */
export class KnownTables {
  readonly #options: KnownTablesOptions
  readonly #transfers: TransfersReader
  readonly #tables: readonly TableReader[]
  readonly #autoIdTable: TableReader | undefined
  #projects: ReadonlyMap<string, ResearchProject> | undefined
  #routing: readonly CompiledRule[] = []
  #couplings = new CouplingIndex()
  #autoIds = new AutoIds()

  /** @param directory where it is kept for the next process; undefined: memory is all there is */
  constructor(options: KnownTablesOptions, directory: string | undefined) {
    const { couplingDays, log } = options
    const { incoming, projects, routing, couplings, autoIds } = options.redcap
    const reader = (
      project: RedcapProject | undefined,
      table: Omit<TableToRead, 'project'>,
    ): TableReader | undefined =>
      project === undefined ? undefined : new TableReader({ project, ...table }, directory)
    this.#options = options
    this.#transfers = new TransfersReader(incoming, directory)
    this.#autoIdTable = reader(autoIds, {
      name: 'autoids',
      fields: autoIdFields,
      take: (rows) => {
        this.#autoIds = new AutoIds(readAutoIds(rows))
      },
    })
    // Which names are given before who asks for one.
    this.#tables = [
      this.#autoIdTable,
      reader(projects, {
        name: 'projects',
        fields: projectFields,
        extraFields: projectExtraFields,
        take: (rows) => {
          this.#projects = readProjects(rows)
          for (const { name } of [...this.#projects.values()].filter((one) => one.wantsPixels)) {
            log.warn(
              { redcap: 'DataTransferProjects', project: name },
              'it asks that pixels are never masked, which only its profile in the configuration can say (pixels)',
            )
          }
          const named = [...this.#projects.values()].filter((one) => one.autoIdAET !== undefined)
          if (autoIds !== undefined || named.length === 0) return
          const projects = named.map(({ name }) => name).join(', ')
          log.warn(
            { redcap: 'AutoID' },
            `pseudonyms are to be made for ${projects}, and are not: autoIdTokenFile names no project AutoID`,
          )
        },
      }),
      reader(routing, {
        name: 'routing',
        fields: routingFields,
        take: (rows, dictionary) => {
          this.#routing = compileRouting(readRouting(rows, dictionary), (record, field, why) => {
            log.warn({ redcap: 'Routing', record, field }, `a routing rule is left out: ${why}`)
          })
        },
      }),
      reader(couplings, {
        name: 'couplings',
        fields: couplingFields,
        extraFields: couplingExtraFields,
        take: (rows) => {
          this.#couplings = new CouplingIndex(readCouplings(rows), couplingDays)
        },
      }),
    ].filter((one) => one !== undefined)
  }

  get knowsProjects(): boolean {
    return this.#projects !== undefined
  }

  get autoIds(): AutoIds {
    return this.#autoIds
  }

  /** What was never read, by this process or one before. */
  get unread(): readonly string[] {
    return [this.#transfers, ...this.#tables].filter((one) => !one.isKnown).map(({ name }) => name)
  }

  async load(): Promise<void> {
    await Promise.all([this.#transfers.load(), ...this.#tables.map((table) => table.load())])
  }

  decide(study: StudyInQuestion): readonly Decision[] {
    const now = new Date()
    return [
      ...byTransfers(this.#transfers.of(study.StudyInstanceUID)),
      ...byRouting(this.#routing, study),
      ...byCouplings(this.#couplings, study, localDay(now)),
      // Without that table nobody knows which names are given.
      ...(this.#autoIdTable === undefined
        ? []
        : byAutoId(this.#projects?.values() ?? [], study, now.getTime())),
    ]
  }

  projectFacts(project: string): ProjectFacts | undefined {
    const found = this.#projects?.get(project)
    if (found === undefined) return undefined
    const { naming, isActive, from, until, exclude } = found
    return { naming, active: isActive, from, until, exclude }
  }

  givenNames(project: string): GivenNames | undefined {
    if (this.#autoIdTable === undefined) return undefined
    const { hash } = this.#options
    const [autoIds, areKnown] = [this.#autoIds, this.#autoIdTable.isKnown]
    return givenNames(project, { autoIds, areKnown, hash })
  }

  madeByUs(made: readonly MadeTransfer[]): Promise<void> {
    return this.#transfers.madeByUs(made)
  }

  /**
   * Each by itself: a project whose token has ended keeps no other from being read.
   * @param tell how it went, by name; undefined: well
   */
  async read(
    tell: (name: string, trouble: FionaError | undefined) => void,
    signal: AbortSignal,
  ): Promise<Reading> {
    const now = performance.now()
    let isWell = true
    let isDown = false
    const attempt = async <Found>(
      name: string,
      read: () => Promise<Found>,
    ): Promise<Found | undefined> => {
      // All are on one server: who waits for each of them waits for nothing.
      if (isDown || signal.aborted) return undefined
      try {
        const found = await read()
        tell(name, undefined)
        return found
      } catch (error) {
        if (signal.aborted) return undefined
        isWell = false
        const trouble = asTrouble(error)
        isDown = trouble.code === 'E_REDCAP_DOWN' || trouble.code === 'E_REDCAP_TLS'
        tell(name, trouble)
        return undefined
      }
    }
    // What is known of projects before what is asked for them.
    let isAnyNew = false
    const couplings = this.#couplings
    for (const table of this.#tables) {
      const isNew = await attempt(table.name, () => table.read(now, signal))
      isAnyNew ||= isNew === true
    }
    const transfers = this.#transfers
    const studies = await attempt(transfers.name, () => transfers.read(now, signal))
    const { AccessionNumber, StudyInstanceUID } = this.#couplings.changedSince(couplings)
    const all = new Set([...StudyInstanceUID, ...(studies ?? [])])
    return { isWell, isAnyNew, changed: { AccessionNumber, StudyInstanceUID: all } }
  }
}
