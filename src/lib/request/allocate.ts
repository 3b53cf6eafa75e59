import { randomInt } from 'node:crypto'
import type { NamePattern } from '../crosswalk/index.ts'
import { faultPoint } from '../fault/index.ts'
import type { Patient } from './patient-key.ts'
import type { ReasonCode } from './reasons.ts'
import type { GivenNames, NamesOfPatient, StudyInQuestion } from './source.ts'
import type { Store } from './store/store.ts'

/** Beyond these the names are asked one after the other. */
const mostDraws = 64
/** A pattern with so many names that are all taken is full, whatever it has left. */
const mostSteps = 20_000
/** `randomInt` takes no more. */
const widestDraw = 2 ** 48 - 1

export type Allocated =
  | {
      readonly participant: string
      /** Where few are left: so many names, at most. */
      readonly left?: number
    }
  | {
      readonly reason: Extract<
        ReasonCode,
        | 'names-unread'
        | 'participant-naming'
        | 'participant-taken'
        | 'pattern-exhausted'
        | 'similar-patient'
        | 'sources-disagree'
      >
      /** The names it is about. */
      readonly names?: readonly string[]
    }

export interface Allocating {
  readonly pattern: NamePattern
  readonly fits: (name: string) => boolean
  /** What `fits` goes by, as it is written. */
  readonly naming: string | undefined
  /** What others keep of names of this project. */
  readonly given: readonly GivenNames[]
  readonly now: number
}

/**
 * The participant of a patient in a project: the one that is there, here or where names were given before, or a name of the pattern
 * that nobody has. Drawn, not counted: from a name nobody can tell who came first. To be called within a transaction that
 * excludes others, where `binding` makes it the patient's; two names can never be one, since of a project and a
 * participant there is one first patient.
 */
export function allocate(
  store: Store,
  project: string,
  { study, patient }: { readonly study: StudyInQuestion; readonly patient: Patient },
  { pattern, fits, naming, given, now }: Allocating,
): Allocated {
  const elsewhere = namesOf(study, given)
  const bind = (participant: string) => {
    store.bindings.add(project, participant, patient, { alias: false, allocated: true, now })
    faultPoint('request.named')
    return { participant }
  }
  const [own] = store.bindings.of(project, patient.key)
  const known = [
    ...new Set([...(own === undefined ? [] : [own.participant]), ...elsewhere.participants]),
  ]
  const [name] = known
  if (known.length > 1) return { reason: 'sources-disagree', names: known }
  if (name !== undefined) {
    const isHere = own !== undefined
    // Of an alias a person has said that it is no other patient.
    const isTaken =
      (own?.alias !== 1 && elsewhere.isOfAnother(name)) ||
      (!isHere && store.bindings.patientsOf(project, name).length > 0)
    if (isTaken) return { reason: 'participant-taken', names: known }
    return isHere ? { participant: name } : bind(name)
  }
  if (given.some(({ areKnown }) => !areKnown)) return { reason: 'names-unread' }
  if (store.bindings.hasSimilar(project, patient.folded, patient.key))
    return { reason: 'similar-patient' }
  const full = fullOf(store)
  const which = JSON.stringify([project, pattern.source, naming ?? ''])
  const before = full.get(which)
  if (before !== undefined) return { reason: before }
  let hasFit = false
  let tries = 0
  for (const n of numbersUpTo(pattern.count)) {
    const drawn = pattern.nth(n)
    if (drawn === undefined || !fits(drawn)) continue
    hasFit = true
    tries += 1
    if (store.bindings.isTaken(project, drawn) || elsewhere.isOfAnother(drawn)) continue
    return { ...bind(drawn), ...fewLeft(store, project, { pattern, given }, tries) }
  }
  const why = hasFit ? 'pattern-exhausted' : 'participant-naming'
  full.set(which, why)
  return { reason: why }
}

/** Counting so many participants takes no time that anybody notices. */
const soonCounted = 10_000
/** Of a larger pattern the names are counted when most that were drawn are taken. */
const manyTries = 4
const fewPart = 0.1

/** Before the last name is given, and not when a study is held for it. */
function fewLeft(
  store: Store,
  project: string,
  { pattern, given }: Pick<Allocating, 'given' | 'pattern'>,
  tries: number,
): { readonly left?: number } {
  if (pattern.count > soonCounted && tries < manyTries) return {}
  const used = Math.max(store.bindings.count(project), ...given.map(({ count }) => count))
  const left = Math.max(0, pattern.count - used)
  return left <= pattern.count * fewPart ? { left } : {}
}

/** What all others together say of the patient of a study. */
export function namesOf(study: StudyInQuestion, given: readonly GivenNames[]): NamesOfPatient {
  const all = given.map((names) => names.of(study))
  return {
    participants: all.flatMap(({ participants }) => participants),
    isOfAnother: (participant) => all.some((names) => names.isOfAnother(participant)),
  }
}

type Full = 'participant-naming' | 'pattern-exhausted'

/** Patterns that had no name left: names are given, and hardly ever given back. Thousands of studies may ask for one. */
const fullPatterns = new WeakMap<Store, Map<string, Full>>()

function fullOf(store: Store): Map<string, Full> {
  const known = fullPatterns.get(store) ?? new Map<string, Full>()
  fullPatterns.set(store, known)
  return known
}

/** Some at random, then all of them from a random one on, as far as anybody wants to wait. */
function* numbersUpTo(count: number): Generator<number, void, undefined> {
  const draw = () => 1 + randomInt(Math.min(count, widestDraw))
  for (let draws = 0; draws < mostDraws; draws += 1) yield draw()
  const first = draw()
  for (let step = 0; step < Math.min(count, mostSteps); step += 1) {
    yield 1 + ((first - 1 + step) % count)
  }
}
