import type { Config } from '../config/index.ts'
import { type DicomFile, tagOf } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { nearest } from '../text/index.ts'

/** Connection facts of an object, as records carry them. */
export interface ObjectSource {
  readonly callingAET?: string
  readonly calledAET?: string
  readonly address?: string
  readonly association?: string
}

/** Facts of the connection that a project can match by; every other key is the keyword of an attribute. */
const connectionFacts = ['callingAET', 'calledAET', 'address'] as const
type ConnectionFact = (typeof connectionFacts)[number]

/** More of a value is not looked at: patterns are the administrator's, values anybody's. */
const longestMatchedValue = 256

interface Condition {
  /** A fact of the connection, or the keyword of an attribute. */
  readonly key: string
  /** As the configuration has it, */
  readonly written: string
  /** and compiled. */
  readonly pattern: RegExp
  readonly valueOf: (source: ObjectSource, file: DicomFile) => string
}

/** What one condition of a `match` saw of an object. */
export interface SeenCondition {
  readonly key: string
  readonly pattern: string
  /** What the pattern was held against. */
  readonly value: string
  readonly holds: boolean
}

/** Why an object goes where it goes. */
export interface ExplainedChoice {
  readonly project: string
  /** In the order in which they are asked; those behind the chosen one, too. */
  readonly asked: readonly {
    readonly project: string
    readonly conditions: readonly SeenCondition[]
    readonly holds: boolean
  }[]
}

/**
 * Which project's tree an object goes to: that of the first project in the configuration whose conditions
 * all hold, else `default`. The patterns are JavaScript regular expressions, anchored only as written; a
 * fact that is not known counts as empty text. A project without `match` takes nothing here.
 */
export class ProjectChoice {
  readonly #projects: (readonly [name: string, conditions: readonly Condition[]])[] = []

  /** @throws FionaError E_CONFIG (exit 78) */
  constructor(projects: Config['projects']) {
    for (const [name, { match }] of Object.entries(projects)) {
      if (match === undefined) continue
      const conditions = Object.entries(match).map(([key, pattern]) => ({
        key,
        written: pattern,
        pattern: patternOf(name, key, pattern),
        valueOf: valueOf(name, key),
      }))
      if (conditions.length === 0) {
        throw refuse(`projects.${name}.match has no condition and would take everything`)
      }
      this.#projects.push([name, conditions])
    }
  }

  choose(source: ObjectSource, file: DicomFile): string {
    for (const [name, conditions] of this.#projects) {
      if (conditions.every((condition) => holds(condition, seen(condition, source, file)))) {
        return name
      }
    }
    return 'default'
  }

  /** The same choice, with what each condition saw. */
  explain(source: ObjectSource, file: DicomFile): ExplainedChoice {
    const asked = this.#projects.map(([project, conditions]) => {
      const all = conditions.map((condition): SeenCondition => {
        const value = seen(condition, source, file)
        const { key, written } = condition
        return { key, pattern: written, value, holds: holds(condition, value) }
      })
      return { project, conditions: all, holds: all.every((one) => one.holds) }
    })
    return { project: this.choose(source, file), asked }
  }
}

function seen({ valueOf }: Condition, source: ObjectSource, file: DicomFile): string {
  return valueOf(source, file).slice(0, longestMatchedValue)
}

function holds({ pattern }: Condition, value: string): boolean {
  return pattern.test(value)
}

function patternOf(project: string, key: string, pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch (error) {
    const why = (error as Error).message.replace(/^Invalid regular expression: /, '')
    throw refuse(`projects.${project}.match.${key} is no regular expression: ${why}`)
  }
}

function valueOf(project: string, key: string): Condition['valueOf'] {
  if (isConnectionFact(key)) return (source) => source[key] ?? ''
  const tag = tagOf(key)
  if (tag !== undefined) return (_, file) => file.strings(file.dataSet, tag).join('\\')
  const guess = nearest(key, connectionFacts)
  throw refuse(
    `projects.${project}.match.${key} is neither ${connectionFacts.join(', ')} nor the keyword of a DICOM attribute${guess === undefined ? '' : `; did you mean "${guess}"?`}`,
  )
}

function isConnectionFact(key: string): key is ConnectionFact {
  return (connectionFacts as readonly string[]).includes(key)
}

function refuse(message: string): FionaError {
  return new FionaError('E_CONFIG', message, {
    hint: 'correct the configuration and start again; nothing was started',
    exitCode: ExitCode.badConfig,
  })
}
