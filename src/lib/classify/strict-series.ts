import type { DicomFile } from '../dicom/index.ts'
import type { Value } from './attribute-value.ts'
import type { ReadValues } from './operands.ts'
import {
  type Classified,
  type DefinitionTrace,
  type SeriesTypes,
  type TestTrace,
  foundText,
  traceHead,
} from './rules.ts'
import { Evaluation } from './strict-evaluation.ts'
import { type Condition, type Observation, type StrictRules, asTypes } from './strict-rules.ts'

/** A series, known by what the tests said of its objects: one entry for all of which they say the same. */
export class StrictSeries implements SeriesTypes {
  readonly #rules: StrictRules
  readonly #counts = new Map<Observation, number>()

  constructor(rules: StrictRules) {
    this.#rules = rules
  }

  get weight(): number {
    return this.#counts.size
  }

  add(file: DicomFile, explain = false): Classified {
    const values = this.#rules.valuesOf(file)
    const observation = this.#rules.observe(values)
    this.#count(observation, 1)
    const { matched, types } = observation
    if (!explain) return { types }
    const trace = this.#trace(matched, types, new Map([[observation, 1]]), values)
    return { types, trace }
  }

  /** The types of its series, and those that all of its objects have together. */
  static study(rules: StrictRules, all: readonly SeriesTypes[], explain: boolean): Classified {
    const series = all.filter((each) => each instanceof StrictSeries)
    const ofSeries = series.map((each) => each.#matched())
    const known = rules.definitions.map((_, at) => ofSeries.some((matched) => matched[at] === true))
    if (!rules.asksOfStudies) return { types: rules.typesOf(known) }
    const study = new StrictSeries(rules)
    for (const each of series) {
      for (const [observation, objects] of each.#counts) study.#count(observation, objects)
    }
    const objects = [...study.#counts.keys()]
    const matched =
      objects.length === 0
        ? known
        : rules.match(
            objects.map(({ results }) => results),
            known,
            true,
          )
    const types = rules.typesOf(matched)
    if (!explain) return { types }
    const trace = study.#trace(matched, types, study.#counts)
    return { types, trace: trace.filter(({ check }) => check === 'StudyLevel') }
  }

  #count(observation: Observation, more: number): void {
    this.#counts.set(observation, (this.#counts.get(observation) ?? 0) + more)
  }

  /** Any of the objects, all of them for `SeriesLevel`; types may ask for types of other objects. */
  summary(explain = false): Classified {
    const matched = this.#matched()
    const types = this.#rules.typesOf(matched)
    if (!explain || this.#counts.size === 0) return { types }
    return { types, trace: this.#trace(matched, types, this.#counts) }
  }

  #matched(): boolean[] {
    const { definitions } = this.#rules
    const objects = [...this.#counts.keys()]
    if (objects.length === 0) return []
    const ofObjects = definitions.map(
      ({ everyObject }, at) => !everyObject && objects.some(({ matched }) => matched[at]),
    )
    return this.#rules.match(
      objects.map(({ results }) => results),
      ofObjects,
    )
  }

  #trace(
    matched: readonly boolean[],
    types: readonly string[],
    counts: ReadonlyMap<Observation, number>,
    values?: ReadValues<Value>,
  ): DefinitionTrace[] {
    const evaluations = [...counts].map(
      ([{ results }, objects]) => [new Evaluation(this.#rules, results), objects] as const,
    )
    const seen = { types: asTypes(types), evaluations, values, rules: this.#rules }
    return this.#rules.definitions.map((definition, at) => {
      const conditions = this.#rules.conditions[at] ?? []
      const isMatched = matched[at] === true
      return {
        ...traceHead(definition),
        matched: isMatched,
        ...(values === undefined
          ? {
              objects: count(seen, (evaluation) => evaluation.holds(at, seen.types)),
              of: count(seen, () => true),
            }
          : {}),
        tests: conditions.map((condition) => traceCondition(condition, seen)),
      }
    })
  }
}

interface Seen {
  readonly types: Value
  /** With the number of objects each stands for. */
  readonly evaluations: readonly (readonly [Evaluation, number])[]
  /** Of the one object that is explained; of a series no values are kept. */
  readonly values: ReadValues<Value> | undefined
  readonly rules: StrictRules
}

function traceCondition(condition: Condition, seen: Seen): TestTrace {
  const passes = count(seen, (evaluation) => evaluation.isMet(condition, seen.types))
  const passed = seen.values === undefined ? passes : passes > 0
  const negate = condition.negate ? { negate: true as const } : {}
  // What the other definition looked at stands in its own place of the trace.
  if (condition.kind === 'reference') return { rule: condition.id, ...negate, passed }
  if (condition.kind === 'group') {
    const tests = condition.conditions.map((each) => traceCondition(each, seen))
    return { group: condition.negate ? 'not' : condition.mode, tests, passed }
  }
  const { tag, operator, value } = condition.test.written
  return { tag, operator, value, ...negate, ...found(condition, seen), passed }
}

function found(condition: Condition, { values, types, rules }: Seen): { found?: string | null } {
  if (condition.kind === 'types') return { found: types.text }
  if (condition.kind !== 'leaf' || values === undefined) return {}
  return { found: foundText(values.at(rules.leaves[condition.leaf]?.found ?? -1)?.text) }
}

function count({ evaluations }: Seen, holds: (evaluation: Evaluation) => boolean): number {
  let total = 0
  for (const [evaluation, objects] of evaluations) if (holds(evaluation)) total += objects
  return total
}
