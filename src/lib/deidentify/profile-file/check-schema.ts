import { nearest } from '../../text/index.ts'
import {
  type ProfileProblem as SchemaProblem,
  knownKeys,
  validateProfile,
} from '../generated/validate-profile.js'
import type { Problems } from './problems.ts'
import type { ProfileText } from './schema.ts'
import type { Key, Source } from './source.ts'

/** What the file says, when it has the form of a profile; `problems` knows what is wrong with it. */
export function checkSchema(source: Source, problems: Problems): ProfileText | undefined {
  const found = validateProfile(source.value)
  for (const all of byPlace(found).values()) tell(all, source, problems)
  return found.length === 0 ? (source.value as ProfileText) : undefined
}

/** That a value is none of several things is several problems of one place. */
function byPlace(found: readonly SchemaProblem[]): Map<string, SchemaProblem[]> {
  const places = new Map<string, SchemaProblem[]>()
  for (const problem of found) {
    const { additionalProperty, missingProperty } = problem.params
    const place = `${problem.instancePath} ${String(additionalProperty ?? missingProperty)}`
    places.set(place, [...(places.get(place) ?? []), problem])
  }
  return places
}

function tell(all: readonly SchemaProblem[], source: Source, problems: Problems): void {
  // The one that holds all others has the shortest path.
  const problem = all.reduce((a, b) => (b.schemaPath.length < a.schemaPath.length ? b : a))
  const keys = keysOf(problem.instancePath)
  const { additionalProperty, missingProperty } = problem.params
  if (typeof additionalProperty === 'string') {
    const offset = source.at([...keys, additionalProperty], true)
    const guess = nearest(additionalProperty, knownKeys[problem.schemaPath] ?? [])
    problems.mistake(
      offset,
      `unknown key "${additionalProperty}"${guess === undefined ? '' : `; did you mean "${guess}"?`}`,
    )
  } else if (typeof missingProperty === 'string') {
    problems.mistake(source.at(keys), `"${missingProperty}" is missing here`)
  } else problems.mistake(source.at(keys), sentence(problem, keys, source))
}

function sentence(problem: SchemaProblem, keys: readonly Key[], source: Source): string {
  const name = nameOf(keys)
  const { allowedValues, limit } = problem.params
  const value = valueAt(source.value, keys)
  if (Array.isArray(allowedValues)) {
    const guess = typeof value === 'string' ? nearest(value, allowedValues as string[]) : undefined
    const meant = guess === undefined ? '' : `; did you mean "${guess}"?`
    return `${name} is ${allowedValues.join(', ').replace(/, ([^,]*)$/, ' or $1')}, not ${shown(value)}${meant}`
  }
  if (isEmpty(value)) return `${name} is empty`
  const title = problem.parentSchema?.title
  if (limit === undefined && title !== undefined) {
    return keys.length === 0
      ? 'a profile is keys and values: `base: basic` …'
      : `${name} is ${title}, not ${shown(value)}`
  }
  return `${name} ${problem.message ?? 'is not valid'}`
}

function nameOf(keys: readonly Key[]): string {
  const last = keys.at(-1)
  if (last === undefined) return 'a profile'
  return /^\d+$/.test(String(last)) ? `an entry of "${String(keys.at(-2))}"` : `"${String(last)}"`
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === ''
  return Object.keys(value).length === 0
}

/** A piece of the file, short enough for a message. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`
}

function keysOf(pointer: string): string[] {
  const keys = pointer.split('/').slice(1)
  return keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function valueAt(value: unknown, keys: readonly Key[]): unknown {
  return keys.reduce<unknown>(
    (there, key) => (there as Record<string, unknown> | null | undefined)?.[key],
    value,
  )
}
