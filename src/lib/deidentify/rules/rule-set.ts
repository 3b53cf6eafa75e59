import type { DicomFile } from '../../dicom/index.ts'
import { type Seen, allBits, selects } from './matching.ts'
import type { Condition, Rule } from './rule.ts'

/** What conditions are held against. */
export interface Subject {
  readonly file: DicomFile
  readonly types: readonly string[]
}

/** The rules of a profile, in its order. */
export class RuleSet {
  readonly rules: readonly Rule[]
  /** For each choice of rules whose conditions hold: most objects of a study make the same. */
  readonly #choices = new Map<string, RulesOfObject>()

  constructor(rules: readonly Rule[]) {
    this.rules = rules
  }

  /** Those whose conditions the object meets; undefined where none does. */
  of(subject: Subject): RulesOfObject | undefined {
    if (this.rules.length === 0) return undefined
    const holding = this.rules.filter(({ when }) => when.every((each) => holds(each, subject)))
    if (holding.length === 0) return undefined
    const key = holding.map((rule) => this.rules.indexOf(rule)).join()
    let chosen = this.#choices.get(key)
    if (chosen === undefined) {
      chosen = new RulesOfObject(holding)
      if (this.#choices.size < mostChoices) this.#choices.set(key, chosen)
    }
    return chosen
  }
}

const mostChoices = 256

/** Rules that apply to an object, whatever of it they select. */
export class RulesOfObject {
  readonly rules: readonly Rule[]
  /** Of one tag each, which most are. */
  readonly #byTag = new Map<number, Rule[]>()
  /** Whatever needs a closer look. */
  readonly #others: readonly Rule[]
  /** `rules` in order, for both lists are parts of it. */
  readonly #order: ReadonlyMap<Rule, number>

  constructor(rules: readonly Rule[]) {
    this.rules = rules
    this.#order = new Map(rules.map((rule, at) => [rule, at]))
    this.#others = rules.filter(({ selectors }) =>
      selectors.some(({ target }) => target.kind !== 'tag' || target.mask !== allBits),
    )
    for (const rule of rules) {
      if (this.#others.includes(rule)) continue
      for (const { target } of rule.selectors) {
        if (target.kind !== 'tag') continue
        const known = this.#byTag.get(target.value)
        if (known === undefined) this.#byTag.set(target.value, [rule])
        else if (!known.includes(rule)) known.push(rule)
      }
    }
  }

  /** Rules that select an attribute, in their order. */
  *selecting(seen: Seen): Generator<Rule, void, undefined> {
    const ofTag = this.#byTag.get(seen.tag) ?? []
    if (this.#others.length === 0) {
      for (const rule of ofTag) if (isSelecting(rule, seen)) yield rule
      return
    }
    const all = [...ofTag, ...this.#others].sort((a, b) => this.#at(a) - this.#at(b))
    for (const rule of all) if (isSelecting(rule, seen)) yield rule
  }

  /** Whether any rule needs to know who reserved a block of private attributes. */
  get asksForCreators(): boolean {
    return this.#others.some(({ selectors }) =>
      selectors.some(({ target }) => target.kind === 'private'),
    )
  }

  #at(rule: Rule): number {
    return this.#order.get(rule) ?? 0
  }
}

function isSelecting({ selectors }: Rule, seen: Seen): boolean {
  return selectors.some((selector) => selects(selector, seen))
}

function holds({ of, is }: Condition, { file, types }: Subject): boolean {
  const values = of === 'ClassifyType' ? types : file.strings(file.dataSet, of)
  // What is absent is an empty text to a pattern, so that `not MR` can be said of it, too.
  const texts = values.length === 0 ? [''] : values
  return is.some((wanted) =>
    typeof wanted === 'string'
      ? values.some((value) => isSame(value, wanted))
      : texts.some((value) => wanted.test(value)),
  )
}

function isSame(value: string, wanted: string): boolean {
  return value.trim().toUpperCase() === wanted.toUpperCase()
}
