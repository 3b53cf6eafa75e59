import type { Row } from './answer.ts'
import { Mirror } from './mirror.ts'
import type { RedcapProject } from './redcap-project.ts'
import { type Transfer, readTransfers, transferFields } from './tables.ts'
import type { MadeTransfer } from './write-notes.ts'

/** All that asks for something; what is removed is noticed when all is read. */
const wholeMs = 60 * 60_000
/**
 * `dateRangeBegin` is by the clock of the server, in a zone that its API does not tell: places are up to 14 hours before
 * UTC and up to 12 behind, and a clock may be wrong by some more.
 */
const overlapMs = 27 * 3_600_000
const asksForSomething = "[transfer_project_name] <> '' and [transfer_name] <> ''"

/** What people ask for in Incoming, followed: what changed is read every time, everything once an hour. */
export class TransfersReader {
  readonly #project: RedcapProject
  readonly #mirror: Mirror
  /** Instances that FIONA made, so that they can be read like the others. */
  readonly #ownMirror: Mirror
  #transfers = new Map<string, Transfer[]>()
  #own = new Set<string>()
  /** Monotonic. */
  #wholeReadAt: number | undefined
  /** Milliseconds since 1970. */
  #readUpTo: number | undefined

  constructor(project: RedcapProject, directory: string | undefined) {
    this.#project = project
    this.#mirror = new Mirror(directory, 'transfers')
    this.#ownMirror = new Mirror(directory, 'own-transfers')
  }

  get name(): string {
    return this.#project.name
  }

  get isKnown(): boolean {
    return this.#mirror.isKnown
  }

  async load(): Promise<void> {
    await this.#mirror.load()
    await this.#ownMirror.load()
    this.#transfers = readTransfers(this.#mirror.rows)
    this.#own = new Set([...readTransfers(this.#ownMirror.rows).values()].flat().map(keyOf))
  }

  /** What people ask for of a study: without what FIONA itself has entered there and nobody has changed. */
  of(StudyInstanceUID: string): readonly Transfer[] {
    const all = this.#transfers.get(StudyInstanceUID) ?? []
    return all.filter((one) => !this.#own.has(keyOf(one)))
  }

  /** Durable when it resolves. */
  async madeByUs(made: readonly MadeTransfer[]): Promise<void> {
    for (const one of made) this.#own.add(keyOf(one))
    const rows = [...made.map(rowOf), ...this.#ownMirror.rows]
    const byKey = new Map(
      [...readTransfers(rows).values()].flat().map((one) => [keyOf(one), rowOf(one)]),
    )
    await this.#ownMirror.replace([...byKey.values()])
  }

  /**
   * @param nowMs monotonic
   * @returns the studies of which something else is asked than before
   * @throws FionaError E_REDCAP_…
   */
  async read(nowMs: number, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const isWhole =
      this.#readUpTo === undefined ||
      this.#wholeReadAt === undefined ||
      nowMs - this.#wholeReadAt > wholeMs
    const begunAt = Date.now()
    const rows = await this.#project.exportRecords(
      {
        fields: transferFields,
        ...(isWhole
          ? { filterLogic: asksForSomething }
          : { dateRangeBegin: serverTime((this.#readUpTo ?? begunAt) - overlapMs) }),
      },
      signal,
    )
    const found = readTransfers(rows)
    const next = isWhole ? found : new Map(this.#transfers)
    if (!isWhole) {
      for (const study of recordsIn(rows)) {
        const asked = found.get(study)
        if (asked === undefined) next.delete(study)
        else next.set(study, asked)
      }
    }
    const changed = differing(this.#transfers, next)
    await this.#mirror.replace([...next.values()].flat().map(rowOf))
    this.#transfers = next
    this.#readUpTo = begunAt
    if (isWhole) this.#wholeReadAt = nowMs
    return changed
  }
}

function recordsIn(rows: readonly Row[]): Set<string> {
  return new Set(rows.map((row) => row.get('study_instance_uid') ?? ''))
}

function differing(
  before: ReadonlyMap<string, readonly Transfer[]>,
  after: ReadonlyMap<string, readonly Transfer[]>,
): Set<string> {
  const studies = new Set([...before.keys(), ...after.keys()])
  const text = (list: readonly Transfer[] = []) => list.map(keyOf).sort().join('\n')
  return new Set([...studies].filter((study) => text(before.get(study)) !== text(after.get(study))))
}

function keyOf({ study, instance, project, participant, event = '' }: Transfer): string {
  return JSON.stringify([study, instance, project, participant, event])
}

function rowOf({ study, instance, project, participant, event = '' }: MadeTransfer): Row {
  return new Map([
    ['study_instance_uid', study],
    ['redcap_repeat_instrument', 'transfers'],
    ['redcap_repeat_instance', String(instance)],
    ['transfer_project_name', project],
    ['transfer_name', participant],
    ['transfer_event_name', event],
  ])
}

function serverTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}
