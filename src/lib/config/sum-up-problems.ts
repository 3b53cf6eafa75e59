import type { ConfigProblem } from './generated/validate-config.js'
import { originalKeys } from './original.ts'

/** One for each place: that a value is none of several is said once, with all of them. */
export function summed(problems: readonly ConfigProblem[]): ConfigProblem[] {
  const byPlace = new Map<string, ConfigProblem>()
  for (const problem of problems) {
    const { instancePath, params } = problem
    const place = `${instancePath} ${String(params['additionalProperty'] ?? params['missingProperty'])}`
    const known = byPlace.get(place)
    if (known === undefined) byPlace.set(place, problem)
    else if ('allowedValue' in params && 'allowedValue' in known.params) {
      const before = [known.params['allowedValues'] ?? known.params['allowedValue']].flat()
      const allowedValues = [...before, params['allowedValue']]
      byPlace.set(place, { ...known, params: { ...known.params, allowedValues } })
    }
  }
  return [...byPlace.values()]
}

/** The place as the original's own file has it. */
export function asOriginal(problem: ConfigProblem): ConfigProblem {
  const key = originalKeys[problem.instancePath]
  return key === undefined ? problem : { ...problem, instancePath: `/${key}` }
}
