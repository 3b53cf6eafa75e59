import { BoundedRegExp } from '../regexp/index.ts'
import type { Coupling, RoutingRule, Transfer } from './tables.ts'

/** One request that REDCap asks for. */
export interface RedcapDecision {
  readonly project: string
  readonly participant: string
  readonly event: string | undefined
  /** For people: where in REDCap it stands. */
  readonly requestedBy: string
}

/** What is asked of a study. */
export interface StudyValues {
  readonly StudyInstanceUID: string
  values(name: string): readonly string[]
}

export function byTransfers(transfers: readonly Transfer[]): RedcapDecision[] {
  return transfers.map(({ project, participant, event, instance }) => ({
    project,
    participant,
    event,
    requestedBy: `REDCap, Incoming, transfer ${String(instance)}`,
  }))
}

/** @param today `YYYY-MM-DD`: the last day on which an entry of today counts */
export function byCouplings(
  couplings: CouplingIndex,
  study: StudyValues,
  today: string,
): RedcapDecision[] {
  const accessionNumbers = couplings.hasAccessionNumbers ? study.values('AccessionNumber') : []
  const found = new Set([
    ...couplings.ofStudy(study.StudyInstanceUID),
    ...accessionNumbers.flatMap((number) => couplings.ofAccessionNumber(number.trim())),
  ])
  return [...found].flatMap(({ record, project, participant, event, until }) =>
    until !== undefined && until < today
      ? []
      : [{ project, participant, event, requestedBy: `REDCap, CouplingList, record ${record}` }],
  )
}

interface KeptCoupling extends Coupling {
  /** The last day on which it counts. */
  readonly until: string | undefined
}

/** The coupling list, as it is asked: of tens of thousands of entries only those of a study are looked at. */
export class CouplingIndex {
  readonly #byAccessionNumber = new Map<string, KeptCoupling[]>()
  readonly #byStudy = new Map<string, KeptCoupling[]>()

  /** @param days that an entry counts; the original keeps them for 14 */
  constructor(couplings: readonly Coupling[] = [], days = 14) {
    for (const one of couplings) {
      const kept = {
        ...one,
        until: one.since === undefined ? undefined : dayAfter(one.since, days),
      }
      if (one.accessionNumber !== '') add(this.#byAccessionNumber, one.accessionNumber, kept)
      if (one.study !== '') add(this.#byStudy, one.study, kept)
    }
  }

  get hasAccessionNumbers(): boolean {
    return this.#byAccessionNumber.size > 0
  }

  ofAccessionNumber(number: string): readonly KeptCoupling[] {
    return this.#byAccessionNumber.get(number) ?? []
  }

  ofStudy(uid: string): readonly KeptCoupling[] {
    return this.#byStudy.get(uid) ?? []
  }

  /** Whose entries are others than in `before`. */
  changedSince(before: CouplingIndex): {
    readonly AccessionNumber: ReadonlySet<string>
    readonly StudyInstanceUID: ReadonlySet<string>
  } {
    return {
      AccessionNumber: otherKeys(this.#byAccessionNumber, before.#byAccessionNumber),
      StudyInstanceUID: otherKeys(this.#byStudy, before.#byStudy),
    }
  }
}

function otherKeys(
  now: ReadonlyMap<string, readonly KeptCoupling[]>,
  before: ReadonlyMap<string, readonly KeptCoupling[]>,
): ReadonlySet<string> {
  // Nothing was read since.
  if (now === before) return new Set()
  const keys = new Set([...now.keys(), ...before.keys()])
  return new Set(
    [...keys].filter((key) => JSON.stringify(now.get(key)) !== JSON.stringify(before.get(key))),
  )
}

/** A rule that can be asked. */
export interface CompiledRule extends RoutingRule {
  readonly idPattern: BoundedRegExp | undefined
  readonly namePattern: BoundedRegExp | undefined
}

/**
 * A rule that can match nobody is left out, as one whose pattern cannot be read.
 * @param refuse is told of each pattern that is none
 */
export function compileRouting(
  rules: readonly RoutingRule[],
  refuse: (record: string, field: string, why: string) => void,
): CompiledRule[] {
  return rules.flatMap((rule) => {
    const compile = (field: string, source: string): BoundedRegExp | undefined => {
      if (source === '') return undefined
      try {
        return new BoundedRegExp(anchored(source))
      } catch (error) {
        refuse(rule.record, field, (error as Error).message)
        return undefined
      }
    }
    const idPattern = compile('routing_allowed_patientid', rule.patientId)
    const namePattern = compile('routing_allowed_patientname', rule.patientName)
    const hasTitle = rule.calledAET !== '' || rule.callingAET !== ''
    const canMatch = hasTitle && (idPattern !== undefined || namePattern !== undefined)
    return canMatch ? [{ ...rule, idPattern, namePattern }] : []
  })
}

/** As `re.match` does. Flags stay in front, where alone they are allowed. */
function anchored(source: string): string {
  const [flags = ''] = /^(?:\(\?[a-zA-Z]+\))*/.exec(source) ?? []
  return `${flags}\\A(?:${source.slice(flags.length)})`
}

/**
 * Every active rule whose AE title (called or calling) and patient fit: the patient is known there by a research name
 * already, which is the PatientID where that fits, else the PatientName.
 */
export function byRouting(rules: readonly CompiledRule[], study: StudyValues): RedcapDecision[] {
  if (rules.length === 0) return []
  const called = new Set(study.values('calledAET').map(withoutPadding))
  const calling = new Set(study.values('callingAET').map(withoutPadding))
  return rules.flatMap((rule) => {
    const { calledAET, callingAET, idPattern, namePattern, project, event, record } = rule
    if (!called.has(calledAET) && !calling.has(callingAET)) return []
    const participant =
      study.values('PatientID').find((id) => idPattern?.test(id) === true) ??
      study.values('PatientName').find((name) => namePattern?.test(name) === true)
    if (participant === undefined) return []
    return [{ project, participant, event, requestedBy: `REDCap, Routing, record ${record}` }]
  })
}

/** Senders pad AE titles with blanks, tabs and NUL. */
function withoutPadding(title: string): string {
  return title.replace(/[\u0000\s]+/g, '')
}

function add<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}

function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}
