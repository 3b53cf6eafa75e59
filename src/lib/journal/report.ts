import type { JournalStat } from './journal-stat.ts'
import type { Pruned } from './prune.ts'
import type { Repaired } from './repair.ts'
import type { Retried } from './retry.ts'

const columns = ['JOURNAL', 'WRITERS', 'SEGMENTS', 'LINES', 'BYTES', 'READER', 'LAG'] as const

/** One line a journal, and one more for each further reader. */
export function statTable(stats: readonly (JournalStat & { readonly journal: string })[]): string {
  const rows = stats.flatMap((stat) => {
    const about = [
      stat.journal,
      stat.living > 0 ? `${stat.writers} (${stat.living} living)` : String(stat.writers),
      String(stat.segments),
      String(stat.lines),
      size(stat.bytes) + (stat.tornBytes > 0 ? ` (${size(stat.tornBytes)} torn)` : ''),
    ]
    const readers = Object.entries(stat.readers).map(([reader, { lagLines, lagBytes }]) => [
      reader,
      lagLines === 0 ? '0' : `${lagLines} lines, ${size(lagBytes)}`,
    ])
    const [first = ['-', '-'], ...others] = readers
    return [[...about, ...first], ...others.map((reader) => [...about.map(() => ''), ...reader])]
  })
  return aligned([[...columns], ...rows])
}

export function prunedText(journal: string, pruned: Pruned, isDryRun: boolean): string {
  const { removed, kept, readers } = pruned
  const verb = isDryRun ? 'would remove' : 'removed'
  const bytes = removed.reduce((sum, segment) => sum + segment.bytes, 0)
  const stays = Object.entries(kept).flatMap(([why, count]) =>
    count > 0 ? [`${count} ${why}`] : [],
  )
  return [
    ...removed.map((segment) => `${verb} ${segment.segment} (${size(segment.bytes)})`),
    `${journal}: ${verb} ${removed.length} segments, ${size(bytes)}; kept ${stays.join(', ') || 'none'}`,
    ...(readers.length === 0 && kept.unread > 0
      ? [`${journal}: no reader has saved a cursor yet; --unread goes by age alone`]
      : []),
  ].join('\n')
}

export function retriedText(
  journal: string,
  { retried, left }: Retried,
  isDryRun: boolean,
): string {
  const verb = isDryRun ? 'would hand in' : 'handed in'
  const lines = Object.entries(retried).map(
    ([to, count]) => `${journal}: ${verb} ${count} again, to ${to}`,
  )
  const stays = Object.entries(left).flatMap(([why, count]) =>
    count > 0 ? [`${count} ${why}`] : [],
  )
  if (lines.length === 0) lines.push(`${journal}: nothing to hand in again`)
  if (stays.length > 0) lines.push(`${journal}: left alone: ${stays.join(', ')}`)
  if (left['of unknown origin'] > 0) lines.push(`${journal}: say with --to where those belong`)
  return lines.join('\n')
}

export function repairedText(
  journal: string,
  repaired: readonly Repaired[],
  isDryRun: boolean,
): string {
  if (repaired.length === 0) return `${journal}: nothing to repair`
  const to = isDryRun ? 'would ' : ''
  return repaired
    .map(({ segment, bytes, what, file }) => {
      switch (what) {
        case 'cut':
          return `${journal}: ${to}cut ${bytes} bytes of a torn line off ${segment}; they are in ${file ?? ''}`
        case 'completed':
          return `${journal}: ${segment} ended in a whole record without its newline; ${isDryRun ? 'would add' : 'added'} it`
        case 'blanked':
          return `${journal}: ${isDryRun ? 'would move' : 'moved'} a damaged line of ${bytes} bytes out of ${segment}; they are in ${file ?? ''}`
        case 'changed':
          return `${journal}: ${segment} is not what its writer sealed: a disk, a copy or a person changed it; compare it with a backup`
        case 'alive':
          return `${journal}: ${segment} ends in ${bytes} bytes of a line, but its writer lives; left alone`
      }
    })
    .join('\n')
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let value = bytes / 1000
  let unit = 0
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000
  return `${value.toFixed(1)} ${units[unit] ?? ''}`
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)))
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
