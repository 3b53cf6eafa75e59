import { hash } from 'node:crypto'
import { ExitCode, FionaError } from '../error/index.ts'
import { faultPoint } from '../fault/index.ts'
import type { AutoIds } from './auto-ids.ts'
import { type RedcapProject, textIn } from './redcap-project.ts'
import type { StudyNote } from './study-note.ts'
import { autoIdFields } from './tables.ts'

interface Name {
  readonly study: string
  readonly project: string
  /** Of the patient. */
  readonly key: string
  readonly participant: string
}

/**
 * Enters names that AutoID gave here into REDCap's project AutoID, where others look before they give one. Each has a
 * record of its own, named by project and patient: written twice it is there once, and nobody else's number is taken,
 * as asking for the next free one would do.
 * @param known what was read of it last
 * @param notes of the studies that may have such names
 * @returns the studies whose patient has another name there: nothing of that is changed
 * @throws FionaError E_REDCAP_…
 */
export async function writeNames(
  autoIds: RedcapProject,
  known: AutoIds,
  notes: readonly Pick<StudyNote, 'StudyInstanceUID' | 'names'>[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, FionaError>> {
  const names: Name[] = []
  for (const { StudyInstanceUID: study, names: ofStudy = {} } of notes) {
    for (const [project, given] of Object.entries(ofStudy)) {
      const there = known.participantsOf(project, given.key)
      if (!there.includes(given.participant)) names.push({ study, project, ...given })
    }
  }
  const failed = new Map<string, FionaError>()
  if (names.length === 0) return failed
  const found = new Map(
    (
      await autoIds.exportRecords({ fields: autoIdFields, records: names.map(recordOf) }, signal)
    ).map((row) => [textIn(row, 'record_id'), textIn(row, 'autoid_value')]),
  )
  const missing = names.filter((name) => {
    const there = found.get(recordOf(name))
    const others = known
      .participantsOf(name.project, name.key)
      .concat(there === undefined || there === '' ? [] : [there])
    if (others.some((other) => other !== name.participant)) failed.set(name.study, another(name))
    return others.length === 0
  })
  await autoIds.importRecords(
    [...new Map(missing.map((name) => [recordOf(name), name])).values()].map((name) => ({
      record_id: recordOf(name),
      autoid_project_name: name.project,
      autoid_hash: name.key,
      autoid_value: name.participant,
      autoid_method: '1',
    })),
    'keep',
    signal,
  )
  faultPoint('redcap.named')
  return failed
}

function recordOf({ project, key }: Name): string {
  return `fiona-${hash('sha256', `${project}\n${key}`).slice(0, 32)}`
}

function another({ project }: Name): FionaError {
  return new FionaError(
    'E_REDCAP_NAME',
    `a patient of ${project} has another participant in REDCap's project AutoID than FIONA gave`,
    {
      hint: 'find out which of the two is in use; correct the record in AutoID, or decide by hand: fiona request waiting lists studies that are held for it',
      exitCode: ExitCode.badInput,
    },
  )
}
