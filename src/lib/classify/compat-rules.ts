import { type CompatTest, compatTest } from './compat-test.ts'
import { CompatSeries } from './compat-series.ts'
import { Operands } from './operands.ts'
import { byId } from './references.ts'
import type { Definition, Test } from './rule-definition.ts'
import { type Classified, type Rules, type SeriesTypes, TypeOrder } from './rules.ts'

/** A test with what the original made of references: those of other definitions are copied in. */
export interface CopiedTest {
  readonly test: Test
  readonly run: CompatTest
  readonly negate: boolean
  readonly found: number
  readonly expected: number
}

/** The original's semantics: what users' rule files may depend on, accidents included. */
export class CompatRules implements Rules {
  readonly definitions: readonly Definition[]
  readonly order: TypeOrder
  readonly tests: readonly (readonly CopiedTest[])[]
  readonly operands = new Operands()
  readonly #byId: ReadonlyMap<string, Definition>
  readonly #compiled = new Map<Test, Omit<CopiedTest, 'negate'>>()

  constructor(definitions: readonly Definition[]) {
    this.definitions = definitions
    this.order = new TypeOrder(definitions)
    this.#byId = byId(definitions)
    this.tests = definitions.map((definition) => this.#copyTests(definition))
  }

  startSeries(): CompatSeries {
    return new CompatSeries(this)
  }

  /** Types of series; the original knows none of studies. */
  studyTypes(series: readonly SeriesTypes[]): Classified {
    return { types: this.order.sort(series.flatMap((each) => each.summary().types)) }
  }

  /**
   * The tests of a definition, then those it refers to. `notrule` negates each copied test; one that
   * was negated already stays so. A circle adds nothing: a definition of nothing but a circle holds
   * for every object.
   */
  #copyTests(root: Definition): CopiedTest[] {
    const copied: CopiedTest[] = []
    const taken = new Set<string>()
    const take = (definition: Definition, isNegated: boolean): void => {
      for (const entry of definition.entries) {
        if (entry.kind !== 'test') continue
        copied.push({ ...this.#compile(entry), negate: isNegated || entry.negate })
      }
      for (const entry of definition.entries) {
        if (entry.kind !== 'reference') continue
        const target = this.#byId.get(entry.id)
        const negate = isNegated || entry.negate
        const key = `${entry.id} ${String(negate)}`
        if (target === undefined || target === root || taken.has(key)) continue
        taken.add(key)
        take(target, negate)
      }
    }
    take(root, false)
    return copied
  }

  #compile(test: Test): Omit<CopiedTest, 'negate'> {
    const known = this.#compiled.get(test)
    if (known !== undefined) return known
    const { expected } = test
    const compiled = {
      test,
      run: compatTest(test),
      found: this.operands.slotOf(test.operand),
      expected: expected.kind === 'operand' ? this.operands.slotOf(expected.operand) : -1,
    }
    this.#compiled.set(test, compiled)
    return compiled
  }
}
