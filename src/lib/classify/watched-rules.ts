import { stat } from 'node:fs/promises'
import { FionaError } from '../error/index.ts'
import type { SemanticsName } from './rule-definition.ts'
import { RuleSet } from './rule-set.ts'

/** What came of a change of the rule file. */
export type RuleChange =
  { readonly rules: RuleSet } | { readonly refused: FionaError; readonly kept: RuleSet }

/** Somebody who has saved a file looks at the log within some seconds. */
const intervalMs = 2000

/**
 * A rule file that may be changed while its rules are in force. It is looked at again and again by name, so
 * that an editor may replace it; a change is taken when all of it is right, and told when it is not.
 */
export class WatchedRules {
  readonly #path: string
  readonly #semantics: SemanticsName
  #rules: RuleSet
  /** Tells one state of the file from another. */
  #state: string
  #dueAt: number

  private constructor(path: string, rules: RuleSet, state: string, nowMs: number) {
    this.#path = path
    this.#semantics = rules.semantics
    this.#rules = rules
    this.#state = state
    this.#dueAt = nowMs + intervalMs
  }

  /**
   * @param nowMs monotonic
   * @throws FionaError E_RULES: without rules there is nothing to keep
   */
  static async open(path: string, semantics: SemanticsName, nowMs: number): Promise<WatchedRules> {
    // Before it is read: what is written meanwhile counts as a change.
    const state = await stateOf(path)
    return new WatchedRules(path, await RuleSet.load(path, semantics), state, nowMs)
  }

  get rules(): RuleSet {
    return this.#rules
  }

  /** When to ask `look` again; monotonic milliseconds. */
  dueAt(): number {
    return this.#dueAt
  }

  /** Undefined where the file is as it was. Each state of the file is told once. */
  async look(nowMs: number): Promise<RuleChange | undefined> {
    this.#dueAt = nowMs + intervalMs
    const state = await stateOf(this.#path)
    if (state === this.#state) return undefined
    this.#state = state
    try {
      this.#rules = await RuleSet.load(this.#path, this.#semantics)
      return { rules: this.#rules }
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
      return { refused: error, kept: this.#rules }
    }
  }
}

async function stateOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [ino, size, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
