import type { FionaError } from '../../error/index.ts'
import { type DeliveredByName, DeliveredObjects } from './delivered-objects.ts'

/** One object that a destination has. */
export interface Delivered {
  /** Below the study's directory. */
  readonly name: string
  /** Absent in ledgers of earlier versions. */
  readonly SOPClassUID?: string
  readonly SOPInstanceUID: string
  readonly size: number
  readonly mtimeMs: number
  /** Of the file. */
  readonly sha256: string
  readonly time: string
  /** When the destination took responsibility for it (PS3.4 J). */
  readonly committed?: string
}

interface Committed {
  readonly name: string
  readonly committed: string
}

interface Withdrawn {
  readonly name: string
  readonly withdrawn: string
}

/** An object that was not taken, by the peer or by us. */
export interface Refused {
  readonly name: string
  readonly refused: {
    readonly code: string
    readonly message: string
    /** What can be done about it. */
    readonly hint?: string | undefined
  }
  readonly time: string
}

/** How the last delivery of the request ended. */
export interface Ended {
  readonly time: string
  /** As the destination was called then. */
  readonly destination: string
  readonly url: string
  readonly requestId: string
  readonly project?: string
  readonly participant: string
  readonly StudyInstanceUID: string
  readonly revision: number
  /** As in the `transfer` record. */
  readonly status: string
  readonly instances: {
    readonly sent: number
    readonly failed: number
    readonly sentBefore?: number
  }
  readonly attempts: number
  /** How the destination was to be asked what it has. */
  readonly verify: string
  readonly verified: boolean
  readonly committed: boolean
  /** Objects that the rules of the project left out when the study was de-identified, by rule. */
  readonly excluded?: Readonly<Record<string, number>>
  /** Why something is missing, or not verified. */
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string }
}

/** What is known of one request at one destination. */
export interface Known {
  readonly delivered: Pick<DeliveredByName, 'size' | 'get' | 'has' | 'keys' | 'values'>
  readonly refused: ReadonlyMap<string, Refused>
  readonly ended?: Ended | undefined
  /** E_LEDGER: there is more, and it cannot be read. */
  readonly trouble?: FionaError | undefined
}

export type Entry = Delivered | Committed | Withdrawn

/** The last word about each object, and about the whole. */
export class LastWords implements Known {
  readonly delivered = new DeliveredObjects()
  readonly refused = new Map<string, Refused>()
  ended: Ended | undefined

  get isEmpty(): boolean {
    return this.delivered.size + this.refused.size === 0 && this.ended === undefined
  }

  /** Lines that are torn, or of a kind that only later versions know, are passed over. */
  read(text: string): void {
    for (const line of text.split('\n')) {
      const entry = parse(line)
      if (entry === undefined) continue
      if ('ended' in entry) this.ended = entry.ended
      else if ('refused' in entry) this.refused.set(entry.name, entry)
      else {
        apply(entry, this.delivered)
        if (this.refused.has(entry.name) && this.delivered.has(entry.name)) {
          this.refused.delete(entry.name)
        }
      }
    }
  }

  /** A line for each, as they are read; those of earlier versions understand all but the last. */
  *lines(): Generator<string> {
    for (const entry of this.delivered.values()) yield `${JSON.stringify(entry)}\n`
    for (const entry of this.refused.values()) yield `${JSON.stringify(entry)}\n`
    if (this.ended !== undefined) yield `${JSON.stringify({ ended: this.ended })}\n`
  }
}

export function apply(
  entry: Entry,
  entries: Pick<DeliveredByName, 'get' | 'set' | 'delete'>,
): void {
  if ('withdrawn' in entry) entries.delete(entry.name)
  else if ('sha256' in entry) entries.set(entry.name, entry)
  else {
    const delivered = entries.get(entry.name)
    if (delivered !== undefined) entries.set(entry.name, { ...delivered, ...entry })
  }
}

function parse(line: string): Entry | Refused | { readonly ended: Ended } | undefined {
  try {
    const entry = JSON.parse(line) as Partial<
      Delivered & Withdrawn & Refused & { ended: Partial<Ended> }
    > | null
    if (typeof entry?.ended?.requestId === 'string') return { ended: entry.ended as Ended }
    const isEntry = [entry?.sha256, entry?.withdrawn, entry?.committed, entry?.refused].some(
      (one) => one !== undefined,
    )
    return typeof entry?.name === 'string' && isEntry ? (entry as Entry | Refused) : undefined
  } catch {
    return undefined
  }
}
