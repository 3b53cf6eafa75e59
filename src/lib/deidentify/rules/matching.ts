import { isPrivate, vrOf } from '../../dicom/index.ts'
import type { Selector, TagMask } from './rule.ts'
import { isUntouchable } from './untouchable.ts'

/** An attribute as a selector sees it. */
export interface Seen {
  readonly tag: number
  /** Tags of the sequences around, the outermost first. */
  readonly path: readonly number[]
  /** Of a private attribute: who reserved its block. */
  readonly creator: string | undefined
}

export function selects(selector: Selector, seen: Seen): boolean {
  return isTarget(selector, seen) && isPath(selector, seen.path)
}

function isTarget({ target }: Selector, { tag, creator }: Seen): boolean {
  switch (target.kind) {
    case 'tag':
      // A mask speaks of attributes of the standard, unless its group itself is private.
      if (target.mask === allBits) return tag === target.value
      return (
        isMasked(target, tag) && isPrivate(tag) === isPrivate(target.value) && !isUntouchable(tag)
      )
    case 'private':
      return (
        tag >>> 16 === target.group &&
        (tag & 0xffff) >= 0x1000 &&
        (tag & target.mask) === target.element &&
        creator === target.creator
      )
    case 'vr':
      return !isPrivate(tag) && target.vrs.includes(vrOf(tag) ?? '') && !isUntouchable(tag)
  }
}

export const allBits = 0xffffffff

function isMasked({ value, mask }: TagMask, tag: number): boolean {
  return (tag & mask) >>> 0 === value
}

/** The sequences named must be the innermost ones, so that `A/B` is B in an item of A, wherever A is. */
function isPath({ around, isAnchored }: Selector, path: readonly number[]): boolean {
  if (isAnchored ? path.length !== around.length : path.length < around.length) return false
  return around.every((step, at) => {
    const tag = path[path.length - around.length + at]
    return tag !== undefined && (step === undefined || isMasked(step, tag))
  })
}
