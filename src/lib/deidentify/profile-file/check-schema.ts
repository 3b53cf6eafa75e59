import { nearest } from '../../text/index.ts'
import {
  type ProfileProblem as SchemaProblem,
  knownKeys,
  validateProfile,
} from '../generated/validate-profile.js'
import type { Problems } from './problems.ts'
import type { ProfileText, RuleText } from './schema.ts'
import type { Key, Source } from './source.ts'

/** What of a file has the form of a profile. */
export interface Sound {
  /** Lists have holes where an entry has not: their methods pass over those, and the others keep their places. */
  readonly text: ProfileText
  /** Rules that are such holes, by their places: the keys of each that have their form. */
  readonly broken: ReadonlyMap<number, Partial<RuleText>>
  /** Keys of the file with something wrong under them: what is missing there may have been meant. */
  readonly doubtful: ReadonlySet<string>
}

/**
 * What is wrong with the form of a file goes into `problems`. The rest of it is read on, so that whoever wrote it hears of
 * every mistake at once. Undefined where it is no profile at all.
 */
export function checkSchema(source: Source, problems: Problems): Sound | undefined {
  const found = validateProfile(source.value)
  for (const all of byPlace(found).values()) tell(all, source, problems)
  return found.length === 0
    ? { text: source.value as ProfileText, broken: new Map(), doubtful: new Set() }
    : soundPartOf(source.value, found)
}

/** Parts that mean something without the entry or key that is wrong; all others mean nothing then. */
const divisible = new Set(['rules', 'tagchange', 'regtagchange', 'options', 'objects', 'verify'])

function soundPartOf(value: unknown, found: readonly SchemaProblem[]): Sound | undefined {
  const text = structuredClone(value)
  const wrongKeys = new Map<number, Set<string>>()
  const doubtful = new Set<string>()
  for (const { instancePath, params } of found) {
    const { additionalProperty: unknown } = params
    const keys = [...keysOf(instancePath), ...(typeof unknown === 'string' ? [unknown] : [])]
    const [part] = keys
    if (part === undefined) return undefined
    doubtful.add(part)
    if (part === 'rules' && keys.length > 1) {
      const at = Number(keys[1])
      wrongKeys.set(at, (wrongKeys.get(at) ?? new Set()).add(keys[2] ?? ''))
      cut(text, keys.slice(0, 2))
    } else cut(text, divisible.has(part) ? keys : [part])
  }
  const rules = (value as { readonly rules?: unknown }).rules
  const broken = [...wrongKeys].map(([at, wrong]) => {
    const rule = Array.isArray(rules) ? (rules[at] as unknown) : undefined
    const entries = typeof rule === 'object' && rule !== null ? Object.entries(rule) : []
    return [at, Object.fromEntries(entries.filter(([key]) => !wrong.has(key)))] as const
  })
  return { text: text as ProfileText, broken: new Map(broken), doubtful }
}

/** A hole in a list: whoever goes through it by its methods does not see it. */
function cut(value: unknown, keys: readonly string[]): void {
  const last = keys.at(-1)
  const parent = valueAt(value, keys.slice(0, -1))
  if (last !== undefined && typeof parent === 'object' && parent !== null) {
    Reflect.deleteProperty(parent, last)
  }
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
