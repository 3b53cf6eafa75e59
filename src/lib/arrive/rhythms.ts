import type { Sources } from './facts.ts'

/** Who sends, as far as records tell. */
type Sender = string

/** The longest pause of a sender within one study: ms. */
export interface Pause {
  readonly sender: Sender
  readonly study: string
  readonly ms: number
}

/** So many of a sender's last studies tell its rhythm. */
const mostStudies = 20
const mostSenders = 1000
/** This part of them may have paused longer: one study that was interrupted is no rhythm. */
const outliers = 0.1

/**
 * How long senders pause within a study, learned from what they sent: one that stops for half a minute between
 * two series would else have each of its studies told in pieces.
 */
export class Rhythms {
  /** Those that sent least recently first, and of each its studies in the order of their pauses' news. */
  readonly #bySender = new Map<Sender, Map<string, number>>()

  /** A study of these senders paused for so long. @returns what is to be remembered; undefined when it is known */
  paused(sources: Sources, study: string, ms: number): Pause | undefined {
    const pause = { sender: senderOf(sources), study, ms }
    return this.take(pause) ? pause : undefined
  }

  take({ sender, study, ms }: Pause): boolean {
    const studies = this.#bySender.get(sender) ?? new Map<string, number>()
    const known = studies.get(study)
    if (known !== undefined && known >= ms) return false
    studies.delete(study)
    studies.set(study, ms)
    dropOldest(studies, mostStudies)
    this.#bySender.delete(sender)
    this.#bySender.set(sender, studies)
    dropOldest(this.#bySender, mostSenders)
    return true
  }

  /** How long these senders pause: ms; 0 where nothing is known. */
  longestOf(sources: Sources): number {
    const pauses = [...(this.#bySender.get(senderOf(sources))?.values() ?? [])]
    const [longest = 0] = pauses.sort((a, b) => b - a).slice(Math.floor(pauses.length * outliers))
    return longest
  }

  *values(): Iterable<Pause> {
    for (const [sender, studies] of this.#bySender) {
      for (const [study, ms] of studies) yield { sender, study, ms }
    }
  }
}

function senderOf({ callingAET = [], address = [] }: Sources): Sender {
  return `${callingAET.join('\\')}@${address.join('\\')}`
}

function dropOldest(map: Map<string, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return
    map.delete(key)
  }
}
