import type { Stats } from 'node:fs'
import { openPrivate } from './crosswalk-file.ts'
import { type Line, lineOf } from './crosswalk-lines.ts'
import { type Anchor, type Entry, FirstClaims, type Link } from './link.ts'
import { damaged, otherKey } from './crosswalk-errors.ts'
import { linesFrom } from './line-reading.ts'
import { LinkIds } from './link-ids.ts'
import type { Seals } from './seal.ts'

/** What a crosswalk is made of, beside its links. */
export interface Condition {
  links: number
  anchors: Set<string>
  /** Written before lines were sealed. */
  plain: number
  /** Sealed with a key that is at hand, but is not the first. */
  otherKey: number
  /** Fingerprints of keys that are not at hand, and how many lines each has. */
  unknownKeys: Map<string, number>
  torn: number
  /** Line numbers, the first thousand. */
  damaged: number[]
  /** Counted names that another process was quicker to take. */
  withdrawn: number
  mode: number
  owner: number
}

type Dated<T> = T & { readonly time?: string }

const mostLines = 1000

/** Reads a crosswalk from its beginning; never writes. */
export class WhoIsWho {
  readonly condition: Condition
  readonly #path: string
  readonly #seals: Seals

  constructor(path: string, seals: Seals) {
    this.#path = path
    this.#seals = seals
    this.condition = emptyCondition()
  }

  /** Each link that holds, in the order they were noted; see `batches`. */
  async each(take: (link: Dated<Link>) => void): Promise<Condition> {
    for await (const entries of this.batches()) {
      for (const entry of entries) if (entry.kind !== 'audit') take(entry)
    }
    return this.condition
  }

  /**
   * All entries that hold, some at a time. `condition` is whole when it has ended.
   * @throws FionaError E_CROSSWALK_MISSING, E_CROSSWALK_MODE
   */
  async *batches(): AsyncGenerator<Dated<Link | Anchor>[], void, undefined> {
    const handle = await openPrivate(this.#path, 'read')
    try {
      Object.assign(this.condition, emptyCondition(await handle.stat()))
      const seen = { ids: new LinkIds(), claims: new FirstClaims() }
      let number = 0
      let whole = 0
      for await (const { texts, end } of linesFrom(handle, 0)) {
        yield texts.flatMap((text) => this.#take(text, (number += 1), seen) ?? [])
        whole = end
      }
      if ((await handle.stat()).size > whole) this.condition.torn += 1
    } finally {
      await handle.close()
    }
  }

  #take(text: string, number: number, { ids, claims }: Seen): Entry | undefined {
    const { condition } = this
    const line = lineOf(text, this.#seals)
    if (line === undefined) return undefined
    const entry = this.#entryIn(line)
    if (entry === undefined) {
      const isDamaged = line.is !== 'torn' && line.is !== 'unknownKey'
      if (isDamaged && condition.damaged.length < mostLines) condition.damaged.push(number)
      return undefined
    }
    // Two processes may have noted the same at the same time.
    const id = line.is === 'sealed' ? line.id : this.#seals.first.idOf(entry)
    if (ids.has(id)) return undefined
    ids.add(id)
    if (entry.kind === 'audit') condition.anchors.add(entry.mac)
    else if (entry.kind === 'participant' && !claims.holds(entry)) {
      condition.withdrawn += 1
      return undefined
    } else condition.links += 1
    return entry
  }

  #entryIn(line: Line): Entry | undefined {
    const { condition } = this
    switch (line.is) {
      case 'torn':
        condition.torn += 1
        return undefined
      case 'damaged':
        return undefined
      case 'unknownKey':
        condition.unknownKeys.set(line.key, (condition.unknownKeys.get(line.key) ?? 0) + 1)
        return undefined
      case 'plain':
        condition.plain += 1
        return line.entry
      case 'otherKey':
        condition.otherKey += 1
        return line.open()
      case 'sealed':
        return line.open()
    }
  }
}

interface Seen {
  readonly ids: LinkIds
  readonly claims: FirstClaims
}

/**
 * @param isWithoutDamaged lines that cannot be read any more may be passed over
 * @throws FionaError E_CROSSWALK_KEY, E_CROSSWALK_DAMAGED
 */
export function requireReadable(
  path: string,
  { unknownKeys, damaged: lines }: Condition,
  isWithoutDamaged = false,
): void {
  const [key] = unknownKeys.keys()
  if (key !== undefined) throw otherKey(path, key)
  if (lines.length > 0 && !isWithoutDamaged) {
    throw damaged(path, `line ${lines.slice(0, 5).join(', ')}${lines.length > 5 ? ' …' : ''}`)
  }
}

function emptyCondition(about?: Stats): Condition {
  return {
    links: 0,
    anchors: new Set(),
    plain: 0,
    otherKey: 0,
    unknownKeys: new Map(),
    torn: 0,
    damaged: [],
    withdrawn: 0,
    mode: (about?.mode ?? 0) & 0o777,
    owner: about?.uid ?? 0,
  }
}
