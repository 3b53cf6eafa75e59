import { readFile, stat } from 'node:fs/promises'
import { ExitCode, FionaError } from '../error/index.ts'
import { CompatRules } from './compat-rules.ts'
import { defaultRules } from './default-rules.ts'
import { type RuleProblem, Problems, refuseRules } from './problems.ts'
import { readRules } from './read-rules.ts'
import type { Definition, SemanticsName } from './rule-definition.ts'
import type { SeriesTypes, TypeOrder } from './rules.ts'
import { StrictRules } from './strict-rules.ts'

/** What is in force where no rule file is named. */
export const defaultRulesName = 'default rules'
const longestFile = 16 << 20

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

async function readRuleFile(path: string): Promise<string> {
  try {
    const found = await stat(path)
    if (found.isDirectory()) throw cannotRead(`${path} is a directory, not a rule file`)
    if (found.size > longestFile) throw cannotRead(`the rule file ${path} is larger than 16 MiB`)
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path))
  } catch (error) {
    if (error instanceof FionaError) throw error
    if (error instanceof TypeError) throw notUtf8(path, error)
    const code = (error as NodeJS.ErrnoException).code
    const message =
      code === 'ENOENT'
        ? `no rule file at ${path}`
        : `the rule file ${path} cannot be read (${String(code)})`
    throw cannotRead(message, error)
  }
}

function notUtf8(path: string, cause: unknown): FionaError {
  return new FionaError('E_RULES', `the rule file ${path} is not UTF-8 text`, {
    hint: 'save it as UTF-8, for example with iconv -f LATIN1 -t UTF-8',
    exitCode: ExitCode.badConfig,
    cause,
  })
}

function cannotRead(message: string, cause?: unknown): FionaError {
  return new FionaError('E_RULES', message, {
    hint: 'name one with --rules or classification.rules; without either the default rules apply',
    exitCode: ExitCode.badConfig,
    cause,
  })
}
