import { type Config, readPlaces } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import type { Mistake } from './mistake.ts'
import { Projects } from './projects.ts'
import { RulesSource } from './rules-source.ts'
import type { RequestSource } from './source.ts'
import { type FirstSeen, TableSource } from './table/table-source.ts'

export interface SourcesOptions {
  readonly config: Pick<Config, 'path' | 'projects' | 'requests'>
  readonly firstSeen: FirstSeen
  /** ms since 1970 */
  readonly clock: () => number
  /** What an entry of another kind is; undefined: nothing that this knows. */
  readonly other?: (entry: Config['requests'][number], name: string) => RequestSource | undefined
}

/**
 * The sources that the configuration asks for, in its order; not opened yet.
 * @throws FionaError E_CONFIG (exit 78) with every mistake in rules and patterns, each with its line
 */
export async function sourcesOf({ config, firstSeen, clock, other }: SourcesOptions): Promise<{
  readonly sources: readonly RequestSource[]
  readonly projects: Projects
}> {
  const mistakes: { readonly keys: readonly string[]; readonly message: string }[] = []
  const sources = config.requests.flatMap((entry, at): RequestSource | readonly RequestSource[] => {
    const { rules, table } = entry
    const number = String(at + 1)
    if (rules !== undefined) {
      const report = ({ keys, message }: Mistake) => {
        mistakes.push({ keys: ['requests', String(at), 'rules', ...keys], message })
      }
      return [new RulesSource(`rules-${number}`, rules, report)]
    }
    if (table !== undefined) {
      return [new TableSource({ name: `table-${number}`, ...table, firstSeen, clock })]
    }
    return other?.(entry, `source-${number}`) ?? []
  })
  const projects = new Projects(config.projects, sources, clock, (mistake) =>
    mistakes.push(mistake),
  )
  if (mistakes.length > 0) {
    const places = await readPlaces(config.path)
    const lines = mistakes.map(({ keys, message }) => {
      const place = places(keys)
      return `${place === undefined ? '' : `${place}: `}${keys.join('.')} ${message}`
    })
    throw new FionaError('E_CONFIG', lines.join('\n'), {
      hint: 'correct the configuration; nothing was started. docs/requests.md tells what may stand there',
      exitCode: ExitCode.badConfig,
    })
  }
  return { sources, projects }
}
