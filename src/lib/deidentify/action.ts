import { isPrivate, keywordOf, vrOf } from '../dicom/index.ts'
import { confidentialityProfileData } from './confidentiality-profile-data.ts'
import { beyondTheTable, machineWritten } from './beyond-the-table.ts'
import { retiredTextData } from './retired-text-data.ts'

/**
 * What happens to an attribute. The letters are those of PS3.15 Table E.1-1; `U*` replaces the UIDs
 * inside of a sequence and keeps the rest of it under the same rules.
 */
export type Action = 'X' | 'Z' | 'D' | 'U' | 'U*' | 'K'

export interface Decision {
  readonly action: Action
  /** Why, as `removed` of a `deidentified` record counts it. */
  readonly because: 'table' | 'private' | 'unlisted' | 'kept'
}

const removePrivate: Decision = { action: 'X', because: 'private' }
const removeUnlisted: Decision = { action: 'X', because: 'unlisted' }
const dummyUnlisted: Decision = { action: 'D', because: 'unlisted' }
const mapUnlisted: Decision = { action: 'U', because: 'unlisted' }
const remove: Decision = { action: 'X', because: 'table' }
const keep: Decision = { action: 'K', because: 'kept' }

let loaded: ReadonlyMap<number, Decision> | undefined

/** Rows for one tag each; `private`, 50xx and 60xx are decided by rule. */
function table(): ReadonlyMap<number, Decision> {
  if (loaded !== undefined) return loaded
  const byTag = new Map<number, Decision>()
  for (const tag of retiredTextData.split(/\s+/)) {
    byTag.set(Number.parseInt(tag, 16), removeUnlisted)
  }
  for (const [tag, action] of beyondTheTable) byTag.set(tag, { action, because: 'unlisted' })
  for (const { tag, action } of profileRows()) {
    if (/^[0-9A-F]{8}$/.test(tag)) {
      byTag.set(Number.parseInt(tag, 16), { action: strongestOf(action), because: 'table' })
    }
  }
  loaded = byTag
  return byTag
}

/** Table E.1-1 as it stands: `tag` may have x for any digit, or be `private`. */
export function profileRows(): { tag: string; action: string; keyword: string }[] {
  return confidentialityProfileData.split('\n').map((line) => {
    const [tag = '', action = '', keyword = ''] = line.split(' ')
    return { tag, action, keyword }
  })
}

/**
 * The type of an attribute depends on its IOD, and IODs change: of a compound action we take the last
 * alternative named, which is valid for type 1, 2 and 3 alike (`X/Z/D` becomes D).
 */
function strongestOf(action: string): Action {
  return action.slice(action.lastIndexOf('/') + 1) as Action
}

/** UIDs that name a class, a scheme or a syntax, never an object, person or device. */
const namesNoObject = new Set([
  0x00080016, 0x0008001a, 0x0008001b, 0x00080062, 0x0008010c, 0x00080117, 0x00080118, 0x00081150,
  0x0008115a, 0x00083002, 0x00340003, 0x30100052, 0x30100053,
])

/** Persons, times, places and comments: what attributes of these VRs hold may identify, listed or not. */
const neverKept = new Set('PN AE AS DA DT TM UR'.split(' '))
const freeText = new Set('LT ST UT'.split(' '))

/**
 * The action for an attribute, by its tag alone: what a file claims its VR to be does not matter.
 * Whatever the table does not know, and we do not either, is removed.
 */
export function decide(tag: number): Decision {
  if (isPrivate(tag)) return removePrivate
  // Groups of commands, file meta information and directories have no place in a data set.
  if (tag >>> 16 < 8) return removeUnlisted
  const listed = table().get(tag)
  if (listed !== undefined) return listed
  const century = tag >>> 24
  // Curves are in the table. Of an overlay it names data and comments only; the rest (labels,
  // descriptions, geometry) describes what is no longer there.
  if (century === 0x50 || century === 0x60) return remove
  const vr = vrOf(tag)
  if (vr === undefined || keywordOf(tag) === undefined) return removeUnlisted
  if (neverKept.has(vr)) return tag === urnCodeValue ? keep : removeUnlisted
  if (freeText.has(vr)) return machineWritten.has(tag) ? keep : dummyUnlisted
  if (vr === 'UI') return namesNoObject.has(tag) ? keep : mapUnlisted
  return keep
}

const urnCodeValue = 0x00080120
