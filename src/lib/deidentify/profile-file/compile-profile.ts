import { FionaError } from '../../error/index.ts'
import { nearest } from '../../text/index.ts'
import { type DateShift, usualShift } from '../dates/date-shift.ts'
import {
  type Contradiction,
  type ProfileParts,
  contradictionsIn,
  makeProfile,
} from '../profile/make-profile.ts'
import { type FacePolicy, compileFacePolicy } from '../faces/index.ts'
import { compilePixelRules } from '../pixels/index.ts'
import { policyOf } from '../object-policy.ts'
import type { Profile } from '../profile/profile.ts'
import {
  type ProfileOption,
  isProfileOption,
  pixelOptions,
  tableOptions,
} from '../profile/profile-options.ts'
import { rulesOf } from '../rules/index.ts'
import { canonicalProfile } from './canonical.ts'
import type { Problems } from './problems.ts'
import { type ProfileFile, cleaningOf } from './read-profile.ts'

/** What a project's configuration adds to its profile. */
export interface ProfileSettings {
  /** Where the profile itself says nothing of dates. */
  readonly dateShift?: DateShift | undefined
}

/**
 * The profile that a file describes; undefined where `problems` has mistakes.
 * @param fallbackName of a profile that has no name of its own
 */
export function compileProfile(
  file: ProfileFile,
  fallbackName: string,
  problems: Problems,
  settings: ProfileSettings = {},
): Profile | undefined {
  const { text, source } = file
  const pixels = readPart(file, problems, () => compilePixelRules(text.pixels, 'pixels'))
  const faces = readPart(file, problems, () => readFaces(file, problems))
  const before = problems.mistakes
  const options = readOptions(file, problems)
  const doubtful = new Set([...file.doubtful, ...(problems.mistakes > before ? ['options'] : [])])
  const rules = rulesOf(file, JSON.stringify(canonicalProfile(file)))
  const isShifting =
    options.includes('retainLongitudinalModifiedDates') || rules.dates === 'shifted'
  const dateShift = readDateShift(file, problems) ?? (isShifting ? settings.dateShift : undefined)
  const parts: ProfileParts = {
    name: text.name ?? fallbackName,
    base: text.base ?? 'basic',
    options,
    ...(dateShift === undefined ? {} : { dateShift }),
    ...(text.vocabulary === undefined ? {} : { vocabulary: text.vocabulary }),
    honourPrivateDataInformation: text.honourPrivateDataInformation ?? false,
    uidStyle: text.uidStyle ?? 'keyed',
    rules,
    ...(pixels === undefined ? {} : { pixels }),
    ...(faces === undefined ? {} : { faces }),
    exclude: file.exclude,
    extraTerms: text.verify?.extraTerms ?? [],
  }
  for (const { key, error } of contradictionsIn(parts)) {
    if (unless[key].some((part) => doubtful.has(part))) continue
    const place = key === 'dateShift' && text.dateShift === undefined ? 'options' : key
    const remedy = error.hint === undefined ? '' : `; ${error.hint}`
    problems.mistake(source.at([place], place !== 'options'), `${error.message}${remedy}`)
  }
  return problems.hasMistakes ? undefined : withVariants(makeProfile(parts), parts, file)
}

/** A contradiction is none where mistakes in these may be what makes it. */
const unless: Readonly<Record<Contradiction['key'], readonly string[]>> = {
  options: [],
  dateShift: ['options', 'rules', 'tagchange', 'regtagchange', 'dateShift'],
  honourPrivateDataInformation: ['options'],
}

/** Where it is wrong its message begins with the place: `pixels.rules[0].mask`. */
function readPart<Part>(
  { source }: ProfileFile,
  problems: Problems,
  read: () => Part,
): Part | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof FionaError)) throw error
    const [place = ''] = /^[\w.[\]]+/.exec(error.message) ?? []
    const keys = place.split(/[.[\]]+/).filter((key) => key !== '')
    problems.mistake(source.at(keys), error.message)
    return undefined
  }
}

function readFaces({ text, source }: ProfileFile, problems: Problems): FacePolicy {
  return compileFacePolicy(text.deface, (key, message) => {
    problems.mistake(source.at(['deface', key], true), message)
  })
}

/** Objects of which more is cleaned have a profile with an option more; what the file means is the same. */
function withVariants(profile: Profile, parts: ProfileParts, { objects }: ProfileFile): Profile {
  const variants = new Map<string, Profile>()
  const made = new Map<ProfileOption, Profile>()
  for (const [uid, choice] of objects) {
    const option = choice === 'clean' ? cleaningOf(policyOf(uid)) : undefined
    if (option === undefined) continue
    const variant =
      made.get(option) ?? makeProfile({ ...parts, options: [...(parts.options ?? []), option] })
    made.set(option, variant)
    variants.set(uid, { ...variant, digest: profile.digest })
  }
  return { ...profile, variants }
}

function readOptions({ text, source }: ProfileFile, problems: Problems): ProfileOption[] {
  return (text.options ?? []).flatMap((name, at) => {
    if (isProfileOption(name)) return [name]
    const known = [...tableOptions, ...pixelOptions]
    const guess = nearest(name.slice(0, 64), known)
    const meant =
      guess === undefined ? `; there are ${known.join(', ')}` : `; did you mean "${guess}"?`
    problems.mistake(
      source.at(['options', at]),
      `no option is called ${JSON.stringify(name.slice(0, 64))}${meant}`,
    )
    return []
  })
}

function readDateShift({ text, source }: ProfileFile, problems: Problems): DateShift | undefined {
  if (text.dateShift === undefined) return undefined
  const { mode, days, maxDays } = text.dateShift
  const mistake = (key: string, message: string): undefined => {
    problems.mistake(source.at(['dateShift', key], true), message)
    return undefined
  }
  if (days !== undefined && mode !== 'fixed') return mistake('days', '"days" belongs to mode fixed')
  if (maxDays !== undefined && mode !== 'perParticipant') {
    return mistake('maxDays', '"maxDays" belongs to mode perParticipant')
  }
  if (mode === 'none') return { mode }
  if (mode === 'perParticipant') return { mode, maxDays: maxDays ?? usualShift.maxDays }
  return days === undefined ? mistake('mode', 'fixed without "days": by how many?') : { mode, days }
}
