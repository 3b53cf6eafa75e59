import { createHash } from 'node:crypto'
import type { Decision, GivenNames, StudyInQuestion } from '../request/source.ts'
import type { PatientHash } from './patient-hashes.ts'
import type { AutoId, ResearchProject } from './tables.ts'

/** So long after it arrived a study is given a name by the AE title alone; of what came before somebody else has taken care. */
const mostAgeDays = 14
const dayMs = 86_400_000

/**
 * How REDCap's project AutoID calls the patient of a study: SHA-512 of what Incoming calls the patient. A study that
 * names nobody is a patient of its own.
 */
export function autoIdKey(study: StudyInQuestion, hash: PatientHash): string {
  const [patientId] = study.values('PatientID')
  const called = hash(patientId ?? `study ${study.StudyInstanceUID}`)
  return createHash('sha512').update(called).digest('hex')
}

/** Names that were given, found by patient and by name. */
export class AutoIds {
  readonly #participants = new Map<string, Set<string>>()
  readonly #keys = new Map<string, Set<string>>()
  readonly #counts = new Map<string, number>()

  constructor(all: readonly AutoId[] = []) {
    for (const { project, key, participant } of all) {
      const name = entryOf(project, participant)
      if (!this.#keys.has(name)) this.#counts.set(project, this.countOf(project) + 1)
      add(this.#keys, name, key)
      if (key !== '') add(this.#participants, entryOf(project, key), participant)
    }
  }

  /** More than one: somebody has to look. */
  participantsOf(project: string, key: string): readonly string[] {
    return [...(this.#participants.get(entryOf(project, key)) ?? [])]
  }

  /** Names that are given in a project. */
  countOf(project: string): number {
    return this.#counts.get(project) ?? 0
  }

  isOfAnother(project: string, participant: string, key: string): boolean {
    const keys = this.#keys.get(entryOf(project, participant)) ?? []
    return [...keys].some((one) => one !== key)
  }
}

/** @param areKnown whether they could be read, by now or before */
export function givenNames(
  project: string,
  { autoIds, areKnown, hash }: { autoIds: AutoIds; areKnown: boolean; hash: PatientHash },
): GivenNames {
  return {
    areKnown,
    count: autoIds.countOf(project),
    of: (study) => {
      const key = autoIdKey(study, hash)
      return {
        participants: autoIds.participantsOf(project, key),
        isOfAnother: (name) => autoIds.isOfAnother(project, name, key),
      }
    },
  }
}

/** Projects that want whatever is sent to their AE title, each patient under a name that is made for it. */
export function byAutoId(
  projects: Iterable<ResearchProject>,
  study: StudyInQuestion,
  nowMs: number,
): Decision[] {
  const { time } = study.record
  if (time !== undefined && nowMs - Date.parse(time) > mostAgeDays * dayMs) return []
  const called = new Set(study.values('calledAET'))
  return [...projects].flatMap(({ name, autoIdAET }) =>
    autoIdAET !== undefined && called.has(autoIdAET)
      ? [
          {
            project: name,
            participant: { allocate: undefined },
            requestedBy: 'REDCap, DataTransferProjects, AutoID',
          },
        ]
      : [],
  )
}

function entryOf(project: string, text: string): string {
  return `${project}\n${text}`
}

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const known = map.get(key)
  if (known === undefined) map.set(key, new Set([value]))
  else known.add(value)
}
