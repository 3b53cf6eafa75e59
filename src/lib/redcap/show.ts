import { join } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { checkProject, expectations } from './check-projects.ts'
import { requestDirectory } from '../request/index.ts'
import type { RedcapProjects } from './known-tables.ts'
import type { RedcapProject } from './redcap-project.ts'
import { loadState } from './source-state.ts'
import {
  autoIdFields,
  couplingExtraFields,
  couplingFields,
  projectExtraFields,
  projectFields,
  readAutoIds,
  readCouplings,
  readProjects,
  readRouting,
  readTransfers,
  routingFields,
  transferFields,
} from './tables.ts'
import { counted } from '../text/index.ts'

type Print = (text: string) => Promise<void>

/** Where the source of requests keeps what it remembers. */
export function sourceDirectory(dataDir: string): string {
  return join(requestDirectory(dataDir), 'sources', 'redcap')
}

/** What FIONA needs of each project and does not find there. */
export async function showChecks(
  projects: RedcapProjects,
  { isJson, print, signal }: { isJson: boolean; print: Print; signal: AbortSignal },
): Promise<ExitCode> {
  let code: ExitCode = ExitCode.ok
  for (const { project, dictionary } of expectations(projects)) {
    const found = await checkOne(project.name, () => checkProject(project, dictionary, signal))
    if (found.code !== ExitCode.ok) code = found.code
    if (isJson) await print(JSON.stringify(found.told))
    else for (const line of found.lines) await print(line)
  }
  return code
}

async function checkOne(
  name: string,
  check: () => ReturnType<typeof checkProject>,
): Promise<{ readonly code: ExitCode; readonly told: object; readonly lines: readonly string[] }> {
  try {
    const { fields, missing } = await check()
    if (missing.length === 0) {
      const lines = [`ok: ${name}: ${String(fields)} fields`]
      return { code: ExitCode.ok, told: { name, fields, missing }, lines }
    }
    const lines = missing.map((what) => `missing: ${name}: ${what}`)
    return { code: ExitCode.badInput, told: { name, fields, missing }, lines }
  } catch (error) {
    if (!(error instanceof FionaError)) throw error
    const { code, message, hint, exitCode } = error
    const lines = [`error: ${name}: ${message}`, ...(hint === undefined ? [] : [`hint: ${hint}`])]
    return { code: exitCode, told: { name, code, message, hint }, lines }
  }
}

/** What FIONA would act on now. */
export async function showTables(
  { incoming, projects, routing, couplings, autoIds }: RedcapProjects,
  { print, signal }: { print: Print; signal: AbortSignal },
): Promise<ExitCode> {
  const put = async (table: string, rows: readonly object[]): Promise<void> => {
    for (const row of rows) await print(JSON.stringify({ table, ...row }))
  }
  const filterLogic = "[transfer_project_name] <> '' and [transfer_name] <> ''"
  const asked = await incoming.exportRecords({ fields: transferFields, filterLogic }, signal)
  await put('transfers', [...readTransfers(asked).values()].flat())
  if (projects !== undefined) {
    const fields = await withExtra(projects, projectFields, projectExtraFields, signal)
    const rows = await projects.exportRecords({ fields }, signal)
    await put('projects', [...readProjects(rows).values()])
  }
  if (routing !== undefined) {
    const dictionary = await routing.metadata(signal)
    const rows = await routing.exportRecords({ fields: routingFields }, signal)
    await put('routing', readRouting(rows, dictionary))
  }
  if (couplings !== undefined) {
    const fields = await withExtra(couplings, couplingFields, couplingExtraFields, signal)
    const rows = await couplings.exportRecords({ fields }, signal)
    await put('couplings', readCouplings(rows))
  }
  if (autoIds !== undefined) {
    const rows = await autoIds.exportRecords({ fields: autoIdFields }, signal)
    await put('autoIds', readAutoIds(rows))
  }
  return ExitCode.ok
}

/** REDCap refuses a call that names a field it does not know. */
async function withExtra(
  project: RedcapProject,
  fields: readonly string[],
  extra: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const has = new Set((await project.metadata(signal)).map(({ field_name }) => field_name))
  return [...fields, ...extra.filter((field) => has.has(field))]
}

/** What waits to be written, and what is wrong. */
export async function showStatus(
  dataDir: string,
  isJson: boolean,
  print: Print,
): Promise<ExitCode> {
  const state = await loadState(sourceDirectory(dataDir))
  if (state === undefined) {
    await print(isJson ? 'null' : 'fiona-request has not spoken with REDCap yet')
    return ExitCode.ok
  }
  if (isJson) {
    await print(JSON.stringify(state))
    return ExitCode.ok
  }
  const { waiting, waitingSince, written, refused, lastReadAt, lastWrittenAt, trouble, time } =
    state
  const since = waitingSince === null ? '' : `, the longest since ${waitingSince}`
  await print(`as of ${time}`)
  await print(`waiting: ${counted(waiting, 'study')}${since}`)
  if (refused > 0) await print(`refused: ${String(refused)} of them, tried again every hour`)
  await print(
    `written: ${counted(written, 'study')} since the start, last ${lastWrittenAt ?? 'never'}`,
  )
  await print(`read: ${lastReadAt ?? 'never'}`)
  if (trouble !== null) {
    await print(`error: ${trouble.message} (${trouble.code})`)
    if (trouble.hint !== null) await print(`hint: ${trouble.hint}`)
  }
  return ExitCode.ok
}
