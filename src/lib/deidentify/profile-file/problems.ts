import { ExitCode, FionaError } from '../../error/index.ts'

/** What is wrong with a profile: a `mistake` is refused, a `warning` is worth a look. */
export interface ProfileProblem {
  readonly severity: 'mistake' | 'warning'
  /** Both count from 1. */
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Collects what is wrong with one profile. */
export class Problems {
  /** Of the file, for messages. */
  readonly name: string
  readonly #lineStarts: readonly number[]
  readonly #found: ProfileProblem[] = []

  constructor(name: string, text: string) {
    this.name = name
    this.#lineStarts = [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)]
  }

  mistake(offset: number, message: string): void {
    this.#found.push({ severity: 'mistake', ...this.#place(offset), message })
  }

  warning(offset: number, message: string): void {
    this.#found.push({ severity: 'warning', ...this.#place(offset), message })
  }

  lineOf(offset: number): number {
    return this.#place(offset).line
  }

  get mistakes(): number {
    return this.#found.filter(({ severity }) => severity === 'mistake').length
  }

  get hasMistakes(): boolean {
    return this.mistakes > 0
  }

  /** In the order of the file. */
  all(): ProfileProblem[] {
    return this.#found.toSorted((a, b) => a.line - b.line || a.column - b.column)
  }

  /** @throws FionaError E_PROFILE with every mistake, if there is one */
  refuse(): void {
    if (!this.hasMistakes) return
    const mistakes = this.all().filter(({ severity }) => severity === 'mistake')
    const shown = mistakes.slice(0, mostShown).map((each) => formatProblem(this.name, each))
    const more = mistakes.length - shown.length
    if (more > 0) shown.push(`and ${String(more)} more`)
    throw profileError(shown.join('\n  '))
  }

  #place(offset: number): { line: number; column: number } {
    const after = this.#lineStarts.findIndex((start) => start > offset)
    const line = after < 0 ? this.#lineStarts.length : after
    return { line, column: offset - (this.#lineStarts[line - 1] ?? 0) + 1 }
  }
}

const mostShown = 20

/** `abcd.yaml:12:7: warning: this rule can never apply` */
export function formatProblem(name: string, problem: ProfileProblem): string {
  const { severity, line, column, message } = problem
  const kind = severity === 'warning' ? 'warning: ' : ''
  return `${name}:${String(line)}:${String(column)}: ${kind}${message}`
}

function profileError(message: string): FionaError {
  return new FionaError('E_PROFILE', message, {
    hint: 'correct the profile; nothing was de-identified. fiona-anon --lint FILE checks it, docs/profiles.md explains it',
    exitCode: ExitCode.badConfig,
  })
}
