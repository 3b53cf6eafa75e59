import { randomInt } from 'node:crypto'
import type { NamePattern } from '../crosswalk/index.ts'
import type { Patient } from './patient-key.ts'
import type { Store } from './store.ts'

/** Beyond these the names are asked one after the other. */
const mostDraws = 64
/** A pattern with so many names that are all taken is full, whatever it has left. */
const mostSteps = 20_000
/** `randomInt` takes no more. */
const widestDraw = 2 ** 48 - 1

/**
 * The participant of a patient in a project: the one that is there, or a name of the pattern that nobody has. Drawn, not counted: from a name
 * nobody can tell who came first. To be called within a transaction that ends others, where `binding` makes it the patient's; two names can
 * never be one, since of a project and a participant there is one first patient.
 */
export function allocate(
  store: Store,
  project: string,
  patient: Patient,
  {
    pattern,
    fits,
    now,
  }: {
    readonly pattern: NamePattern
    readonly fits: (name: string) => boolean
    readonly now: number
  },
):
  | { readonly participant: string }
  | { readonly reason: 'similar-patient' | 'pattern-exhausted' | 'participant-naming' } {
  const [known] = store.bindingsOf(project, patient.key)
  if (known !== undefined) return { participant: known.participant }
  if (store.hasSimilar(project, patient.folded, patient.key)) return { reason: 'similar-patient' }
  const full = fullOf(store)
  const which = JSON.stringify([project, pattern.source])
  const before = full.get(which)
  if (before !== undefined) return { reason: before }
  let hasFit = false
  for (const n of numbersUpTo(pattern.count)) {
    const name = pattern.nth(n)
    if (name === undefined || !fits(name)) continue
    hasFit = true
    if (store.isTaken(project, name)) continue
    store.bind(project, name, patient, { alias: false, allocated: true, now })
    return { participant: name }
  }
  const why = hasFit ? 'pattern-exhausted' : 'participant-naming'
  full.set(which, why)
  return { reason: why }
}

type Full = 'pattern-exhausted' | 'participant-naming'

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
