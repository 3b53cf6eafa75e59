import type { DeidentifiedRecord, HeldRecord, TransferRecord, AnyRecord } from '../record/index.ts'
import { cut, milliseconds } from './rows.ts'
import type { Statements } from './statements.ts'

const longestHow = 1000

/** How a request stands; `waiting` is for its delivery. */
export type Fate = 'held' | 'waiting' | 'failed' | 'delivered'

/** How many requests of a project came to a fate, less those that left it. */
export type FateChanges = Map<string, Partial<Record<Fate, number>>>

/** What a batch says of requests. How each stands is found out once, when all of it was taken. */
export class Fates {
  readonly #do: Statements
  /** As they stood before; undefined: unknown until now. */
  readonly #before = new Map<string, Fate | undefined>()

  constructor(statements: Statements) {
    this.#do = statements
  }

  made({ requestId, project = 'default', time, revision, instances }: DeidentifiedRecord): void {
    const of = this.#touch(requestId)
    this.#do.requestMade.run({ ...of, project, time: milliseconds(time), revision, instances })
  }

  held({ requestId, project = 'default', time, reasons, how }: HeldRecord): void {
    const codes = cut([...new Set(reasons.map(({ code }) => code))].join(' '))
    const held = { ...this.#touch(requestId), project, time: milliseconds(time) }
    this.#do.requestHeld.run({ ...held, reasons: codes, how: how.slice(0, longestHow) })
  }

  ended(record: TransferRecord): void {
    const { project = 'default', destination, status } = record
    const of = this.#touch(record.requestId)
    const time = milliseconds(record.time)
    const revision = Number((record as AnyRecord)['revision'] ?? 0)
    this.#do.requestSent.run({ ...of, project, time })
    const whole = { ...of, destination: cut(destination), time, status }
    this.#do.transfer.run({ ...whole, revision: Number.isInteger(revision) ? revision : 0 })
  }

  settle(): FateChanges {
    const changes: FateChanges = new Map()
    for (const [requestId, before] of this.#before) {
      const { project, state } = this.#do.requestSettled.get(requestId) as {
        project: string
        state: Fate
      }
      if (state === before) continue
      const ofProject = changes.get(project) ?? {}
      changes.set(project, ofProject)
      ofProject[state] = (ofProject[state] ?? 0) + 1
      if (before !== undefined) ofProject[before] = (ofProject[before] ?? 0) - 1
    }
    return changes
  }

  #touch(id: string): { readonly requestId: string } {
    const requestId = cut(id)
    if (!this.#before.has(requestId)) {
      const state = this.#do.requestState.get(requestId) as Fate | undefined
      this.#before.set(requestId, state)
    }
    return { requestId }
  }
}
