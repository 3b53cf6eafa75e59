import { nearest } from '../text/index.ts'
import type { DataSet } from './data-set.ts'
import { knownKeywords, tagOf, vrOf } from './dictionary.ts'

/** One of the sequences that lead to an attribute; without `item` all of its items are looked into. */
export interface PathStep {
  readonly tag: number
  readonly item: number | undefined
}

/** An attribute in the items of sequences. */
export interface TagPath {
  readonly kind: 'path'
  /** The same for the same path. */
  readonly key: string
  readonly steps: readonly PathStep[]
  readonly tag: number
}

/** Why something is no path. */
interface NoPath {
  readonly problem: string
}

const deepest = 64
/** A hostile object has millions of them, and nobody asks about so many. */
const mostItems = 10_000

/**
 * `RequestAttributesSequence.RequestedProcedureCodeSequence[0].CodeValue`: keywords or eight hexadecimal digits, all but
 * the last of sequences. `[0]` is one item of a sequence, counted from 0; without it all items are looked into.
 */
export function readTagPath(text: string): TagPath | NoPath {
  const parts = text.split('.')
  const last = parts.pop() ?? ''
  if (parts.length > deepest) return { problem: `a path of more than ${String(deepest)} sequences` }
  const steps: PathStep[] = []
  for (const part of parts) {
    const [, name = '', item] = /^([^[\]]*)(?:\[(\d{1,7})\])?$/.exec(part) ?? []
    const tag = tagOfPart(name)
    if (tag === undefined) return unknownPart(name === '' ? part : name)
    const vr = vrOf(tag)
    if (vr !== undefined && vr !== 'SQ') return { problem: `${name} is no sequence` }
    steps.push({ tag, item: item === undefined ? undefined : Number(item) })
  }
  const tag = tagOfPart(last)
  if (tag === undefined) return unknownPart(last)
  const key = [...steps.map(({ tag: step, item }) => `${String(step)}[${String(item ?? '')}]`), tag]
  return { kind: 'path', key: `path ${key.join('.')}`, steps, tag }
}

function tagOfPart(part: string): number | undefined {
  return /^[0-9a-f]{8}$/i.test(part) ? Number.parseInt(part, 16) : tagOf(part)
}

function unknownPart(part: string): NoPath {
  const guess = nearest(part, knownKeywords())
  const advice = guess === undefined ? '' : `; did you mean "${guess}"?`
  return { problem: `no attribute is called ${JSON.stringify(part)}${advice}` }
}

/** The items that the sequences lead to, in their order: those that can have the attribute. */
export function itemsAlong(dataSet: DataSet, steps: readonly PathStep[]): readonly DataSet[] {
  let found: readonly DataSet[] = [dataSet]
  for (const { tag, item } of steps) {
    found = found.flatMap((one) => {
      const items = one.get(tag)?.items ?? []
      return item === undefined ? items : items.slice(item, item + 1)
    })
    if (found.length > mostItems) found = found.slice(0, mostItems)
  }
  return found
}
