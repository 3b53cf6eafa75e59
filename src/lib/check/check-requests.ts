import { type Config, loadConfig } from '../config/index.ts'
import { rememberedSource, sourceDirectory } from '../redcap/index.ts'
import { Projects, type TableRow, readTableFile, sourcesOf } from '../request/index.ts'
import { whySqliteIsMissing } from '../sqlite/index.ts'
import { about, error, type Finding, ok, thrown, warning } from './finding.ts'
import { counted } from '../text/index.ts'

/** Where "this study goes to that project" comes from: rules, patterns and tables, and what keeps the decisions. */
export async function checkRequests(config: Config): Promise<Finding[]> {
  const { requests } = config
  if (requests.length === 0) return []
  const found: Finding[] = []
  try {
    // As it is written, so that a mistake has the line of the administrator's own file.
    const own = config.path === undefined ? config : await loadConfig(config.path)
    await sourcesOf({ config: own, clock: Date.now, firstSeen: () => [] })
    const rules = requests.flatMap((entry) => entry.rules ?? [])
    found.push(ok('requests', `${String(rules.length)} rules`))
  } catch (problem) {
    found.push(thrown('requests', problem))
  }
  const { projects, isUnread } = await knownProjects(config)
  for (const [at, { table }] of requests.entries()) {
    if (table === undefined) continue
    const what = `requests.${String(at)}.table`
    try {
      const { rows } = await readTableFile(table.file)
      const unknown = firstWithoutProject(rows, projects)
      if (unknown === undefined) {
        found.push(ok(what, `${table.file}: ${counted(rows.size, 'row')}`))
        continue
      }
      const says = `${table.file}:${String(unknown.line)}: no project is called ${JSON.stringify(unknown.project)}`
      const hint = 'correct the row, or add the project; its studies are held until then'
      found.push(
        about(
          isUnread
            ? warning(what, `${says} here; DataTransferProjects of REDCap was not read yet`, hint)
            : error(what, says, hint),
          ...['requests', String(at), 'table'],
        ),
      )
    } catch (problem) {
      found.push(about(thrown(what, problem), 'requests', String(at), 'table'))
    }
  }
  const missing = await whySqliteIsMissing()
  if (missing !== undefined) found.push(thrown('requests', missing))
  return found
}

/** A table may have a million rows, of a few projects: each of these is looked up once. */
function firstWithoutProject(rows: Iterable<TableRow>, projects: Projects): TableRow | undefined {
  const known = new Set<string>()
  for (const row of rows) {
    if (known.has(row.project)) continue
    if (projects.find(row.project) === undefined) return row
    known.add(row.project)
  }
  return undefined
}

/** Those of the configuration, and those that REDCap told last. */
async function knownProjects({ requests, projects, dataDir }: Config): Promise<{
  readonly projects: Projects
  /** REDCap may know others, and was not read yet. */
  readonly isUnread: boolean
}> {
  const redcap = requests.find((one) => one.redcap !== undefined)?.redcap
  if (redcap?.projectsTokenFile === undefined) {
    return { projects: new Projects(projects, [], Date.now, () => undefined), isUnread: false }
  }
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined }
  const source = rememberedSource(redcap, { hash: () => Buffer.alloc(0), log: quiet })
  await source.load(sourceDirectory(dataDir))
  return {
    projects: new Projects(projects, [source], Date.now, () => undefined),
    isUnread: !source.knowsProjects,
  }
}
