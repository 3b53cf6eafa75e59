import { hash } from 'node:crypto'
import { ExitCode, FionaError } from '../error/index.ts'
import { Projects, type TableRow } from '../request/index.ts'
import type { RedcapProjects } from './known-tables.ts'
import {
  type Coupling,
  couplingExtraFields,
  couplingFields,
  projectFields,
  readCouplings,
  readProjects,
  type ResearchProject,
} from './tables.ts'

export interface Uploading {
  /** `YYYY-MM-DD`: since when entries count that do not say so. */
  readonly today: string
  /** Looks, and writes nothing. */
  readonly isDry: boolean
  readonly signal: AbortSignal
}

export interface Uploaded {
  /** Entries that were written, or would be. */
  readonly written: number
  /** Those that stand there already, as they are. */
  readonly there: number
}

/** More lines than a person mends before the next try. */
const mostProblems = 20

/**
 * Brings a coupling table into REDCap's project CouplingList: all of it, or nothing where a line cannot be used. Written twice it is
 * there once: an entry is named by what it is of.
 * @throws FionaError E_TABLE with each line that cannot be used, E_CONFIG without that project, E_REDCAP_…
 */
export async function uploadCouplings(
  { couplings, projects }: RedcapProjects,
  table: string,
  rows: Iterable<TableRow>,
  { today, isDry, signal }: Uploading,
): Promise<Uploaded> {
  if (couplings === undefined) {
    throw new FionaError('E_CONFIG', 'no project CouplingList is configured', {
      hint: 'name its token as couplingTokenFile',
      exitCode: ExitCode.badConfig,
    })
  }
  const fields = new Set((await couplings.metadata(signal)).map(({ field_name }) => field_name))
  const extra = couplingExtraFields.filter((field) => fields.has(field))
  const found = await couplings.exportRecords({ fields: [...couplingFields, ...extra] }, signal)
  const there = new Map(readCouplings(found).map((one) => [entryOf(one), one]))
  const whyNot = await checkOf(projects, signal)
  const problems: string[] = []
  const wanted = new Map<string, Coupling>()
  let isThere = 0
  for (const row of rows) {
    const { StudyInstanceUID = '', AccessionNumber = '', PatientID } = row.keys
    const one: Coupling = {
      record: '',
      accessionNumber: AccessionNumber,
      study: StudyInstanceUID,
      project: row.project,
      participant: row.participant,
      event: row.event,
      since: row.date ?? today,
    }
    const entry = entryOf(one)
    const other = wanted.get(entry) ?? there.get(entry)
    const problem =
      PatientID !== undefined
        ? 'CouplingList has no place for a PatientID'
        : StudyInstanceUID !== '' && extra.length === 0
          ? 'the project CouplingList has no field cl_studyinstanceuid'
          : other !== undefined && other.participant !== one.participant
            ? `another participant is named for it ${wanted.has(entry) ? 'in this table' : `in record ${other.record}`}`
            : whyNot(one)
    if (problem !== undefined) {
      problems.push(`${table}:${String(row.line)}: ${problem}`)
      if (problems.length === mostProblems) break
    } else if (isSame(other, one)) isThere += 1
    else wanted.set(entry, { ...one, record: other?.record || nameOf(entry) })
  }
  if (problems.length > 0) {
    throw new FionaError('E_TABLE', problems.join('\n'), {
      hint: 'correct these lines; nothing was uploaded',
      exitCode: ExitCode.badConfig,
    })
  }
  if (!isDry) {
    await couplings.importRecords(
      [...wanted.values()].map((one) => ({
        record_id: one.record,
        cl_accessionnumber: one.accessionNumber,
        ...(extra.length === 0 ? {} : { cl_studyinstanceuid: one.study }),
        cl_projectname: one.project,
        cl_subjectid: one.participant,
        cl_eventname: one.event ?? '',
        cl_date: one.since ?? today,
      })),
      'keep',
      signal,
    )
  }
  return { written: wanted.size, there: isThere }
}

/** What DataTransferProjects says against an entry; nothing, where it is not read. */
async function checkOf(
  projects: RedcapProjects['projects'],
  signal: AbortSignal,
): Promise<(one: Coupling) => string | undefined> {
  if (projects === undefined) return () => undefined
  const rows = await projects.exportRecords({ fields: projectFields }, signal)
  const all: ReadonlyMap<string, ResearchProject> = readProjects(rows)
  const facts = {
    projectFacts: (name: string) => {
      const found = all.get(name)
      return found && { naming: found.naming, active: found.isActive, until: found.until }
    },
  }
  const known = new Projects({}, [facts], Date.now, () => undefined)
  return ({ project: name, participant }) => {
    if (!all.has(name)) return `DataTransferProjects has no project ${JSON.stringify(name)}`
    const project = known.find(name)
    if (project?.closed !== undefined) return `the project ${name} is closed`
    if (project?.fits(participant) !== false) return undefined
    return `the participant does not fit the pattern of ${name}: ${project.naming ?? ''}`
  }
}

/** What it is of. */
function entryOf({ accessionNumber, study, project }: Coupling): string {
  return JSON.stringify([accessionNumber, study, project])
}

function nameOf(entry: string): string {
  return `fiona-${hash('sha256', entry).slice(0, 32)}`
}

/** It says the same, and counts for as long. */
function isSame(one: Coupling | undefined, other: Coupling): boolean {
  return (
    one !== undefined &&
    one.event === other.event &&
    one.participant === other.participant &&
    (one.since ?? '9999') >= (other.since ?? '')
  )
}
