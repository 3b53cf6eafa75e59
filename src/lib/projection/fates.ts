import type { DeidentifiedRecord, HeldRecord, TransferRecord, AnyRecord } from '../record/index.ts'
import { cut, milliseconds } from './rows.ts'
import type { Statements } from './statements.ts'

const longestHow = 1000

/** How a request stands; `waiting` is for its delivery. */
type Fate = 'held' | 'waiting' | 'failed' | 'delivered'

/** How many requests of a project came to a fate, less those that left it. */
export type FateChanges = Map<string, Partial<Record<Fate, number>>>

/** What a batch says of requests. How each stands is found out once, when all of it was taken. */
export class Fates {
  readonly #do: Statements
  /** As they stood before the batch; empty: unknown until then. */
  readonly #before = new Map<string, Fate | ''>()

  constructor(statements: Statements) {
    this.#do = statements
  }

  made(record: DeidentifiedRecord): void {
    const { revision, instances } = record
    this.#take(this.#do.requestMade, { ...of(record), revision, instances })
  }

  held(record: HeldRecord): void {
    const codes = [...new Set(record.reasons.map(({ code }) => code))]
    const reasons = cut(codes.join(' '))
    this.#take(this.#do.requestHeld, {
      ...of(record),
      reasons,
      how: record.how.slice(0, longestHow),
    })
  }

  ended(record: TransferRecord): void {
    const request = of(record)
    this.#take(this.#do.requestSent, request)
    const { requestId, time } = request
    const { destination, destinations = [destination], status } = record
    const revision = Number((record as AnyRecord)['revision'] ?? 0)
    const ways = new Set(destinations).size
    const whole = { requestId, time, destination: cut(destination), status, ways }
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
      if (before !== '') ofProject[before] = (ofProject[before] ?? 0) - 1
    }
    return changes
  }

  #take(
    upsert: Statements['requestSent'],
    values: { readonly requestId: string; readonly [column: string]: string | number },
  ): void {
    const { state } = upsert.get(values) as { state: Fate | '' }
    if (!this.#before.has(values.requestId)) this.#before.set(values.requestId, state)
  }
}

function of(record: Pick<TransferRecord, 'requestId' | 'project' | 'time'>) {
  const { requestId, project = 'default', time } = record
  return { requestId: cut(requestId), project, time: milliseconds(time) }
}
