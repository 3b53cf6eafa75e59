import type { Config } from '../config/index.ts'
import { type NamePattern, namePatternOf } from '../crosswalk/index.ts'
import { BoundedRegExp, PatternError } from '../regexp/index.ts'
import { Mistake } from './mistake.ts'
import type { GivenNames, ProjectFacts, RequestSource } from './source.ts'
import { localDay } from '../text/index.ts'

/** What must be known of a research project to request something for it. */
export interface Project {
  /** Why nothing is requested for it now, as the code of a reason. */
  readonly closed: 'project-inactive' | 'project-not-begun' | 'project-expired' | undefined
  /** What says which participants it may have, as it is written; undefined: any. */
  readonly naming: string | undefined
  readonly fits: (participant: string) => boolean
  /** Where AutoID has its names from; undefined: nothing says so. */
  readonly autoId: string | undefined
  /** Objects that sources say it does not want, beside those of the configuration. */
  readonly exclude: readonly Readonly<Record<string, string>>[]
}

/** The projects of the configuration, and what sources know of projects beside it. */
export class Projects {
  readonly #configured: Config['projects']
  readonly #sources: readonly Pick<RequestSource, 'givenNames' | 'projectFacts'>[]
  readonly #clock: () => number
  readonly #tests = new Map<string, (text: string) => boolean>()
  readonly #patterns = new Map<string, NamePattern>()

  /** @param report told of each pattern that is none, with the keys that lead to it */
  constructor(
    configured: Config['projects'],
    sources: readonly Pick<RequestSource, 'givenNames' | 'projectFacts'>[],
    clock: () => number,
    report: (mistake: Mistake) => void,
  ) {
    this.#configured = configured
    this.#sources = sources
    this.#clock = clock
    for (const [name, { requests }] of Object.entries(configured)) {
      const attempt = (key: string, make: () => void) => {
        try {
          make()
        } catch (error) {
          report(new Mistake(['projects', name, 'requests', key], (error as Error).message))
        }
      }
      const { naming, autoId } = requests ?? {}
      if (naming !== undefined) attempt('naming', () => this.#testOf(naming))
      if (autoId !== undefined) attempt('autoId', () => this.pattern(autoId))
    }
  }

  /** Undefined: nobody knows it. Where no project is configured at all, every name is one. */
  find(name: string): Project | undefined {
    const isConfigured = Object.hasOwn(this.#configured, name)
    const known = this.#sources.flatMap((source) => source.projectFacts?.(name) ?? [])
    const areAny = Object.keys(this.#configured).length > 0
    if (!isConfigured && known.length === 0 && areAny) return undefined
    const own: ProjectFacts = (isConfigured ? this.#configured[name]?.requests : undefined) ?? {}
    // What the configuration says comes first; but a project is open only where nobody has closed it.
    const all = [own, ...known]
    const first = (key: 'naming' | 'autoId') => all.find((one) => one[key] !== undefined)?.[key]
    const naming = first('naming')
    return {
      closed: all.map((one) => this.#closed(one)).find((why) => why !== undefined),
      naming,
      fits: naming === undefined ? () => true : this.#testOrNothing(naming),
      // The original makes its names of the pattern that they must fit.
      autoId: first('autoId') ?? naming,
      exclude: known.flatMap((one) => one.exclude ?? []),
    }
  }

  /** Of each source that keeps names of that project. */
  givenNames(name: string): readonly GivenNames[] {
    return this.#sources.flatMap((source) => source.givenNames?.(name) ?? [])
  }

  /** @throws FionaError E_CONFIG for a pattern that makes no names */
  pattern(text: string): NamePattern {
    let pattern = this.#patterns.get(text)
    if (pattern === undefined) {
      pattern = namePatternOf(text.replace(/^\^|(?<!\\)\$$/g, ''))
      this.#patterns.set(text, pattern)
    }
    return pattern
  }

  #closed({ active, from, until }: ProjectFacts): Project['closed'] {
    const today = localDay(new Date(this.#clock()))
    if (active === false) return 'project-inactive'
    if (from !== undefined && today < from) return 'project-not-begun'
    if (until !== undefined && today > until) return 'project-expired'
    return undefined
  }

  /** Of a source the pattern may be none: then nothing fits it, and a person is told. */
  #testOrNothing(naming: string): (text: string) => boolean {
    try {
      return this.#testOf(naming)
    } catch {
      return () => false
    }
  }

  /** The whole text must fit. */
  #testOf(naming: string): (text: string) => boolean {
    let test = this.#tests.get(naming)
    if (test === undefined) {
      const [, flags = '', rest = ''] = /^((?:\(\?[a-z]+\))*)(.*)$/s.exec(naming) ?? []
      const pattern = wholePattern(`${flags}^(?:${rest})$`)
      test = (text) => pattern.test(text)
      this.#tests.set(naming, test)
    }
    return test
  }
}

function wholePattern(source: string): BoundedRegExp {
  try {
    return new BoundedRegExp(source)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    throw new Error(`is no regular expression that can be used: ${error.message}`, { cause: error })
  }
}
