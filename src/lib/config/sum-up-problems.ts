import type { ConfigProblem } from './generated/validate-config.js'
import { originalPlace } from './original.ts'

/** How many keys an entry of `requests` may have, in words. */
const isRequest = /^\/requests\/\d+$/
const oddities: Readonly<Record<string, string>> = {
  minProperties: 'must have one of rules, table and redcap',
  maxProperties: 'must have only one of rules, table and redcap: write a list entry for each',
}

/**
 * What the validator found, in words for people: one problem for each place (that a value is none of
 * several is said once, with all of them), under the keys of the file that is being read.
 */
export function sumUp(
  problems: readonly ConfigProblem[],
  isOriginal: boolean,
  sizeKeys: readonly (readonly string[])[],
): ConfigProblem[] {
  const sizes = new Set(sizeKeys.map((keys) => `/${keys.join('/')}`))
  const byPlace = new Map<string, ConfigProblem[]>()
  for (const problem of problems) {
    const { additionalProperty, missingProperty } = problem.params
    const place = `${problem.instancePath} ${String(additionalProperty ?? missingProperty)}`
    byPlace.set(place, [...(byPlace.get(place) ?? []), problem])
  }
  const summed = [...byPlace.values()].flatMap((all) => inWords(all, sizes))
  return isOriginal ? summed.map(asOriginal) : summed
}

function inWords(all: readonly ConfigProblem[], sizes: ReadonlySet<string>): ConfigProblem[] {
  const [first] = all
  if (first === undefined) return []
  const allowed = all.flatMap(({ params }) =>
    'allowedValue' in params ? [String(params['allowedValue'])] : [],
  )
  if (allowed.length > 0)
    return [{ ...first, params: {}, message: `must be ${allowed.join(' or ')}` }]
  const odd = oddities[first.schemaPath.split('/').at(-1) ?? '']
  if (odd !== undefined && isRequest.test(first.instancePath)) return [{ ...first, message: odd }]
  if (!sizes.has(first.instancePath)) return [first]
  return [{ ...first, message: 'must be a size: a number of bytes, or text such as 5GiB' }]
}

/** The place as the original's own file has it. */
function asOriginal(problem: ConfigProblem): ConfigProblem {
  return { ...problem, instancePath: originalPlace(problem.instancePath) }
}
