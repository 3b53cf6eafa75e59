import type { DicomFile } from '../dicom/index.ts'
import { ExitCode } from '../error/index.ts'
import { CompatRules } from './compat-rules.ts'
import { defaultRules } from './default-rules.ts'
import { type RuleProblem, Problems, refuseRules } from './problems.ts'
import { readRules } from './read-rules.ts'
import { readTextFile } from '../storage/index.ts'
import type { Definition, SemanticsName } from './rule-definition.ts'
import type { Classified, SeriesTypes, TypeOrder } from './rules.ts'
import { StrictRules } from './strict-rules.ts'

/** What is in force where no rule file is named. */
export const defaultRulesName = 'default rules'

/** A rule file without mistakes, compiled. */
export class RuleSet {
  /** The file, for messages. */
  readonly name: string
  readonly semantics: SemanticsName
  readonly definitions: number
  readonly warnings: readonly RuleProblem[]
  readonly #rules: StrictRules | CompatRules

  private constructor(
    name: string,
    semantics: SemanticsName,
    definitions: readonly Definition[],
    warnings: readonly RuleProblem[],
  ) {
    this.name = name
    this.semantics = semantics
    this.definitions = definitions.length
    this.warnings = warnings
    this.#rules =
      semantics === 'strict' ? new StrictRules(definitions) : new CompatRules(definitions)
  }

  /**
   * @param path undefined for the default rules
   * @throws FionaError E_RULES (exit 78) listing every mistake with line and column
   */
  static async load(path: string | undefined, semantics: SemanticsName): Promise<RuleSet> {
    const name = path ?? defaultRulesName
    return RuleSet.parse(
      path === undefined ? defaultRules : await readRuleFile(path),
      semantics,
      name,
    )
  }

  /** @throws FionaError E_RULES */
  static parse(text: string, semantics: SemanticsName, name = 'rules'): RuleSet {
    const { definitions, problems } = check(text, semantics, name)
    if (problems.some(({ severity }) => severity === 'mistake')) throw refuseRules(name, problems)
    return new RuleSet(name, semantics, definitions, problems)
  }

  get order(): TypeOrder {
    return this.#rules.order
  }

  startSeries(): SeriesTypes {
    return this.#rules.startSeries()
  }

  /** Of an object alone, as if nothing else were in its series. */
  typesOf(file: DicomFile): readonly string[] {
    const series = this.startSeries()
    series.add(file)
    return series.summary().types
  }

  studyTypes(series: readonly SeriesTypes[], explain = false): Classified {
    return this.#rules.studyTypes(series, explain)
  }
}

/** Everything wrong with a rule file. @throws FionaError when there is none to read */
export async function lintRules(
  path: string | undefined,
  semantics: SemanticsName,
): Promise<{ name: string; definitions: number; problems: RuleProblem[] }> {
  const name = path ?? defaultRulesName
  const text = path === undefined ? defaultRules : await readRuleFile(path)
  const { definitions, problems } = check(text, semantics, name)
  return { name, definitions: definitions.length, problems }
}

function check(text: string, semantics: SemanticsName, name: string) {
  const problems = new Problems(name, text)
  const definitions = readRules(text, problems, semantics)
  return { definitions, problems: problems.all() }
}

const ruleFile = {
  code: 'E_RULES',
  what: 'rule file',
  hint: 'name one with --rules or classification.rules; without either the default rules apply',
  exitCode: ExitCode.badConfig,
}

function readRuleFile(path: string): Promise<string> {
  return readTextFile(path, ruleFile)
}
