import { isPrivateCreator, vrOf } from '../../dicom/index.ts'
import type { Decision } from '../actions/action.ts'
import type { Decide } from '../profile/profile.ts'
import { isUntouchable } from '../rules/untouchable.ts'

const keep: Decision = { action: 'keep', because: 'base' }
const reservation: Decision = { action: 'remove', because: 'private' }

/**
 * Without the table (`base: none`) all passes that no rule names, but for what makes the object a new one: its UIDs and
 * what it says of its de-identification. The search afterwards knows what would not have passed by the table.
 */
export function keepUnnamed(table: Decide): Decide {
  return (tag, around) => {
    if (isUntouchable(tag) || vrOf(tag) === 'UI') return table(tag, around)
    // It is written anew with its block (rewrite-data-set.ts).
    if (isPrivateCreator(tag)) return reservation
    if (vrOf(tag) !== undefined) return keep
    const element = around.dataSet.get(tag)
    return { ...keep, vr: element?.items === undefined ? (element?.vr ?? 'UN') : 'SQ' }
  }
}
