import { type Progress, sum } from './progress.ts'

/** What became of the studies, for a person: one line a study and a line of totals. No identifying value. */
export function resultTable(progress: Progress): string {
  const rows: string[][] = [['', 'objects', 'series', '']]
  for (const { StudyInstanceUID, instances, series, ClassifyType = [] } of progress.studies) {
    rows.push([
      `study …${StudyInstanceUID.slice(-8)}`,
      String(instances),
      String(series.length),
      `types: ${ClassifyType.join(', ')}`,
    ])
  }
  for (const record of progress.deidentified) {
    const transfer = progress.transferOf(record)
    const outcome =
      transfer === undefined ? 'not delivered yet' : `${transfer.status} to ${transfer.destination}`
    rows.push([
      `participant ${record.participant}`,
      String(record.instances),
      String(record.series.length),
      `de-identified, ${outcome}`,
    ])
  }
  for (const { participant, reasons, requestId } of progress.held) {
    rows.push([
      `participant ${participant ?? requestId}`,
      '',
      '',
      `held for review: ${reasons.map(({ code, count }) => `${count} × ${code}`).join(', ')}`,
    ])
  }
  const widths = [0, 1, 2].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  const lines = rows.map(([name = '', objects = '', series = '', what = '']) =>
    [
      name.padEnd(widths[0] ?? 0),
      objects.padStart(widths[1] ?? 0),
      series.padStart(widths[2] ?? 0),
      what,
    ]
      .join('  ')
      .trimEnd(),
  )
  return ['', ...lines, '', totals(progress)].join('\n')
}

function totals(progress: Progress): string {
  const transfers = progress.deidentified.flatMap((each) => progress.transferOf(each) ?? [])
  const facts = [
    `received ${progress.received} objects`,
    `${sum(progress.studies.map(({ series }) => series.length))} series`,
    `types ${[...new Set(progress.studies.flatMap(({ ClassifyType = [] }) => ClassifyType))].length}`,
    `de-identified ${sum(progress.deidentified.map(({ instances }) => instances))} objects`,
    `delivered ${sum(transfers.map(({ instances }) => instances.sent))} objects`,
    `held for review ${progress.held.length} ${progress.held.length === 1 ? 'study' : 'studies'}`,
  ]
  return facts.join(' · ')
}
