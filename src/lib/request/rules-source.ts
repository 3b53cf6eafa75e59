import type { Config } from '../config/index.ts'
import { compileMatch } from '../match/index.ts'
import { BoundedRegExp, PatternError } from '../regexp/index.ts'
import { namePatternOf } from '../crosswalk/index.ts'
import { Mistake } from './mistake.ts'
import { ParticipantTemplate } from './participant-template.ts'
import type { AllocateParticipant, Decision, RequestSource, StudyInQuestion } from './source.ts'

type RuleConfig = NonNullable<Config['requests'][number]['rules']>[number]

interface Rule {
  readonly conditions: readonly {
    readonly key: string
    readonly holds: (value: string) => boolean
  }[]
  readonly project: string
  readonly participant: (study: StudyInQuestion) => string | AllocateParticipant | undefined
  readonly event: (study: StudyInQuestion) => string | undefined
  readonly hasEvent: boolean
  readonly from: string
}

/** Decides by connection facts, attributes and types. Every rule that holds asks for its request. */
export class RulesSource implements RequestSource {
  readonly name: string
  readonly #rules: readonly Rule[]

  /**
   * @param report told of each mistake, with the keys below `rules` that lead to it; a rule with one is left out
   */
  constructor(name: string, rules: readonly RuleConfig[], report: (mistake: Mistake) => void) {
    this.name = name
    this.#rules = rules.flatMap((rule, at) => {
      const mistakes: Mistake[] = []
      const compiled = compile(rule, `${name}, rule ${String(at + 1)}`, (mistake) => {
        mistakes.push(new Mistake([String(at), ...mistake.keys], mistake.message))
      })
      mistakes.forEach(report)
      return mistakes.length === 0 ? [compiled] : []
    })
  }

  async open(): Promise<void> {
    // Rules are there, or the configuration is refused.
  }

  async close(): Promise<void> {
    // Nothing is open.
  }

  decide(study: StudyInQuestion): readonly Decision[] {
    return this.#rules.flatMap((rule) => {
      if (!rule.conditions.every(({ key, holds }) => holdsFor(study, key, holds))) return []
      const participant = rule.participant(study) ?? ''
      const event = rule.event(study)
      return [
        {
          project: rule.project,
          participant,
          // An event that cannot be made is no event to go without.
          ...(rule.hasEvent ? { event: event ?? '' } : {}),
          requestedBy: rule.from,
        },
      ]
    })
  }

  whyNot(): string {
    return `no rule of ${this.name} holds`
  }
}

/** What is not known counts as empty text, as in the `match` of a project. */
function holdsFor(study: StudyInQuestion, key: string, holds: (value: string) => boolean): boolean {
  const values = study.values(key)
  return values.length === 0 ? holds('') : values.some((value) => holds(value))
}

function compile(rule: RuleConfig, from: string, report: (mistake: Mistake) => void): Rule {
  const { when, project, event } = rule
  const { ClassifyType, ...others } = when
  const [conditions = []] = compileMatch(others, (keys, message) => {
    report(new Mistake(['when', ...keys], message))
  })
  for (const { key, subject } of conditions) {
    if (typeof subject === 'string' || subject.kind === 'name') continue
    report(new Mistake(['when', key], 'is no keyword, and a study is asked by keywords only'))
  }
  const types = ClassifyType === undefined ? [] : [typeCondition(ClassifyType, report)]
  const attempt = <Made>(key: string, make: () => Made, otherwise: Made): Made => {
    try {
      return make()
    } catch (error) {
      report(new Mistake([key], (error as Error).message))
      return otherwise
    }
  }
  return {
    conditions: [...conditions, ...types],
    project,
    participant: attempt(
      'participant',
      () => participantOf(rule),
      () => undefined,
    ),
    event:
      event === undefined
        ? () => undefined
        : attempt(
            'event',
            () => filled(new ParticipantTemplate(event, when)),
            () => undefined,
          ),
    hasEvent: event !== undefined,
    from,
  }
}

function filled(template: ParticipantTemplate): (study: StudyInQuestion) => string | undefined {
  return (study) => template.fill(study)
}

function participantOf({ participant, pattern, when }: RuleConfig): Rule['participant'] {
  if (participant === 'autoId') {
    if (pattern !== undefined) namePatternOf(pattern)
    return () => ({ allocate: pattern })
  }
  if (pattern !== undefined) throw new Error('is not autoId, and pattern belongs to that')
  if (participant === 'fromPatientId') return filled(new ParticipantTemplate('{PatientID}', {}))
  if (participant === 'fromPatientName') {
    const name = filled(new ParticipantTemplate('{PatientName}', {}))
    // Empty components at the end say nothing (PS3.5 6.2).
    return (study) => name(study)?.replace(/[\^=]+$/, '')
  }
  return filled(new ParticipantTemplate(participant, when))
}

function typeCondition(
  written: string | readonly string[],
  report: (mistake: Mistake) => void,
): Rule['conditions'][number] {
  const texts = typeof written === 'string' ? [written] : written
  try {
    const patterns = texts.map((text) => new BoundedRegExp(text))
    return { key: 'ClassifyType', holds: (value) => patterns.some((one) => one.test(value)) }
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    report(
      new Mistake(
        ['when', 'ClassifyType'],
        `is no regular expression that can be used: ${error.message}`,
      ),
    )
    return { key: 'ClassifyType', holds: () => false }
  }
}
