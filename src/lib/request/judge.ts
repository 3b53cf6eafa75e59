import { FionaError } from '../error/index.ts'
import { allocate, namesOf } from './allocate.ts'
import type { Patient } from './patient-key.ts'
import type { Project, Projects } from './projects.ts'
import { type Reason, type ReasonCode, reason } from './reasons.ts'
import type { Decision, StudyInQuestion } from './source.ts'
import type { HandDecision } from './store/hands.ts'
import type { StoredRequest } from './store/requests.ts'
import type { Store } from './store/store.ts'

/** What is to become of a study in one project. */
export type Verdict =
  | { readonly project: string; readonly drop: true }
  | { readonly project: string; readonly reasons: readonly Reason[] }
  | {
      readonly project: string
      readonly participant: string
      /** Empty: none. */
      readonly events: readonly string[]
      readonly requestedBy: readonly string[]
      readonly binds: 'first' | 'alias' | 'no'
      readonly allocated: boolean
      /** Where AutoID has just given a name, and few are left: so many, at most. */
      readonly namesLeft?: number
    }

export interface Question {
  readonly study: StudyInQuestion
  readonly patient: Patient
  readonly decisions: readonly Decision[]
  readonly earlier: readonly StoredRequest[]
  readonly byHand: readonly HandDecision[]
}

/** Stands for all projects in a decision by hand. */
export const everywhere = '*'

/**
 * Puts together what all sources say of a study, what was requested before, and what persons decided; for each project by itself.
 * What does not go together is a reason to hold it. To be called within a transaction: what AutoID allocates is taken at once.
 */
export function judge(
  question: Question,
  store: Store,
  projects: Projects,
  now: number,
): readonly Verdict[] {
  const { decisions, earlier, byHand } = question
  const names = [
    ...decisions,
    ...earlier,
    ...byHand.filter(({ project }) => project !== everywhere),
  ]
  return [...new Set(names.map(({ project }) => project))].map((project) => {
    const own = byHand.findLast((one) => one.project === project || one.project === everywhere)
    if (own?.participant === null) return { project, drop: true }
    const of = <One extends { readonly project: string }>(all: readonly One[]) =>
      all.filter((one) => one.project === project)
    return own === undefined
      ? judgeProject(question, project, of(decisions), of(earlier), { store, projects, now })
      : judgeByHand(question, own, { store, projects, now })
  })
}

interface Surroundings {
  readonly store: Store
  readonly projects: Projects
  readonly now: number
}

/** A person has decided: what sources say does not count; but what the project allows does. */
function judgeByHand(
  { study, patient }: Question,
  { project: name, participant, event, samePatient, who }: HandDecision,
  { store, projects }: Surroundings,
): Verdict {
  const project = projects.find(name)
  const isOfSeveral = hasSeveralPatients(study)
  const wanted = participant ?? ''
  const reasons = [
    ...projectReasons(name, project),
    ...textReasons(project, wanted, event === null ? [] : [event], who),
  ]
  const others = store.bindings.patientsOf(name, wanted).filter((one) => !one.equals(patient.key))
  const isTaken = others.length > 0 && !isOfSeveral
  const isTakenElsewhere =
    !isOfSeveral && namesOf(study, projects.givenNames(name)).isOfAnother(wanted)
  if ((isTaken || isTakenElsewhere) && samePatient === 0)
    reasons.push(reason('participant-taken', `${wanted} (${who})`))
  if (reasons.length > 0) return { project: name, reasons }
  return {
    project: name,
    participant: wanted,
    events: [event ?? ''],
    requestedBy: [who],
    binds: isOfSeveral ? 'no' : isTaken ? 'alias' : 'first',
    allocated: false,
  }
}

function judgeProject(
  question: Question,
  name: string,
  decisions: readonly Decision[],
  earlier: readonly StoredRequest[],
  { store, projects, now }: Surroundings,
): Verdict {
  const { study, patient } = question
  const held = (...reasons: readonly Reason[]): Verdict => ({ project: name, reasons })
  const project = projects.find(name)
  const closed = projectReasons(name, project)
  if (project === undefined || closed.length > 0) return held(...closed)
  const from = [...new Set(decisions.map(({ requestedBy }) => requestedBy))].join('; ')
  if (hasSeveralPatients(study)) return held(reason('patient-conflict', from))
  const events = eventsOf(decisions, earlier)
  const explicit = new Map<string, string[]>()
  for (const { participant, requestedBy } of decisions) {
    if (typeof participant !== 'string') continue
    explicit.set(participant, [...(explicit.get(participant) ?? []), requestedBy])
  }
  const before = new Set(earlier.map(({ participant }) => participant))
  const disagreement = disagreementOf(explicit, before)
  if (disagreement !== undefined) return held(disagreement)
  const [told = before.values().next().value] = explicit.keys()
  const requestedBy = from === '' ? earlier.map((one) => one.requestedBy) : [from]
  const asksForName = decisions.some(({ participant }) => typeof participant !== 'string')
  const made = { project: name, events, requestedBy } as const
  if (told !== undefined) {
    const reasons = textReasons(project, told, events, requestedBy.join('; '))
    const own = store.bindings.of(name, patient.key)
    const others = store.bindings.patientsOf(name, told).filter((one) => !one.equals(patient.key))
    const bound = own.find((one) => one.participant === told)
    // Of an alias a person has said that it is no other patient.
    const elsewhere = namesOf(study, projects.givenNames(name))
    const isOfAnother = bound?.alias !== 1 && elsewhere.isOfAnother(told)
    if ((others.length > 0 && bound === undefined) || isOfAnother) {
      reasons.push(reason('participant-taken', `${told} (${requestedBy.join('; ')})`))
    }
    // AutoID has given the patient a name, here or elsewhere, and somebody else another.
    const [first] = own
    const given = asksForName
      ? [...(first === undefined ? [] : [first.participant]), ...elsewhere.participants]
      : []
    const other = given.find((one) => one !== told)
    if (other !== undefined) {
      reasons.push(reason('sources-disagree', `${told} (${from}); ${other} (AutoID)`))
    }
    return reasons.length > 0
      ? held(...reasons)
      : { ...made, participant: told, binds: 'first', allocated: false }
  }
  const reasons = textReasons(undefined, 'name', events, from)
  if (reasons.length > 0) return held(...reasons)
  const patterns = decisions.flatMap(({ participant }) =>
    typeof participant === 'string' ? [] : [participant.allocate ?? project.autoId],
  )
  const [pattern] = patterns
  if (pattern === undefined) return held(reason('pattern-missing', from))
  try {
    const got = allocate(store, name, question, {
      pattern: projects.pattern(pattern),
      fits: project.fits,
      naming: project.naming,
      given: projects.givenNames(name),
      now,
    })
    return 'reason' in got
      ? held(reason(got.reason, `${from}: ${got.names?.join(', ') ?? pattern}`))
      : {
          ...made,
          participant: got.participant,
          binds: 'first',
          allocated: true,
          ...(got.left === undefined ? {} : { namesLeft: got.left }),
        }
  } catch (error) {
    if (!(error instanceof FionaError) || error.code !== 'E_CONFIG') throw error
    return held(reason('pattern-unusable', `${from}: ${error.message}`))
  }
}

function projectReasons(name: string, project: Project | undefined): readonly Reason[] {
  if (project === undefined) return [reason('unknown-project', name)]
  return project.closed === undefined ? [] : [reason(project.closed, name)]
}

/** Capitals or blanks make another participant: who wrote them knows which is meant. */
function disagreementOf(
  explicit: ReadonlyMap<string, readonly string[]>,
  before: ReadonlySet<string>,
): Reason | undefined {
  const names = [...explicit].map(([name, from]) => `${name} (${from.join('; ')})`)
  if (explicit.size > 1) return reason('sources-disagree', names.join('; '))
  const [told] = explicit.keys()
  const others = [...before].filter((name) => told !== undefined && name !== told)
  if (others.length === 0) return undefined
  return reason('requested-before', `${names.join('; ')}; ${others.join(', ')} (before)`)
}

function eventsOf(
  decisions: readonly Decision[],
  earlier: readonly StoredRequest[],
): readonly string[] {
  const told = decisions.map(({ event }) => (event === undefined ? '' : event || missing))
  return [...new Set([...told, ...earlier.map(({ event }) => event)])]
}

/** Stands for an event that could not be made; nobody can write it. */
const missing = '\u0000'

/** What becomes PatientID and a folder: text that every character set has, of the length LO allows. */
function isWritable(text: string): boolean {
  return /^[\x20-\x5b\x5d-\x7e]{1,64}$/.test(text) && text.trim() === text
}

function textReasons(
  project: Project | undefined,
  participant: string,
  events: readonly string[],
  from: string,
): Reason[] {
  const found: [ReasonCode, string][] = []
  if (participant === '') found.push(['participant-missing', from])
  else if (!isWritable(participant))
    found.push(['participant-unwritable', `${participant} (${from})`])
  else if (project?.fits(participant) === false) {
    found.push(['participant-naming', `${participant} (${from}); ${project.naming ?? ''}`])
  }
  for (const event of events) {
    if (event === missing) found.push(['event-missing', from])
    else if (event !== '' && !isWritable(event))
      found.push(['event-unwritable', `${event} (${from})`])
  }
  return found.map(([code, where]) => reason(code, where))
}

function hasSeveralPatients({ record }: StudyInQuestion): boolean {
  const { attributes, warnings = [] } = record
  const conflicts = attributes?.['conflicts'] ?? []
  return conflicts.includes('PatientID') || warnings.some(({ code }) => code === 'patient-conflict')
}
