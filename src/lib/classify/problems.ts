import { ExitCode, FionaError } from '../error/index.ts'

/** What is wrong with a rule file: a `mistake` is refused, a `warning` is worth a look. */
export interface RuleProblem {
  readonly severity: 'mistake' | 'warning'
  /** Both count from 1. */
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Collects what is wrong with one rule file. */
export class Problems {
  readonly name: string
  readonly #text: string
  readonly #found: (RuleProblem & { readonly offset: number })[] = []

  /** @param name of the file, for messages */
  constructor(name: string, text: string) {
    this.name = name
    this.#text = text
  }

  mistake(offset: number, message: string): void {
    this.#add('mistake', offset, message)
  }

  warning(offset: number, message: string): void {
    this.#add('warning', offset, message)
  }

  lineOf(offset: number): number {
    return this.#place(offset).line
  }

  /** In the order of the file. */
  all(): RuleProblem[] {
    return this.#found
      .toSorted((a, b) => a.offset - b.offset)
      .map(({ severity, line, column, message }) => ({ severity, line, column, message }))
  }

  #add(severity: RuleProblem['severity'], offset: number, message: string): void {
    this.#found.push({ severity, offset, message, ...this.#place(offset) })
  }

  #place(offset: number): { line: number; column: number } {
    const before = this.#text.slice(0, offset)
    const lastBreak = before.lastIndexOf('\n')
    return { line: before.split('\n').length, column: offset - lastBreak }
  }
}

/** `rules.json:12:7: unknown operator "contians"; did you mean "contains"?` */
export function formatProblem(name: string, problem: RuleProblem): string {
  const { severity, line, column, message } = problem
  const kind = severity === 'warning' ? 'warning: ' : ''
  return `${name}:${String(line)}:${String(column)}: ${kind}${message}`
}

const mostShown = 20

export function refuseRules(name: string, problems: readonly RuleProblem[]): FionaError {
  const mistakes = problems.filter(({ severity }) => severity === 'mistake')
  const shown = mistakes.slice(0, mostShown).map((problem) => formatProblem(name, problem))
  const more = mistakes.length - shown.length
  if (more > 0) shown.push(`and ${String(more)} more`)
  return new FionaError('E_RULES', shown.join('\n  '), {
    hint: 'correct the rule file; fiona-classify --lint --rules FILE checks it, docs/rules.md explains the language',
    exitCode: ExitCode.badConfig,
  })
}
