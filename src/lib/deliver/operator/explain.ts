import { join } from 'node:path'
import { FionaError } from '../../error/index.ts'
import { DiskLedgers } from '../ledger.ts'
import { listFiles } from '../list-objects.ts'
import type { Overview, Taken } from './overview.ts'

/** Why a delivery waits, and what became of each of its objects. */
export interface Explanation {
  readonly type: 'explanation'
  readonly destination: string
  readonly requestId: string
  readonly StudyInstanceUID: string
  readonly revision: number
  readonly stage: string
  /** A sentence. */
  readonly why: string
  /** A sentence. */
  readonly next: string
  readonly nextTryAt?: string
  readonly attempts?: number
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
}

export async function explain(overview: Overview, taken: Taken): Promise<Explanation> {
  const { record, destination } = taken.kept
  const { requestId, StudyInstanceUID, revision } = record
  return {
    type: 'explanation',
    destination: destination.name,
    requestId,
    StudyInstanceUID,
    revision,
    stage: taken.stage,
    ...whyItWaits(overview, taken),
    instances: await instancesOf(overview, taken),
  }
}

type Reason = Pick<Explanation, 'why' | 'next' | 'nextTryAt' | 'attempts'>

/** What comes first decides. */
function whyItWaits(overview: Overview, { key, stage, kept }: Taken): Reason {
  const { destination, record } = kept
  const lane = overview.laneOf(destination.name, stage)
  const running = lane?.isAlive === true && lane.url === destination.url ? lane : undefined
  if (kept.outcome !== undefined) {
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

async function instancesOf({ state }: Overview, { kept }: Taken): Promise<InstanceState[]> {
  const ledgers = new DiskLedgers(join(state, 'ledger'))
  const known = await ledgers.known(kept.destination.url, kept.record.requestId)
  const files = await listFiles(kept.record.path).catch((error: unknown) => {
    if (error instanceof FionaError) return []
    throw error
  })
  const names = new Set([
    ...files.map(({ name }) => name),
    ...known.delivered.keys(),
    ...known.refused.keys(),
  ])
  return [...names].sort().map((name) => {
    const sent = known.delivered.get(name)
    if (sent !== undefined) {
      const committed = sent.committed === undefined ? {} : { committed: sent.committed }
      return { name, state: 'sent', time: sent.time, ...committed }
    }
    const refused = known.refused.get(name)
    if (refused !== undefined) {
      return { name, state: 'refused', time: refused.time, ...refused.refused }
    }
    return { name, state: 'waiting' }
  })
}
