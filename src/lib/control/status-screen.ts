import { counted, visibleText } from '../text/index.ts'
import { age, behind, gib, wrapped } from './in-words.ts'
import type { SiteStatus } from './status-schema.ts'

const width = 80

/** One screen for a person, at most 80 columns wide. */
export function statusScreen(status: SiteStatus): string {
  const { parts, stages, deliveries, held, journals, ports, disk, trouble } = status
  const lagOf = new Map(stages.map((stage) => [stage.name, stage]))
  const portOf = new Map(ports.map(({ part, port }) => [part, String(port)]))
  const rows = parts.map(({ name, state, pid, restarts, since }) => {
    const stage = lagOf.get(name)
    return [
      ...[name, state, pid === undefined ? '' : String(pid), since === undefined ? '' : age(since)],
      ...[String(restarts ?? 0), stage === undefined ? '' : behind(stage)],
      portOf.get(name) ?? '',
    ]
  })
  const lines = [
    `${status.ok ? 'all is well' : 'something is wrong'}; run by ${status.runs}`,
    ...table([['part', 'state', 'pid', 'since', 'restarts', 'behind', 'port'], ...rows]),
    ...deliveries.map(({ destination, state, studies }) =>
      visibleText(`to ${destination}: ${state}, studies waiting: ${String(studies)}`),
    ),
    ...held.map(({ state, studies, since, how }) => {
      const long = since === undefined ? '' : ` (${age(since)})`
      return visibleText(`${state}: ${counted(studies, 'study')}${long}; decide: ${how}`)
    }),
    ...today(journals),
    `disk: ${gib(disk.freeBytes)} free, ${gib(disk.reserveBytes)} kept in reserve`,
    ...parts.flatMap(({ name, state, reason }) =>
      state === 'closed' && reason !== undefined
        ? wrapped(`${name} is closed: ${reason}`, width)
        : [],
    ),
    ...trouble.flatMap((text) => wrapped(`! ${text}`, width)),
  ]
  return lines
    .map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line))
    .join('\n')
}

function today(journals: SiteStatus['journals']): string[] {
  const counted = journals.flatMap(({ name, today }) =>
    today === undefined ? [] : [`${name} ${String(today)}`],
  )
  return counted.length === 0 ? [] : [`today: ${counted.join(', ')}`]
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => row[at]?.length ?? 0)),
  )
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
