import { hash } from 'node:crypto'
import { ExitCode, FionaError } from '../error/index.ts'
import type { Decision } from './action.ts'
import { beyondTheTable, machineWritten } from './beyond-the-table.ts'
import { confidentialityProfileData } from './confidentiality-profile-data.ts'
import { type DateShift, mostDays, noShift, usualShift } from './date-shift.ts'
import { decideByTable } from './decide-by-table.ts'
import { foldText } from './fold-text.ts'
import { imagingVocabulary } from './imaging-vocabulary.ts'
import { allPolicies } from './object-policy.ts'
import type { ObjectFacts, Profile, Statement } from './profile.ts'
import { type ProfileOption, consistentOptions, methodCodes } from './profile-options.ts'
import { retiredTextData } from './retired-text-data.ts'
import { safePrivateData } from './safe-private-data.ts'
import type { Surroundings } from './surroundings.ts'

/** Raised when the rules in code change what comes out of the same tables. */
const rulesVersion = 2

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
  /** What comes before the table. */
  readonly rules?: Rules
}

export interface Rules {
  /** Of all that the rules say. */
  readonly digest: string
  /** Undefined where no rule speaks of the element, and the table decides. */
  readonly decider: (
    object: ObjectFacts,
  ) => (tag: number, around: Surroundings) => Decision | undefined
}

/** @throws FionaError E_PROFILE where one part contradicts another */
export function makeProfile(parts: ProfileParts): Profile {
  const { name, rules, honourPrivateDataInformation = false } = parts
  const chosen = consistentOptions(parts.options ?? [])
  const options = new Set(chosen)
  const dateShift = shiftOf(parts, options)
  if (honourPrivateDataInformation && !options.has('retainSafePrivate')) {
    throw contradiction('honourPrivateDataInformation', 'retainSafePrivate')
  }
  const added = [...new Set((parts.vocabulary ?? []).map(foldText))].sort()
  const byTable = decideByTable({ options, honourPrivateDataInformation })
  return {
    name,
    digest: digestOf([chosen, dateShift, added, honourPrivateDataInformation, rules?.digest ?? '']),
    options,
    statement: statementOf(chosen),
    dateShift,
    vocabulary:
      added.length === 0 ? imagingVocabulary() : new Set([...imagingVocabulary(), ...added]),
    decider(object) {
      const byRule = rules?.decider(object)
      if (byRule === undefined) return byTable
      return (tag, around) => byRule(tag, around) ?? byTable(tag, around)
    },
  }
}

function shiftOf({ dateShift }: ProfileParts, options: ReadonlySet<ProfileOption>): DateShift {
  const shifts = options.has('retainLongitudinalModifiedDates')
  if (!shifts) {
    if (dateShift === undefined || dateShift.mode === 'none') return noShift
    throw contradiction('dateShift', 'retainLongitudinalModifiedDates')
  }
  const shift = dateShift ?? usualShift
  const days =
    shift.mode === 'fixed' ? Math.abs(shift.days) : shift.mode === 'none' ? 0 : shift.maxDays
  if (Number.isSafeInteger(days) && days >= 1 && days <= mostDays) return shift
  throw new FionaError('E_PROFILE', 'dates would not be shifted as the profile says', {
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

function statementOf(options: readonly ProfileOption[]): Statement {
  const codes = [methodCodes.basic, ...options.map((option) => methodCodes[option])]
  const isFull = options.includes('retainLongitudinalFullDates')
  const isModified = options.includes('retainLongitudinalModifiedDates')
  return {
    methods: [
      'FIONA: PS3.15 2024e Basic Application Confidentiality Profile',
      ...codes.slice(1).map(([, meaning]) => meaning),
    ],
    codes,
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
      beyondTheTable,
      [...machineWritten],
      safePrivateData,
      [...imagingVocabulary()],
      allPolicies(),
      ...parts,
    ]),
  )
}
