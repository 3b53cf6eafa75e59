import { type Config, loadConfig } from '../config/index.ts'
import { readTableFile, sourcesOf } from '../request/index.ts'
import { whySqliteIsMissing } from '../sqlite/index.ts'
import { about, error, type Finding, ok, thrown } from './finding.ts'

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
  for (const [at, { table }] of requests.entries()) {
    if (table === undefined) continue
    const what = `requests.${String(at)}.table`
    try {
      const { rows } = await readTableFile(table.file)
      const unknown =
        Object.keys(config.projects).length === 0
          ? undefined
          : rows.find(({ project }) => !Object.hasOwn(config.projects, project))
      found.push(
        unknown === undefined
          ? ok(what, `${table.file}: ${String(rows.length)} rows`)
          : about(
              error(
                what,
                `${table.file}:${String(unknown.line)}: no project is called ${JSON.stringify(unknown.project)}`,
                'correct the row, or add the project to projects; its studies are held until then',
              ),
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
