import type { Config } from '../config/index.ts'

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
