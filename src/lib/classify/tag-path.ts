import { tagOf, vrOf } from '../dicom/index.ts'
import { nearestName } from './nearest-name.ts'
import type { Operand, PathStep } from './rule-definition.ts'

/** Why something is no path. */
interface NoPath {
  readonly problem: string
}

const deepest = 64

/**
 * `RequestAttributesSequence.RequestedProcedureCodeSequence[0].CodeValue`: keywords or eight hexadecimal digits, all but
 * the last of sequences. `[0]` is one item of a sequence, counted from 0; without it all items are looked into.
 */
export function readTagPath(text: string): Operand | NoPath {
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
  const guess = nearestName(part)
  const advice = guess === undefined ? '' : `; did you mean "${guess}"?`
  return { problem: `no attribute is called ${JSON.stringify(part)}${advice}` }
}
