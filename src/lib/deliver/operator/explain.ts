import { join } from 'node:path'
import { FionaError } from '../../error/index.ts'
import { digestObject } from '../digest-object.ts'
import { DiskLedgers } from '../ledger/disk-ledgers.ts'
import type { Known } from '../ledger/entries.ts'
import { waitsForAPerson } from '../lane/kinds-of-trouble.ts'
import { folderOf } from '../ledger/ledger-file.ts'
import { isUntouched } from '../ledger/ledger.ts'
import { listFiles } from '../list-objects.ts'
import { explainPast, instancesIn, sumOf } from './explain-past.ts'
import type { Overview, Taken } from './overview.ts'

/** How a delivery stands, and what became of each of its objects. */
export interface Explanation {
  readonly type: 'explanation'
  readonly destination: string
  readonly requestId: string
  readonly StudyInstanceUID?: string
  readonly revision?: number
  /**
   * delivered: every object is there; incomplete: it has ended, and something is not; unknown: what the ledger has is of
   * versions that did not note how a delivery ended
   */
  readonly state: 'waiting' | 'delivered' | 'incomplete' | 'unknown'
  /** Of what waits. */
  readonly stage?: string
  /** A sentence. */
  readonly why: string
  /** A sentence. */
  readonly next: string
  readonly nextTryAt?: string
  readonly attempts?: number
  /** `missing`: it has ended, and nobody named them. */
  readonly objects: {
    readonly sent: number
    readonly committed: number
    readonly refused: number
    readonly waiting: number
    readonly missing: number
  }
  /** Of what is there. */
  readonly firstSentAt?: string
  readonly lastSentAt?: string
  /** Of what has ended: the destination was asked, and has every object. */
  readonly verified?: boolean
  /** Objects that never came here: the rules of the project left them out. */
  readonly excluded?: Readonly<Record<string, number>>
  readonly instances: readonly InstanceState[]
}

export interface InstanceState {
  /** Below the study's directory. */
  readonly name: string
  readonly state: 'sent' | 'refused' | 'waiting'
  /** When it was sent or refused. */
  readonly time?: string
  readonly committed?: string
  readonly code?: string
  readonly message?: string
  /** What can be done about it. */
  readonly hint?: string | undefined
}

/** @param what a requestId or a StudyInstanceUID; @returns nothing where nobody here has heard of it */
export async function explain(overview: Overview, what: string): Promise<Explanation[]> {
  const ledgers = new DiskLedgers(join(overview.state, 'ledger'))
  const waiting = overview.taken.filter(
    ({ record }) => record.requestId === what || record.StudyInstanceUID === what,
  )
  const explanations: Explanation[] = []
  for (const taken of waiting) explanations.push(await explainWaiting(overview, ledgers, taken))
  const isTold = new Set(
    waiting.map(({ destination, record }) =>
      JSON.stringify([folderOf(destination.url), record.requestId]),
    ),
  )
  for (const { folder, requestId, known } of await ledgers.knownOf(what)) {
    if (isTold.has(JSON.stringify([folder, requestId]))) continue
    explanations.push(explainPast(known, overview.nameOf(folder) ?? folder, requestId))
  }
  return explanations
}

async function explainWaiting(
  overview: Overview,
  ledgers: DiskLedgers,
  taken: Taken,
): Promise<Explanation> {
  const { record, destination, hasEnded } = taken
  const { requestId, StudyInstanceUID, revision, excluded } = record
  const known = await ledgers.known(destination.url, requestId)
  // Its end is in the ledger, and only its record is not on its way yet.
  if (hasEnded && known.ended !== undefined) {
    const past = explainPast(known, destination.name, requestId)
    return { ...past, stage: taken.stage, ...whyItWaits(overview, taken), why: past.why }
  }
  const instances = await instancesOf(known, record.path)
  return {
    type: 'explanation',
    destination: destination.name,
    requestId,
    StudyInstanceUID,
    revision,
    state: 'waiting',
    stage: taken.stage,
    ...whyItWaits(overview, taken),
    ...(known.trouble === undefined ? {} : whyNotKnown(known.trouble)),
    ...sumOf(instances),
    ...(excluded === undefined ? {} : { excluded }),
    instances,
  }
}

/** Whatever else it waits for. */
function whyNotKnown(error: FionaError): Pick<Explanation, 'why' | 'next'> {
  const { why, next } = waitsForAPerson(error)
  return { why: `${why} (${error.code})`, next }
}

type Reason = Pick<Explanation, 'why' | 'next' | 'nextTryAt' | 'attempts'>

/** What comes first decides. */
function whyItWaits(overview: Overview, taken: Taken): Reason {
  const { key, stage, destination, record, hasEnded } = taken
  const lane = overview.laneOf(destination.name, stage)
  const running = lane?.isAlive === true && lane.url === destination.url ? lane : undefined
  if (hasEnded) {
    const next = 'nothing is sent; it goes from here when the next in line has its record'
    return { why: 'it has ended, and its record is on its way', next }
  }
  const ordered = overview.orders.find(
    (one) =>
      one.stage === stage && one.order.do === 'drop' && one.order.requestId === record.requestId,
  )
  if (ordered !== undefined) {
    return { why: `${ordered.order.by} dropped it`, next: 'it ends when fiona-send sees that' }
  }
  const hold = overview.holds.of(destination.name, record.requestId)
  if (hold !== undefined) {
    const because = hold.because === undefined ? '' : `: ${hold.because}`
    const what = hold.kind === 'destination' ? 'everything that goes there' : 'it'
    return {
      why: `${hold.by} holds ${what} since ${hold.time}${because}`,
      next: `it goes after fiona-send release ${hold.name}`,
    }
  }
  if (running === undefined && stage !== 'hand' && !overview.isInForce(destination.url)) {
    return {
      why: `no project in the configuration sends to ${destination.url} any more, which was ${destination.name}`,
      next: 'it goes when one does again; fiona-send drop ends it',
    }
  }
  if (running === undefined) {
    return {
      why: 'no fiona-send runs that has it in hand',
      next: 'it goes when the stage is started, or fiona-send by hand with this destination',
    }
  }
  if (running.inHand?.requestId === record.requestId) {
    const { sent, of } = running.inHand
    return { why: 'it is being sent', next: `${String(of - sent)} of ${String(of)} objects follow` }
  }
  const own = running.deliveries.find((one) => one.key === key)
  const about = { ...(own === undefined ? {} : { attempts: own.attempts }) }
  const at = own?.nextTryAt ?? running.nextTryAt
  const when = at === undefined ? {} : { nextTryAt: at }
  if (running.windowUntil !== undefined && own?.awaitsReport !== true) {
    const next = `it goes when the window opens, if it is larger than windowOverBytes`
    return { why: `the window is closed until ${running.windowUntil}`, next, ...about, ...when }
  }
  if (own?.awaitsReport === true) {
    const why = 'all of it is there, and the destination has not committed itself yet'
    return { why, next: 'it is asked again', ...about, ...when }
  }
  if (running.state === 'down') {
    const trouble = running.lastError
    const why = `the destination does not answer since ${running.since}`
    const said = trouble === undefined ? '' : `: ${trouble.message} (${trouble.code})`
    return { why: why + said, next: 'it is tried again', ...about, ...when }
  }
  if (own?.code !== undefined) {
    const why = `the last try brought not everything: ${own.message ?? ''} (${own.code})`
    return { why, next: 'what is missing is tried again', ...about, ...when }
  }
  return { why: 'others are before it', next: 'it goes when it is its turn', ...when }
}

/** What was made anew since waits, whatever was sent under its name. */
async function instancesOf(known: Known, path: string): Promise<InstanceState[]> {
  const files = await listFiles(path).catch((error: unknown) => {
    if (error instanceof FionaError) return []
    throw error
  })
  const anew = new Set<string>()
  for (const file of files) {
    const before = known.delivered.get(file.name)
    if (before === undefined || isUntouched(file, before)) continue
    const sha256 = await digestObject(file.path).catch(() => undefined)
    if (sha256 !== before.sha256) anew.add(file.name)
  }
  const states = instancesIn(
    known,
    files.map(({ name }) => name),
  )
  return states.map((one) =>
    one.state === 'sent' && anew.has(one.name) ? { name: one.name, state: 'waiting' } : one,
  )
}
