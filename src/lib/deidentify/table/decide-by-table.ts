import { isPrivate, keywordOf, vrOf } from '../../dicom/index.ts'
import type { Action, Decision } from '../actions/action.ts'
import { type AttributeType, alternativeFor, isDescribed, typeOf } from './attribute-types.ts'
import { beyondTheTable, machineWritten } from './beyond-the-table.ts'
import { confidentialityProfileData } from './confidentiality-profile-data.ts'
import { type ProfileOption, type TableOption, tableOptions } from '../profile/profile-options.ts'
import { retiredTextData } from './retired-text-data.ts'
import { decidePrivate } from '../private/safe-private.ts'
import type { Surroundings } from '../surroundings.ts'

/** A row of Table E.1-1 as it stands: `tag` may have x for any digit, or be `private`. */
export interface ProfileRow {
  readonly tag: string
  /** `X`, `Z`, `D`, `U`, or several of them. */
  readonly basic: string
  readonly options: ReadonlyMap<TableOption, 'K' | 'C'>
  readonly keyword: string
}

/** The table as it stands. */
export function profileRows(): ProfileRow[] {
  return confidentialityProfileData.split('\n').map((line) => {
    const [tag = '', basic = '', letters = '', keyword = ''] = line.split(' ')
    const options = tableOptions.flatMap((option, at) => {
      const letter = letters.charAt(at)
      return letter === 'K' || letter === 'C' ? [[option, letter] as const] : []
    })
    return { tag, basic, options: new Map(options), keyword }
  })
}

export interface TableSettings {
  readonly options: ReadonlySet<ProfileOption>
  /** Believe what (0008,0300) says of private blocks. */
  readonly honourPrivateDataInformation: boolean
}

const removePrivate: Decision = { action: 'remove', because: 'private' }
const removeUnlisted: Decision = { action: 'remove', because: 'unlisted' }
const dummyUnlisted: Decision = { action: 'dummy', because: 'unlisted' }
const mapUnlisted: Decision = { action: 'uid', because: 'unlisted' }
const keep: Decision = { action: 'keep', because: 'kept' }
const byBasic: Readonly<Record<string, Exclude<Action, 'clean' | 'shiftDate' | 'write'>>> = {
  X: 'remove',
  Z: 'empty',
  D: 'dummy',
  U: 'uid',
  // The UIDs inside of a sequence are replaced as anywhere; the rest of it is under the same rules.
  'U*': 'keep',
}

/** UIDs that name a class, a scheme or a syntax, never an object, person or device. */
const namesNoObject = new Set([
  0x00080016, 0x0008001a, 0x0008001b, 0x00080062, 0x0008010c, 0x00080117, 0x00080118, 0x00081150,
  0x0008115a, 0x00083002, 0x00340003, 0x30100052, 0x30100053,
])

/** Persons, times, places and comments: what attributes of these VRs hold may identify, listed or not. */
const neverKept = new Set('PN AE AS DA DT TM UR'.split(' '))
const temporal = new Set('DA DT TM'.split(' '))
const freeText = new Set('LT ST UT'.split(' '))
const urnCodeValue = 0x00080120

/** Without `around`, for an attribute wherever it is. */
export type DecideByTable = (tag: number, around: Surroundings | undefined) => Decision

/**
 * The action for an attribute by its tag, and for a private one by its creator: what a file claims its VR to be
 * does not matter. Whatever the table does not know, and we do not either, is removed. Attributes of the standard are the
 * same everywhere, but for those of compound actions: at the top of an object their type in its IOD decides. Inside of
 * sequences the type is that of whatever macro is included there, and the alternative that is always valid is taken.
 * @returns asked once for each object, by its SOP class; by none, for what is valid in all
 */
export function decideByTable(
  settings: TableSettings,
  rows: readonly ProfileRow[] = profileRows(),
): (SOPClassUID: string | undefined) => DecideByTable {
  const everywhere = decideEverywhere(settings, rows)
  const byClass = new Map<string, DecideByTable>()
  return (SOPClassUID) => {
    // What is not described has no types; and hostile classes do not fill the memory.
    if (SOPClassUID === undefined || !isDescribed(SOPClassUID)) return everywhere
    const made = byClass.get(SOPClassUID)
    if (made !== undefined) return made
    const atTheTop = compounds(settings.options, rows, SOPClassUID)
    const decide: DecideByTable = (tag, around) => {
      const decision = around?.path.length === 0 ? atTheTop.get(tag) : undefined
      return decision ?? everywhere(tag, around)
    }
    byClass.set(SOPClassUID, decide)
    return decide
  }
}

/** Of the rows with alternatives, what they come to in objects of a class. */
function compounds(
  options: ReadonlySet<ProfileOption>,
  rows: readonly ProfileRow[],
  SOPClassUID: string,
): ReadonlyMap<number, Decision> {
  const decisions = new Map<number, Decision>()
  for (const { tag, basic, options: columns } of rows) {
    if (!basic.includes('/')) continue
    const number = Number.parseInt(tag, 16)
    const type = typeOf(number, SOPClassUID)
    if (type === undefined) continue
    decisions.set(number, { ...resolve(basic, columns, options, 'table', type), type })
  }
  return decisions
}

function decideEverywhere(settings: TableSettings, rows: readonly ProfileRow[]): DecideByTable {
  const { options } = settings
  const byTag = listed(options, rows)
  const byCreator = listsPrivate(options, rows)
    ? decidePrivate((vr) => safeByVr(vr), settings.honourPrivateDataInformation)
    : undefined
  const byGroup = decideByGroup(options, rows)
  const forDates = dateDecision(options)
  const forFreeText: Decision = options.has('cleanDescriptors')
    ? { action: 'clean', because: 'option', otherwise: 'dummy' }
    : dummyUnlisted
  const forUids: Decision = options.has('retainUids')
    ? { action: 'keep', because: 'option', otherwise: 'uid' }
    : mapUnlisted

  const safeByVr = (vr: string): Decision | undefined => {
    if (temporal.has(vr)) return { ...forDates, vr }
    if (neverKept.has(vr)) return undefined
    if (vr === 'UI') return { ...forUids, because: 'option', vr }
    return { action: freeText.has(vr) ? 'clean' : 'keep', because: 'option', vr }
  }

  const unlisted = (tag: number): Decision => {
    const vr = vrOf(tag)
    if (vr === undefined || keywordOf(tag) === undefined) return removeUnlisted
    if (temporal.has(vr)) return forDates
    if (neverKept.has(vr)) return tag === urnCodeValue ? keep : removeUnlisted
    if (freeText.has(vr)) return machineWritten.has(tag) ? keep : forFreeText
    if (vr === 'UI') return namesNoObject.has(tag) ? keep : forUids
    return keep
  }

  return (tag, around) => {
    if (isPrivate(tag)) return (around && byCreator?.(tag, around)) ?? removePrivate
    // Groups of commands, file meta information and directories have no place in a data set.
    if (tag >>> 16 < 8) return removeUnlisted
    const known = byTag.get(tag) ?? byGroup(tag)
    if (known !== undefined) return known
    const decision = unlisted(tag)
    byTag.set(tag, decision)
    return decision
  }
}

/** Rows for one tag each; `private`, 50xx and 60xx are decided by rule. */
function listed(
  options: ReadonlySet<ProfileOption>,
  rows: readonly ProfileRow[],
): Map<number, Decision> {
  const byTag = new Map<number, Decision>()
  for (const tag of retiredTextData.split(/\s+/)) {
    byTag.set(Number.parseInt(tag, 16), removeUnlisted)
  }
  for (const [tag, basic, option] of beyondTheTable) {
    const column = new Map(option === undefined ? [] : [[option, letterOf[option]] as const])
    byTag.set(tag, resolve(basic, column, options, 'unlisted'))
  }
  for (const row of rows) {
    if (!/^[0-9A-F]{8}$/.test(row.tag)) continue
    byTag.set(Number.parseInt(row.tag, 16), resolve(row.basic, row.options, options, 'table'))
  }
  return byTag
}

const letterOf = {
  cleanDescriptors: 'C',
  cleanGraphics: 'C',
  cleanStructuredContent: 'C',
  retainDeviceIdentity: 'K',
  retainPatientCharacteristics: 'K',
} as const

/** An option overrides the Basic Profile; where one of several options cleans what another keeps, it is cleaned. */
function resolve(
  basic: string,
  columns: ReadonlyMap<TableOption, 'K' | 'C'>,
  options: ReadonlySet<ProfileOption>,
  because: Decision['because'],
  type?: AttributeType,
): Decision {
  const action = byBasic[alternativeFor(basic, type)] ?? 'remove'
  const letters = [...columns].filter(([option]) => options.has(option))
  if (letters.length === 0) return { action, because }
  const otherwise = action === 'keep' ? 'remove' : action
  const cleaning = letters.find(([, letter]) => letter === 'C')?.[0]
  if (cleaning === undefined) return { action: 'keep', because: 'option', otherwise }
  const isDate = cleaning === 'retainLongitudinalModifiedDates'
  return { action: isDate ? 'shiftDate' : 'clean', because: 'option', otherwise }
}

/** Dates that the table does not list go the way of those that it lists. */
function dateDecision(options: ReadonlySet<ProfileOption>): Decision {
  if (options.has('retainLongitudinalFullDates')) return { action: 'keep', because: 'option' }
  if (options.has('retainLongitudinalModifiedDates')) {
    return { action: 'shiftDate', because: 'option' }
  }
  return removeUnlisted
}

function listsPrivate(options: ReadonlySet<ProfileOption>, rows: readonly ProfileRow[]): boolean {
  const row = rows.find(({ tag }) => tag === 'private')
  return [...(row?.options.keys() ?? [])].some((option) => options.has(option))
}

/**
 * Curves and overlays repeat in groups of their own. Of an overlay the table names data and comments only; the
 * rest (labels, descriptions, geometry) describes what is no longer there.
 */
function decideByGroup(
  options: ReadonlySet<ProfileOption>,
  rows: readonly ProfileRow[],
): (tag: number) => Decision | undefined {
  const masks = rows
    .filter(({ tag }) => /^[0-9A-Fx]{8}$/.test(tag) && tag.includes('x'))
    .map(({ tag, basic, options: columns }) => ({
      mask: Number.parseInt(tag.replace(/[^x]/g, 'F').replaceAll('x', '0'), 16),
      value: Number.parseInt(tag.replaceAll('x', '0'), 16),
      decision: resolve(basic, columns, options, 'table'),
    }))
  const restOfOverlay: Decision = options.has('cleanGraphics')
    ? { action: 'clean', because: 'option' }
    : { action: 'remove', because: 'table' }
  return (tag) => {
    const row = masks.find(({ mask, value }) => (tag & mask) >>> 0 === value)
    if (row !== undefined) return row.decision
    return tag >>> 24 === 0x60 ? restOfOverlay : undefined
  }
}
