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
  #lineStarts: number[] | undefined
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

  get hasMistakes(): boolean {
    return this.#found.some(({ severity }) => severity === 'mistake')
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
    this.#lineStarts ??= lineStarts(this.#text)
    let low = 0
    let high = this.#lineStarts.length
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 }
  }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** `rules.json:12:7: unknown operator "contians"; did you mean "contains"?` */
export function formatProblem(name: string, problem: RuleProblem): string {
  const { severity, line, column, message } = problem
  const kind = severity === 'warning' ? 'warning: ' : ''
  return `${name}:${String(line)}:${String(column)}: ${kind}${message}`
}

const mostShown = 20

/** The mistakes as one message. */
export function listMistakes(name: string, problems: readonly RuleProblem[]): string {
  const mistakes = problems.filter(({ severity }) => severity === 'mistake')
  const shown = mistakes.slice(0, mostShown).map((problem) => formatProblem(name, problem))
  const more = mistakes.length - shown.length
  if (more > 0) shown.push(`and ${String(more)} more`)
  return shown.join('\n  ')
}

export function refuseRules(name: string, problems: readonly RuleProblem[]): FionaError {
  return new FionaError('E_RULES', listMistakes(name, problems), {
    hint: 'correct the rule file; fiona-classify --lint --rules FILE checks it, docs/rules.md explains the language',
    exitCode: ExitCode.badConfig,
  })
}
