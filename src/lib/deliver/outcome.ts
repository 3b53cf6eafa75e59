import type { FionaError } from '../error/index.ts'
import {
  errorRecord,
  nowIso,
  type AnyRecord,
  type DeidentifiedRecord,
  type TransferRecord,
} from '../record/index.ts'
import type { Conversion } from './carrier.ts'
import type { Destination } from './destination.ts'

/** An object that was not delivered. */
export interface Failure {
  /** Below the study's directory. */
  readonly object: string
  readonly error: FionaError
}

/** How a delivery ended. */
export interface Outcome {
  /** Objects of this run. */
  readonly sent: number
  /** Objects that the destination had from an earlier run. */
  readonly sentBefore: number
  readonly failures: readonly Failure[]
  /** What the destination has is known. Where it is not, nothing was tried, and no object counts that was not sent in this run. */
  readonly isKnown: boolean
  /** Objects that can be named no more, because the way broke or the files are gone. */
  readonly alsoMissing: number
  /** Of the objects of this run, one for each that was sent in another transfer syntax. */
  readonly converted: readonly Conversion[]
  /** What the last try ended with; undefined when all is there. */
  readonly error: FionaError | undefined
  readonly attempts: number
  readonly seconds: number
  readonly verified: boolean
  /** The destination has taken responsibility for every object. */
  readonly committed: boolean
  /** Objects that it has taken, and does not commit itself to. */
  readonly uncommitted: readonly Failure[]
}

/** A study where everything fails shall not make a record of megabytes. */
const mostFailuresNamed = 100

/**
 * The `transfer` record, and behind it an `error` record with the input when something is missing or could
 * not be verified: what can be replayed.
 * @param all the names of all destinations that the study goes to
 */
export function outcomeRecords(
  record: DeidentifiedRecord & AnyRecord,
  destination: Pick<Destination, 'name'>,
  outcome: Outcome,
  all: readonly string[],
): [TransferRecord & AnyRecord, ...AnyRecord[]] {
  const failed = outcome.failures.length + outcome.alsoMissing
  const there = outcome.sent + outcome.sentBefore
  const { project, participant, event, StudyInstanceUID, path, revision, requestId } = record
  const instances = { sent: outcome.sent, failed, sentBefore: outcome.sentBefore }
  const transfer: TransferRecord & AnyRecord = {
    type: 'transfer',
    v: 1,
    time: nowIso(),
    ...(project === undefined ? {} : { project }),
    requestId,
    participant,
    ...(event === undefined ? {} : { event }),
    StudyInstanceUID,
    path,
    revision,
    destination: destination.name,
    destinations: [...all],
    status: isComplete(outcome) ? 'sent' : there > 0 ? 'partial' : 'refused',
    instances,
    attempts: outcome.attempts,
    seconds: Math.round(outcome.seconds * 1000) / 1000,
    committed: outcome.committed,
    verified: outcome.verified,
    ...(outcome.converted.length === 0 ? {} : { converted: counted(outcome.converted) }),
    ...(outcome.failures.length === 0 ? {} : { failures: named(outcome.failures) }),
    ...(outcome.uncommitted.length === 0 ? {} : { uncommitted: named(outcome.uncommitted) }),
  }
  const error = troubleOf(outcome)
  if (error === undefined) return [transfer]
  const told = errorRecord('fiona-send', error, record)
  const message = !outcome.isKnown
    ? `what ${destination.name} has of the study is not known, so nothing is tried: ${told.message}; then hand in this record again`
    : failed === 0
      ? `all ${String(there)} objects were delivered to ${destination.name}, but ${told.message}; replay this record, and it is asked again`
      : `${String(failed)} of ${String(failed + there)} objects were not delivered to ${destination.name}: ${told.message}; replay this record, and only what is missing is sent`
  return [transfer, { ...told, message, destination: destination.name }]
}

/** All of it is there. */
export function isComplete({ isKnown, failures, alsoMissing }: Outcome): boolean {
  return isKnown && failures.length + alsoMissing === 0
}

/** Why something is missing, or not verified. */
export function troubleOf({ error, failures, uncommitted }: Outcome): FionaError | undefined {
  return error ?? failures[0]?.error ?? uncommitted[0]?.error
}

function counted(conversions: readonly Conversion[]) {
  const counts = new Map<string, Conversion & { readonly instances: number }>()
  for (const { from, to } of conversions) {
    const key = `${from} ${to}`
    counts.set(key, { from, to, instances: (counts.get(key)?.instances ?? 0) + 1 })
  }
  return [...counts.values()]
}

function named(failures: readonly Failure[]) {
  return failures.slice(0, mostFailuresNamed).map(({ object, error: { code, message } }) => {
    return { object, code, message }
  })
}
