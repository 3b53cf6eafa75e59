import { hash } from 'node:crypto'
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
const shards = Array.from({ length: 64 }, (_, at) => at.toString(16).padStart(2, '0'))
const asksForSomething = "[transfer_project_name] <> '' and [transfer_name] <> ''"

/** What people ask for in Incoming, followed: what changed is read every time, everything once an hour. */
export class TransfersReader {
  readonly #project: RedcapProject
  readonly #mirror: Mirror
  /** Instances that FIONA made, by the beginning of a digest: of many, a few are written anew for one. */
  readonly #ownMirrors: ReadonlyMap<string, Mirror>
  #transfers = new Map<string, Transfer[]>()
  readonly #own = new Set<string>()
  /** Monotonic. */
  #wholeReadAt: number | undefined
  /** Milliseconds since 1970. */
  #readUpTo: number | undefined

  constructor(project: RedcapProject, directory: string | undefined) {
    this.#project = project
    this.#mirror = new Mirror(directory, 'transfers')
    this.#ownMirrors = new Map(shards.map((name) => [name, new Mirror(directory, `own-${name}`)]))
  }

  get name(): string {
    return this.#project.name
  }

  get isKnown(): boolean {
    return this.#mirror.isKnown
  }

  async load(): Promise<void> {
    await this.#mirror.load()
    this.#transfers = readTransfers(this.#mirror.rows)
    for (const mirror of this.#ownMirrors.values()) {
      await mirror.load()
      for (const one of [...readTransfers(mirror.rows).values()].flat()) this.#own.add(keyOf(one))
    }
  }

  /** What people ask for of a study: without what FIONA itself has entered there and nobody has changed. */
  of(StudyInstanceUID: string): readonly Transfer[] {
    const all = this.#transfers.get(StudyInstanceUID) ?? []
    return all.filter((one) => !this.#own.has(keyOf(one)))
  }

  /** Durable when it resolves. */
  async madeByUs(made: readonly MadeTransfer[]): Promise<void> {
    const byShard = new Map<string, MadeTransfer[]>()
    for (const one of made) {
      this.#own.add(keyOf(one))
      const shard = shardOf(one.study)
      byShard.set(shard, [...(byShard.get(shard) ?? []), one])
    }
    for (const [shard, some] of byShard) {
      const mirror = this.#ownMirrors.get(shard)
      if (mirror === undefined) continue
      // Of an instance the last counts, and so it comes first.
      const rows = [...some.map(rowOf), ...mirror.rows]
      await mirror.replace([...readTransfers(rows).values()].flat().map(rowOf))
    }
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
    // What was not read is as it was.
    const looked = isWhole ? new Set([...this.#transfers.keys(), ...found.keys()]) : recordsIn(rows)
    const changed = new Set(
      [...looked].filter(
        (study) => textOf(this.#transfers.get(study)) !== textOf(found.get(study)),
      ),
    )
    if (changed.size > 0 || !this.#mirror.isKnown) {
      const next = new Map(this.#transfers)
      for (const study of changed) {
        const asked = found.get(study)
        if (asked === undefined) next.delete(study)
        else next.set(study, asked)
      }
      await this.#mirror.replace([...next.values()].flat().map(rowOf))
      this.#transfers = next
    }
    this.#readUpTo = begunAt
    if (isWhole) this.#wholeReadAt = nowMs
    return changed
  }
}

function shardOf(study: string): string {
  const [first = 0] = Buffer.from(hash('sha256', study), 'hex')
  return shards[first % shards.length] ?? ''
}

function recordsIn(rows: readonly Row[]): Set<string> {
  return new Set(rows.map((row) => row.get('study_instance_uid') ?? ''))
}

function textOf(transfers: readonly Transfer[] = []): string {
  return transfers.map(keyOf).sort().join('\n')
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
