import type { Config } from '../config/index.ts'
import type { ExplainedChoice, SeenCondition } from '../intake/index.ts'
import type { Alike } from './explain-project.ts'

type Asked = ExplainedChoice['asked'][number]

/** For a person: project by project, condition by condition. */
export function linesOf(alike: Alike, config: Pick<Config, 'projects' | 'intake'>): string[] {
  const { path, lies, source, choice, objects } = alike
  const { projects, intake } = config
  const known = Object.entries(source).map(([fact, value]) => `${fact} ${JSON.stringify(value)}`)
  return [
    objects === 1 ? path : `${String(objects)} objects, the first of them ${path}`,
    known.length === 0
      ? 'connection: not known, counts as empty text'
      : `connection: ${known.join(', ')}`,
    ...Object.entries(projects).flatMap(([name, { receiver }]) => {
      const asked = choice.asked.find(({ project }) => project === name)
      const door =
        receiver === undefined
          ? []
          : [`  its own door (port ${String(receiver.port)}): whatever comes in there is its own`]
      return asked === undefined
        ? [`${name}: has no match, so it takes nothing by it`, ...door]
        : [`${name}: ${verdict(asked, choice)}`, ...linesOfAsked(asked), ...door]
    }),
    outcome(choice, intake.projects),
    ...(lies === undefined || choice.projects.includes(lies) ? [] : [elsewhere(lies, projects)]),
    '',
  ]
}

function verdict({ project, holds }: Asked, { projects }: ExplainedChoice): string {
  if (!holds) return 'no'
  return projects.includes(project) ? 'yes' : `would, but ${projects[0]} comes first`
}

function linesOfAsked({ alternatives }: Asked): string[] {
  if (alternatives.length === 1) return (alternatives[0]?.conditions ?? []).map(lineOf)
  return alternatives.flatMap(({ holds, conditions }, at) => [
    `  ${String(at + 1)} of ${String(alternatives.length)} alternatives: ${holds ? 'yes' : 'no'}`,
    ...conditions.map((condition) => `  ${lineOf(condition)}`),
  ])
}

function lineOf({ key, value, holds, written }: SeenCondition): string {
  const seen = value === '' ? 'empty' : JSON.stringify(value)
  const [fits, fitsNot] =
    key === 'address' ? ['lies in', 'does not lie in'] : ['matches', 'does not match']
  return `  ${key}: ${seen} ${holds ? fits : fitsNot} ${written.join(' or ')}`
}

function outcome({ asked, projects }: ExplainedChoice, takes: 'first' | 'all'): string {
  const names = projects.join(' and ')
  if (!asked.some(({ holds }) => holds)) return `it goes to ${names}: no match holds`
  if (takes === 'first') return `it goes to ${names}: the first whose match holds`
  return `it goes to ${names}: ${projects.length === 1 ? 'the only one' : 'all'} whose match holds`
}

function elsewhere(lies: string, projects: Config['projects']): string {
  const door = projects[lies]?.receiver === undefined ? [] : ['it came in by the door of that one']
  const why = [...door, 'it was imported with --project', 'the configuration has changed since']
  return `it lies in ${lies} all the same: ${why.join(', or ')}`
}
