import type { Ended, Known } from '../ledger/entries.ts'
import type { Explanation, InstanceState } from './explain.ts'

/** What became of a delivery that is over. @param destination as it is called now, or its folder in the ledger */
export function explainPast(known: Known, destination: string, requestId: string): Explanation {
  const { ended, trouble } = known
  const instances = instancesIn(known)
  const sum = sumOf(instances)
  const unknown = (why: string, next: string): Explanation => ({
    type: 'explanation',
    destination: ended?.destination ?? destination,
    requestId,
    ...(ended === undefined ? {} : { StudyInstanceUID: ended.StudyInstanceUID }),
    state: 'unknown',
    why,
    next,
    ...sum,
    instances,
  })
  if (trouble !== undefined) {
    const { message, code, hint = '' } = trouble
    return unknown(`what the destination has of it is not known: ${message} (${code})`, hint)
  }
  if (ended === undefined) {
    return unknown(
      `${String(sum.objects.sent)} objects were delivered; how it ended was not noted`,
      'nothing of it waits; its transfer record is in the journal sent',
    )
  }
  const { StudyInstanceUID, revision, status, attempts, verified, excluded } = ended
  const missing = Math.max(0, ended.instances.failed - sum.objects.refused)
  return {
    type: 'explanation',
    destination: ended.destination,
    requestId,
    StudyInstanceUID,
    revision,
    state: status === 'sent' ? 'delivered' : 'incomplete',
    ...howItEnded(ended),
    attempts,
    ...sum,
    objects: { ...sum.objects, missing },
    verified,
    ...(excluded === undefined ? {} : { excluded }),
    instances,
  }
}

/** Sentences. */
function howItEnded(ended: Ended): { readonly why: string; readonly next: string } {
  const { time, status, instances, error } = ended
  const there = instances.sent + (instances.sentBefore ?? 0)
  const all = there + instances.failed
  const said = error === undefined ? '' : `: ${error.message} (${error.code})`
  const again =
    error?.code === 'E_DROPPED'
      ? 'nothing of it is sent again by itself'
      : 'what is missing is sent when its record is replayed from the journal errors'
  const hint = error?.hint === undefined ? '' : `${error.hint}; `
  if (status !== 'sent') {
    return {
      why: `it ended on ${time}, and ${String(instances.failed)} of ${String(all)} objects are not there${said}`,
      next: hint + again,
    }
  }
  const done = `all ${String(there)} objects were delivered by ${time}`
  if (error !== undefined) {
    return { why: `${done}, and not verified${said}`, next: `${hint}replayed, it is asked again` }
  }
  return { why: `${done}, ${howSure(ended)}`, next: 'nothing: it is done' }
}

function howSure({ verify, verified, committed }: Ended): string {
  if (committed) return 'and the destination has committed itself to them'
  if (verified) return 'and the destination was asked and has them'
  return verify === 'none'
    ? 'as the destination answered; it was not asked for them again (verify: none)'
    : 'and not verified'
}

/** @param names of files that are there and may not be in the ledger: they wait */
export function instancesIn(known: Known, names: readonly string[] = []): InstanceState[] {
  const all = new Set([...names, ...known.delivered.keys(), ...known.refused.keys()])
  return [...all].sort().map((name) => {
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

/** Of all objects, and when the first and the last of those that are there was sent. */
export function sumOf(
  instances: readonly InstanceState[],
): Pick<Explanation, 'objects' | 'firstSentAt' | 'lastSentAt'> {
  const count = (fits: (one: InstanceState) => boolean): number => instances.filter(fits).length
  const times = instances.flatMap(({ state, time }) => (state === 'sent' && time ? [time] : []))
  const [first] = times.sort()
  const last = times.at(-1)
  return {
    objects: {
      sent: count(({ state }) => state === 'sent'),
      committed: count(({ committed }) => committed !== undefined),
      refused: count(({ state }) => state === 'refused'),
      waiting: count(({ state }) => state === 'waiting'),
      missing: 0,
    },
    ...(first === undefined ? {} : { firstSentAt: first }),
    ...(last === undefined ? {} : { lastSentAt: last }),
  }
}
