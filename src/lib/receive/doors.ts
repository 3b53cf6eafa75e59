import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

/** A port to come in by. */
export interface Door {
  /** 0 takes a free one. */
  readonly port: number
  readonly aeTitle: string
  /** Any called AE title is ours. */
  readonly promiscuous: boolean
  /** Whose it is: what comes in here belongs to this project, whatever its `match` says. */
  readonly project?: string
}

/** The common door first, then those of projects that have one of their own. */
export function doorsOf(
  { receiver, projects }: Pick<Config, 'receiver' | 'projects'>,
  common: { readonly port?: number | undefined; readonly aeTitle?: string | undefined } = {},
): Door[] {
  const { promiscuous } = receiver
  const aeTitle = common.aeTitle ?? receiver.aeTitle
  const own = Object.entries(projects).flatMap(([project, { receiver: door }]) =>
    door === undefined ? [] : [{ aeTitle, promiscuous, ...door, project }],
  )
  return [{ port: common.port ?? receiver.port, aeTitle, promiscuous }, ...own]
}

/**
 * Of all doors the one with this name: `default` for the common one, else that of a project.
 * @param name undefined for all
 * @throws FionaError E_NO_DOOR (exit 78)
 */
export function chooseDoors(doors: readonly Door[], name: string | undefined): readonly Door[] {
  if (name === undefined) return doors
  const chosen = doors.filter(({ project }) => (project ?? 'default') === name)
  if (chosen.length > 0) return chosen
  throw new FionaError('E_NO_DOOR', `there is no door ${JSON.stringify(name)}`, {
    hint: `there are: ${doors.map(({ project }) => project ?? 'default').join(', ')}; a project gets one with projects.NAME.receiver: { port: N } in the configuration`,
    exitCode: ExitCode.badConfig,
  })
}
