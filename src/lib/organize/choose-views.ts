import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { isLayout, readLayouts, type Layout } from '../layout/index.ts'
import { ProjectViews, type ViewChoice } from './project-views.ts'

export interface GivenViews {
  /** Those of a command line are for all projects, in place of what is configured. */
  readonly layouts: readonly string[]
  readonly layoutsOnly: boolean | undefined
}

/** @throws FionaError E_USAGE naming the template that is none; a configuration was looked at when it was read */
export function chooseViews(
  given: GivenViews,
  configured?: Pick<Config, 'organize' | 'projects'>,
): ProjectViews {
  const common = choiceOf(configured?.organize ?? { layouts: [], layoutsOnly: false }, given)
  const own = Object.entries(configured?.projects ?? {}).flatMap(([project, { organize }]) => {
    if (organize === undefined) return []
    const merged = { ...configured?.organize, ...organize }
    return [[project, choiceOf(merged, given)] as const]
  })
  return new ProjectViews(common, Object.fromEntries(own))
}

function choiceOf(
  { layouts = [], layoutsOnly = false }: { layouts?: string[]; layoutsOnly?: boolean },
  given: GivenViews,
): ViewChoice {
  const texts = given.layouts.length > 0 ? given.layouts : layouts
  return { layouts: readAll(texts), layoutsOnly: given.layoutsOnly ?? layoutsOnly }
}

function readAll(texts: readonly string[]): Layout[] {
  return readLayouts(texts).map((read, at) => {
    if (isLayout(read)) return read
    throw new FionaError('E_USAGE', `the layout ${JSON.stringify(texts[at])} ${read.problem}`, {
      hint: 'run fiona-organize --help',
      exitCode: ExitCode.usage,
    })
  })
}
