import type { Explanation } from './explain.ts'
import type { Hold } from './holds.ts'
import type { DestinationStatus } from './destination-status.ts'
import { counted } from '../../text/index.ts'

/** How a destination stands, for a terminal. */
export function linesOfStatus(status: DestinationStatus): string[] {
  const { destination, state, since, held, windowUntil, lastError, inHand, waiting, today } = status
  const lines = [`${destination}: ${state}${since === undefined ? '' : ` since ${since}`}`]
  if (held !== undefined) lines.push(`  held by ${held.by} since ${held.time}${reason(held)}`)
  if (windowUntil !== undefined) lines.push(`  window closed until ${windowUntil}`)
  const ofThem = waiting.held === 0 ? '' : ` (${String(waiting.held)} held)`
  const oldest = waiting.oldest === undefined ? '' : `, the oldest of ${waiting.oldest}`
  const most = waiting.atMost === true ? 'at most ' : ''
  lines.push(
    `  waiting: ${counted(waiting.studies, 'study')}${ofThem}, ${most}${counted(waiting.objects, 'object')} to go${oldest}`,
  )
  if (inHand !== undefined) {
    lines.push(
      `  in hand: ${inHand.requestId}, ${String(inHand.sent)} of ${counted(inHand.of, 'object')}`,
    )
  }
  if (today !== undefined) {
    lines.push(
      `  sent on ${today.date}: ${counted(today.studies, 'study')}, ${counted(today.objects, 'object')}`,
    )
    const { unverified = 0, incomplete = 0 } = today
    if (unverified > 0) lines.push(`    not verified: ${String(unverified)} of these studies`)
    if (incomplete > 0)
      lines.push(`    ended with something missing: ${counted(incomplete, 'study')}`)
  }
  if (lastError !== undefined) {
    lines.push(`  last error: ${lastError.message} (${lastError.code}), ${lastError.time}`)
  }
  if (status.nextTryAt !== undefined) lines.push(`  next try: ${status.nextTryAt}`)
  return lines
}

function reason({ because }: Hold): string {
  return because === undefined ? '' : `: ${because}`
}

/** A person reads so many refusals, and sees of the rest that there are more. */
const mostRefusalsShown = 20

/** How a delivery stands, for a terminal. */
export function linesOfExplanation(explanation: Explanation): string[] {
  const { requestId, destination, why, next, nextTryAt, attempts, objects, instances } = explanation
  const refused = instances.filter(({ state }) => state === 'refused')
  return [
    `${requestId} to ${destination}: ${why}`,
    `  next: ${next}${nextTryAt === undefined ? '' : `, ${nextTryAt}`}`,
    ...(attempts === undefined ? [] : [`  tries: ${String(attempts)}`]),
    `  objects: ${countsInWords(objects)}`,
    ...excludedInWords(explanation),
    ...refused
      .slice(0, mostRefusalsShown)
      .flatMap(({ name, code, message, hint }) => [
        `  refused: ${name}: ${message ?? ''} (${code ?? ''})`,
        ...(hint === undefined ? [] : [`    hint: ${hint}`]),
      ]),
    ...(refused.length > mostRefusalsShown ? ['  and more: see --json'] : []),
  ]
}

function countsInWords({ sent, committed, refused, waiting, missing }: Explanation['objects']) {
  const of = committed === 0 ? '' : ` (${String(committed)} committed)`
  const more = missing === 0 ? '' : `, ${String(missing)} missing`
  return `${String(sent)} sent${of}, ${String(refused)} refused, ${String(waiting)} waiting${more}`
}

function excludedInWords({ excluded = {} }: Explanation): string[] {
  const rules = Object.entries(excluded)
  const of = rules.map(([rule, count]) => `${rule}: ${String(count)}`).join(', ')
  return rules.length === 0 ? [] : [`  left out before, by rules of the project: ${of}`]
}
