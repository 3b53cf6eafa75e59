import type { FileHandle } from 'node:fs/promises'
import { damaged, damagedIndex } from './crosswalk-errors.ts'
import { lineOf } from './crosswalk-lines.ts'
import { type IndexFile, indexPath } from './index-file.ts'
import {
  type Entry,
  FirstClaims,
  type Link,
  type LookUpKind,
  type ParticipantLink,
  handlesOf,
  identityOf,
  patientKeyOf,
} from './link.ts'
import { lineAt } from './line-reading.ts'
import type { Seals } from './seal.ts'

export type DatedLink = Link & { readonly time?: string }

interface Placed {
  readonly order: number
  readonly link: DatedLink
}

/** What was read of a crosswalk beyond its index stands behind all that is in it. */
const behindIndex = 2 ** 52

/** The links of a crosswalk by what may be asked for: those of the index are read where they are, all others are here. */
export class CrosswalkLinks {
  readonly #path: string
  readonly #seals: Seals
  readonly #handle: FileHandle
  readonly #index: IndexFile | undefined
  readonly #recent = new Map<string, Placed[]>()
  #count = 0

  constructor(path: string, seals: Seals, handle: FileHandle, index: IndexFile | undefined) {
    this.#path = path
    this.#seals = seals
    this.#handle = handle
    this.#index = index
  }

  /** One that is not in the index, in the order of the file. */
  add(entry: Entry): void {
    if (entry.kind === 'audit') return
    const placed = { order: behindIndex + this.#count, link: entry }
    this.#count += 1
    for (const [kind, value] of handlesOf(entry)) {
      const key = JSON.stringify([kind, value])
      const there = this.#recent.get(key)
      if (there === undefined) this.#recent.set(key, [placed])
      else there.push(placed)
    }
  }

  /**
   * Links that hold, each once, in the order in which they were noted.
   * @throws FionaError E_CROSSWALK_DAMAGED
   */
  async by(kind: LookUpKind, value: string): Promise<DatedLink[]> {
    const found: DatedLink[] = []
    const seen = new Set<string>()
    for (const { link } of await this.#placed(kind, value)) {
      const identity = identityOf(link)
      if (seen.has(identity)) continue
      seen.add(identity)
      if (link.kind === 'study' || link.counted !== true || (await this.#holds(link))) {
        found.push(link)
      }
    }
    return found
  }

  /** The claims of a project that have to do with one of these, as the whole file would tell. */
  async claims(
    project: string,
    around: readonly (readonly [LookUpKind, string])[],
  ): Promise<{ readonly claims: FirstClaims; readonly holding: readonly ParticipantLink[] }> {
    const all = new Map<number, ParticipantLink>()
    const asked = new Set<string>()
    const questions = [...around]
    for (let next = questions.pop(); next !== undefined; next = questions.pop()) {
      const [kind, value] = next
      if (asked.has(JSON.stringify(next))) continue
      asked.add(JSON.stringify(next))
      for (const { order, link } of await this.#placed(kind, value)) {
        if (link.kind !== 'participant' || link.project !== project) continue
        all.set(order, link)
        questions.push(['participant', link.participant], ['patient', patientKeyOf(link)])
      }
    }
    const claims = new FirstClaims()
    const inOrder = [...all].sort(([a], [b]) => a - b).map(([, link]) => link)
    return { claims, holding: inOrder.filter((link) => claims.holds(link)) }
  }

  async #holds(link: ParticipantLink): Promise<boolean> {
    const { holding } = await this.claims(link.project, handlesOf(link))
    const identity = identityOf(link)
    return holding.some((other) => identityOf(other) === identity)
  }

  async #placed(kind: LookUpKind, value: string): Promise<Placed[]> {
    const recent = this.#recent.get(JSON.stringify([kind, value])) ?? []
    if (this.#index === undefined) return recent
    const offsets = await this.#index.offsetsOf(this.#seals.first.token(kind, value))
    if (offsets === undefined) throw damagedIndex(indexPath(this.#path))
    const indexed: Placed[] = []
    for (const offset of offsets.sort((a, b) => a - b)) {
      const link = await this.#linkAt(offset)
      // Two values may have one token.
      if (handlesOf(link).some(([k, v]) => k === kind && v === value)) {
        indexed.push({ order: offset, link })
      }
    }
    return [...indexed, ...recent]
  }

  async #linkAt(offset: number): Promise<DatedLink> {
    const text = await lineAt(this.#handle, offset)
    const line = text === undefined ? undefined : lineOf(text, this.#seals)
    const entry = line === undefined ? undefined : entryIn(line)
    if (entry === undefined || entry.kind === 'audit') {
      throw damaged(this.#path, `the line at byte ${String(offset)} cannot be read any more`)
    }
    return entry
  }
}

export function entryIn(line: NonNullable<ReturnType<typeof lineOf>>): Entry | undefined {
  if (line.is === 'plain') return line.entry
  return line.is === 'sealed' || line.is === 'otherKey' ? line.open() : undefined
}
