import { isPrivateCreator, vrOf } from '../../dicom/index.ts'
import type { Decision } from '../actions/action.ts'
import type { Decide } from '../profile/profile.ts'
import { isUntouchable } from '../rules/untouchable.ts'

const keep: Decision = { action: 'keep', because: 'base' }
const reservation: Decision = { action: 'remove', because: 'private' }

/**
 * Without the table (`base: none`) all passes that no rule names, but for what makes the object a new one: its UIDs and
 * what it says of its de-identification. The search afterwards knows who would not have passed by the table. What it cannot
 * look into goes by the table: drawings and voices (50xx, 60xx), and what was encrypted or signed when it still said who it was of.
 */
export function keepUnnamed(table: Decide): Decide {
  return (tag, around) => {
    if (isUntouchable(tag) || vrOf(tag) === 'UI' || isSealed(tag)) return table(tag, around)
    // It is written anew with its block (rewrite-data-set.ts).
    if (isPrivateCreator(tag)) return reservation
    if (vrOf(tag) !== undefined) return keep
    const element = around.dataSet.get(tag)
    return { ...keep, vr: element?.items === undefined ? (element?.vr ?? 'UN') : 'SQ' }
  }
}

const sealed = new Set([
  0x04000500, // EncryptedAttributesSequence
  0x04000520, // EncryptedContent
  0x4ffe0001, // MACParametersSequence
  0xfffafffa, // DigitalSignaturesSequence
])

/** What the search cannot look into. */
function isSealed(tag: number): boolean {
  const repeating = tag >>> 24
  return sealed.has(tag) || ((repeating === 0x50 || repeating === 0x60) && (tag & 0x10000) === 0)
}
