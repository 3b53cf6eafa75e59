import type { ConfigProblem } from './generated/validate-config.js'
import { originalPlace } from './original.ts'

/** What a count of keys or entries means in some places, in words. */
const oddities: readonly {
  readonly place: RegExp
  readonly says: Readonly<Record<string, string>>
}[] = [
  {
    place: /^\/requests\/\d+$/,
    says: {
      minProperties: 'must have one of rules, table and redcap',
      maxProperties: 'must have only one of rules, table and redcap: write a list entry for each',
    },
  },
  {
    place: /^\/projects\/[^/]+\/match(\/\d+)?$/,
    says: {
      minProperties: 'has no condition and would take everything',
      minItems: 'has no condition and would take everything',
    },
  },
  {
    place: /^\/projects\/[^/]+\/match\/([^/]+|\d+\/[^/]+)$/,
    says: {
      minLength: 'is empty and would hold for everything',
      minItems: 'is empty and would hold for nothing',
    },
  },
]

/**
 * What the validator found, in words for people: one problem for each place (that a value is none of
 * several is said once, with all of them), under the keys of the file that is being read.
 */
export function sumUp(
  problems: readonly ConfigProblem[],
  isOriginal: boolean,
  sizeKeys: readonly (readonly string[])[],
): ConfigProblem[] {
  const isSize = (place: string): boolean => sizeKeys.some((keys) => fits(place, keys))
  const byPlace = new Map<string, ConfigProblem[]>()
  for (const problem of withoutOtherKinds(problems)) {
    const { additionalProperty, missingProperty } = problem.params
    const place = `${problem.instancePath} ${String(additionalProperty ?? missingProperty)}`
    byPlace.set(place, [...(byPlace.get(place) ?? []), problem])
  }
  const summed = [...byPlace.values()].flatMap((all) => inWords(all, isSize))
  return isOriginal ? summed.map(asOriginal) : summed
}

/** @param keys `*` is any key */
function fits(place: string, keys: readonly string[]): boolean {
  const parts = place.split('/').slice(1)
  return parts.length === keys.length && keys.every((key, at) => key === '*' || key === parts[at])
}

function inWords(
  all: readonly ConfigProblem[],
  isSize: (place: string) => boolean,
): ConfigProblem[] {
  const [first] = all
  if (first === undefined) return []
  const allowed = all.flatMap(({ params }) =>
    'allowedValue' in params ? [String(params['allowedValue'])] : [],
  )
  if (allowed.length > 0)
    return [{ ...first, params: {}, message: `must be ${allowed.join(' or ')}` }]
  for (const problem of all) {
    const keyword = problem.schemaPath.split('/').at(-1) ?? ''
    const odd = oddities.find(({ place }) => place.test(problem.instancePath))?.says[keyword]
    if (odd !== undefined) return [{ ...problem, message: odd }]
  }
  if (!isSize(first.instancePath)) return [ofOneKind(all) ?? first]
  return [{ ...first, message: 'must be a size: a number of bytes, or text such as 5GiB' }]
}

/**
 * Of a value that may be of several kinds the validator tells for each kind why it is none. Where one kind fits
 * so far that something within is wrong, that is the mistake.
 */
function withoutOtherKinds(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const places = problems
    .filter(({ schemaPath }) => schemaPath.endsWith('/anyOf'))
    .map(({ instancePath }) => instancePath)
  const mistaken = places.filter((place) =>
    problems.some(({ instancePath }) => instancePath.startsWith(`${place}/`)),
  )
  return problems.filter(({ instancePath }) => !mistaken.includes(instancePath))
}

/** What is wrong with a value of the right kind, else all the kinds it may be of; undefined where there is one. */
function ofOneKind(all: readonly ConfigProblem[]): ConfigProblem | undefined {
  const [union] = all.filter(({ schemaPath }) => schemaPath.endsWith('/anyOf'))
  if (union === undefined) return undefined
  const more = all.find((problem) => problem !== union && !('type' in problem.params))
  const kinds = all.flatMap(({ params }) => ('type' in params ? [String(params['type'])] : []))
  return more ?? { ...union, message: `must be ${kinds.join(' or ')}` }
}

/** The place as the original's own file has it. */
function asOriginal(problem: ConfigProblem): ConfigProblem {
  return { ...problem, instancePath: originalPlace(problem.instancePath) }
}
