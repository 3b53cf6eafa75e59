import { usualDefault, type Config } from '../config/index.ts'
import type { DicomFile } from '../dicom/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { attributeText, compileMatch, type Alternatives, type Condition } from '../match/index.ts'

/** Connection facts of an object, as records carry them. */
export interface ObjectSource {
  readonly callingAET?: string
  readonly calledAET?: string
  readonly address?: string
  readonly association?: string
}

/** What one condition of a `match` saw of an object. */
export interface SeenCondition {
  readonly key: string
  /** One of these is to fit, */
  readonly written: readonly string[]
  /** this, of which the beginning is told. */
  readonly value: string
  readonly holds: boolean
}

/** Why an object goes where it goes. */
export interface ExplainedChoice {
  /** Whose it is; the first of them keeps it. */
  readonly projects: readonly [string, ...string[]]
  /** In the order in which they are asked; those behind the chosen one, too. */
  readonly asked: readonly {
    readonly project: string
    /** One alternative that holds is enough; each needs all its conditions. */
    readonly alternatives: readonly {
      readonly conditions: readonly SeenCondition[]
      readonly holds: boolean
    }[]
    readonly holds: boolean
  }[]
}

/** More of a value is not shown to who asks why. */
const longestShown = 256

/** How a value is looked up: once for all conditions that ask for it. */
type Look = (condition: Condition) => string

/**
 * Whose an object is: that of the first project in the configuration whose `match` holds, or, with
 * `intake.projects: all`, of every such project; else of `intake.default`. A fact that is not known counts as
 * empty text, and an address that is not known lies in no range. A project without `match` takes nothing here.
 */
export class ProjectChoice {
  readonly #projects: (readonly [name: string, alternatives: Alternatives])[] = []
  readonly #takesAll: boolean
  readonly #default: string

  /** @throws FionaError E_CONFIG (exit 78) */
  constructor(projects: Config['projects'], intake?: Config['intake']) {
    this.#takesAll = intake?.projects === 'all'
    this.#default = intake?.default ?? usualDefault
    for (const [name, { match }] of Object.entries(projects)) {
      if (match === undefined) continue
      const alternatives = compileMatch(match, (keys, message) => {
        throw refuse(`${['projects', name, 'match', ...keys].join('.')} ${message}`)
      })
      if (alternatives.length === 0 || alternatives.some((one) => one.length === 0)) {
        throw refuse(`projects.${name}.match has no condition and would take everything`)
      }
      this.#projects.push([name, alternatives])
    }
  }

  /** Sequences of the object itself that a condition looks into. */
  get sequences(): ReadonlySet<number> {
    const subjects = this.#projects.flatMap(([, all]) => all.flat().map(({ subject }) => subject))
    return new Set(
      subjects.flatMap((one) =>
        typeof one === 'object' && one.kind === 'path' ? (one.steps[0]?.tag ?? []) : [],
      ),
    )
  }

  /** With `first` exactly one. */
  choose(source: ObjectSource, file: DicomFile): readonly [string, ...string[]] {
    if (this.#projects.length === 0) return [this.#default]
    const look = lookUpOnce(source, file)
    const chosen: string[] = []
    for (const [name, alternatives] of this.#projects) {
      const holds = alternatives.some((conditions) =>
        conditions.every((condition) => condition.holds(look(condition))),
      )
      if (!holds) continue
      chosen.push(name)
      if (!this.#takesAll) break
    }
    const [first = this.#default, ...further] = chosen
    return [first, ...further]
  }

  /** The same choice, with what each condition saw. */
  explain(source: ObjectSource, file: DicomFile): ExplainedChoice {
    const look = lookUpOnce(source, file)
    const asked = this.#projects.map(([project, alternatives]) => {
      const seen = alternatives.map((conditions) => {
        const all = conditions.map((condition): SeenCondition => {
          const { key, written } = condition
          const value = look(condition)
          return {
            key,
            written,
            value: value.slice(0, longestShown),
            holds: condition.holds(value),
          }
        })
        return { conditions: all, holds: all.every((one) => one.holds) }
      })
      return { project, alternatives: seen, holds: seen.some((one) => one.holds) }
    })
    return { projects: this.choose(source, file), asked }
  }
}

function lookUpOnce(source: ObjectSource, file: DicomFile): Look {
  const known = new Map<string, string>()
  return ({ key, subject }) => {
    const before = known.get(key)
    if (before !== undefined) return before
    const value =
      typeof subject === 'string' ? (source[subject] ?? '') : attributeText(file, subject)
    known.set(key, value)
    return value
  }
}

function refuse(message: string): FionaError {
  return new FionaError('E_CONFIG', message, {
    hint: 'correct the configuration and start again; nothing was started',
    exitCode: ExitCode.badConfig,
  })
}
