import { hash } from 'node:crypto'
import { ExitCode, FionaError } from '../../error/index.ts'
import { attributeTypes, describedClasses } from '../table/attribute-types-data.ts'
import { beyondTheTable, machineWritten } from '../table/beyond-the-table.ts'
import { confidentialityProfileData } from '../table/confidentiality-profile-data.ts'
import { type DateShift, mostDays, noShift, usualShift } from '../dates/date-shift.ts'
import { decideByTable } from '../table/decide-by-table.ts'
import { type FacePolicy, holdFaces } from '../faces/index.ts'
import { foldText } from '../search/fold-text.ts'
import { imagingVocabulary } from '../descriptors/imaging-vocabulary.ts'
import { allPolicies } from '../object-policy.ts'
import { keepUnnamed } from '../table/keep-unnamed.ts'
import { type PixelPolicy, reviewPixels } from '../pixels/index.ts'
import type { Decide, Profile, Statement, UidStyle } from './profile.ts'
import {
  type ProfileOption,
  contradictoryOptions,
  inOrder,
  methodCodes,
} from './profile-options.ts'
import { retiredTextData } from '../table/retired-text-data.ts'
import { type Rules, noRules } from '../rules/index.ts'
import { safePrivateData } from '../private/safe-private-data.ts'

/** Raised when the rules in code change what comes out of the same tables. */
const rulesVersion = 5

/** What a profile is made of, besides the table. */
export interface ProfileParts {
  readonly name: string
  readonly options?: readonly ProfileOption[]
  /** With `retainLongitudinalModifiedDates` only, and then up to a year per participant if it is not said. */
  readonly dateShift?: DateShift
  /** Words that cleaned texts keep besides those of imaging. */
  readonly vocabulary?: readonly string[]
  /** Believe what objects say of their private blocks in (0008,0300); with `retainSafePrivate` only. */
  readonly honourPrivateDataInformation?: boolean
  /** Without the table nothing but the rules decides, and what they do not name passes. */
  readonly base?: 'basic' | 'none'
  /** What comes before the table. */
  readonly rules?: Rules
  readonly uidStyle?: UidStyle
  readonly exclude?: Profile['exclude']
  readonly extraTerms?: readonly string[]
  readonly pixels?: PixelPolicy
  readonly faces?: FacePolicy
}

/** Two parts that cannot both be meant, and the key of the one that a person will want to look at. */
export interface Contradiction {
  readonly key: 'options' | 'dateShift' | 'honourPrivateDataInformation'
  readonly error: FionaError
}

export function contradictionsIn(parts: ProfileParts): Contradiction[] {
  const options = new Set(parts.options)
  return [
    ...withKey('options', contradictoryOptions(options)),
    ...withKey('dateShift', wrongShift(parts, options)),
    ...(parts.honourPrivateDataInformation === true && !options.has('retainSafePrivate')
      ? withKey(
          'honourPrivateDataInformation',
          contradiction('honourPrivateDataInformation', 'retainSafePrivate'),
        )
      : []),
  ]
}

function withKey(key: Contradiction['key'], error: FionaError | undefined): Contradiction[] {
  return error === undefined ? [] : [{ key, error }]
}

/** @throws FionaError E_PROFILE where one part contradicts another */
export function makeProfile(parts: ProfileParts): Profile {
  const { name, base = 'basic', rules = noRules, honourPrivateDataInformation = false } = parts
  const [wrong] = contradictionsIn(parts)
  if (wrong !== undefined) throw wrong.error
  const chosen = inOrder(parts.options ?? [])
  const options = new Set(chosen)
  const dateShift = shifts(parts, options) ? (parts.dateShift ?? usualShift) : noShift
  const added = [...new Set((parts.vocabulary ?? []).map(foldText))].sort()
  const table = decideByTable({ options, honourPrivateDataInformation })
  const unnamed = oncePerKey(keepUnnamed)
  const byTable = (SOPClassUID: string): Decide =>
    base === 'none' ? unnamed(table(SOPClassUID)) : table(SOPClassUID)
  const behind = oncePerKey((byRule: ByRule) =>
    oncePerKey(
      (otherwise: Decide): Decide =>
        (tag, around) =>
          byRule(tag, around) ?? otherwise(tag, around),
    ),
  )
  return {
    name,
    digest: digestOf([chosen, dateShift, added, honourPrivateDataInformation, rules.meaning]),
    base,
    options,
    statement: statementOf(chosen, base, rules.dates),
    dateShift,
    vocabulary:
      added.length === 0 ? imagingVocabulary() : new Set([...imagingVocabulary(), ...added]),
    decider(object) {
      const byRule = rules.decider(object)
      const otherwise = byTable(object.SOPClassUID)
      return byRule === undefined ? otherwise : behind(byRule)(otherwise)
    },
    table: (tag) => table(undefined)(tag, undefined),
    rules,
    uidStyle: parts.uidStyle ?? 'keyed',
    exclude: parts.exclude ?? [],
    extraTerms: parts.extraTerms ?? [],
    variants: new Map(),
    pixels: parts.pixels ?? reviewPixels,
    faces: parts.faces ?? holdFaces,
  }
}

type ByRule = NonNullable<ReturnType<Rules['decider']>>

/** The same for the same: what became of elements is remembered by what decided about them. */
function oncePerKey<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new WeakMap<Key, Value>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const value = make(key)
    made.set(key, value)
    return value
  }
}

function shifts({ rules }: ProfileParts, options: ReadonlySet<ProfileOption>): boolean {
  return options.has('retainLongitudinalModifiedDates') || rules?.dates === 'shifted'
}

function wrongShift(
  parts: ProfileParts,
  options: ReadonlySet<ProfileOption>,
): FionaError | undefined {
  const { dateShift = noShift } = parts
  if (!shifts(parts, options)) {
    if (dateShift.mode === 'none') return undefined
    return contradiction('dateShift', 'retainLongitudinalModifiedDates')
  }
  const shift = parts.dateShift ?? usualShift
  const days =
    shift.mode === 'fixed' ? Math.abs(shift.days) : shift.mode === 'none' ? 0 : shift.maxDays
  if (Number.isSafeInteger(days) && days >= 1 && days <= mostDays) return undefined
  return new FionaError('E_PROFILE', 'dates would not be shifted as the profile says', {
    hint: `give dateShift whole days: fixed with 1 to ${String(mostDays)} either way, perParticipant with maxDays of 1 to ${String(mostDays)}`,
    exitCode: ExitCode.badConfig,
  })
}

function contradiction(part: string, option: ProfileOption): FionaError {
  return new FionaError('E_PROFILE', `${part} does nothing without the option ${option}`, {
    hint: `add ${option} to the options of the profile, or leave out ${part}`,
    exitCode: ExitCode.badConfig,
  })
}

function statementOf(
  options: readonly ProfileOption[],
  base: 'basic' | 'none',
  dates: Rules['dates'],
): Statement {
  const byOptions = options.map((option) => methodCodes[option])
  const isFull =
    options.includes('retainLongitudinalFullDates') || dates === 'kept' || base === 'none'
  const isModified = options.includes('retainLongitudinalModifiedDates') || dates === 'shifted'
  return {
    methods: [
      base === 'none'
        ? 'FIONA: rules of the project, without the table of PS3.15'
        : 'FIONA: PS3.15 2024e Basic Application Confidentiality Profile',
      ...byOptions.map(([, meaning]) => meaning),
    ],
    codes: base === 'none' ? byOptions : [methodCodes.basic, ...byOptions],
    longitudinal: isFull ? 'UNMODIFIED' : isModified ? 'MODIFIED' : 'REMOVED',
  }
}

function digestOf(parts: readonly unknown[]): string {
  return hash(
    'sha256',
    JSON.stringify([
      rulesVersion,
      confidentialityProfileData,
      retiredTextData,
      attributeTypes,
      describedClasses,
      beyondTheTable,
      [...machineWritten],
      safePrivateData,
      [...imagingVocabulary()],
      allPolicies(),
      ...parts,
    ]),
  )
}
