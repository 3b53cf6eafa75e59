import type { Config } from '../config/index.ts'
import { FionaError } from '../error/index.ts'
import { checkProject, expectations, openProjects } from '../redcap/index.ts'
import { about, error, type Finding, ok, thrown, warning } from './finding.ts'

/** A REDCap that is well answers within a second or so; it may be starting. */
const timeoutSeconds = 15
const quiet = { debug: () => undefined, warn: () => undefined }

/** Does it answer, may the tokens do what they must, and has each project what FIONA needs? Nothing is written there. */
export async function checkRedcap({ requests }: Config): Promise<Finding[]> {
  const found = await Promise.all(
    requests.map(async ({ redcap }, at) => {
      if (redcap === undefined) return []
      const keys = ['requests', String(at), 'redcap']
      try {
        const projects = await openProjects(
          {
            ...redcap,
            timeoutSeconds: Math.min(timeoutSeconds, redcap.timeoutSeconds ?? Infinity),
          },
          quiet,
          { attempts: 1 },
        )
        try {
          const { projects: known } = projects
          return [
            ...(await checkAll(expectations(projects), keys)),
            ...(known === undefined ? [unknownProjects(keys)] : []),
            ...(redcap.hashes === 'sha256' ? [bareHashes(keys)] : []),
          ]
        } finally {
          projects.close()
        }
      } catch (problem) {
        return [about(thrown('redcap', problem), ...keys)]
      }
    }),
  )
  return found.flat()
}

async function checkAll(
  expected: ReturnType<typeof expectations>,
  keys: readonly string[],
): Promise<Finding[]> {
  const signal = AbortSignal.timeout(timeoutSeconds * 4000)
  const findings: Finding[] = []
  // One after the other: where the server is not there, one finding says so.
  for (const { project, dictionary } of expected) {
    const what = `redcap ${project.name}`
    try {
      const { fields, missing } = await checkProject(project, dictionary, signal)
      const hint = `add it in REDCap; the data dictionary is share/redcap/${dictionary.name}.csv`
      findings.push(
        missing.length === 0
          ? ok(what, `answers, and has what is needed (${String(fields)} fields)`)
          : about(error(what, `lacks ${missing.join('; ')}`, hint), ...keys),
      )
    } catch (problem) {
      findings.push(about(thrown(what, problem), ...keys))
      const isOfAll = problem instanceof FionaError && problem.code !== 'E_REDCAP_RIGHTS'
      if (isOfAll) return findings
    }
  }
  return findings
}

function unknownProjects(keys: readonly string[]): Finding {
  const text =
    'DataTransferProjects is not read: patterns of participants and ends of projects are not known'
  const hint = 'name its token as projectsTokenFile, or give projects.*.requests'
  return about(warning('redcap', text, hint), ...keys)
}

function bareHashes(keys: readonly string[]): Finding {
  const text =
    'hashes: sha256 lets whoever reads Incoming find out patients by trying all numbers there are'
  const hint =
    'keep it only for a project that holds such hashes already; leave it out for a new one'
  return about(warning('redcap', text, hint), ...keys, 'hashes')
}
