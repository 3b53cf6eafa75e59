import { journalPath, readJournal } from '../journal/index.ts'
import { type DeidentifiedRecord, type ReportRecord, parseRecord } from '../record/index.ts'

export interface Accounts {
  /** The latest of each study, by project, participant and time. */
  readonly reports: readonly ReportRecord[]
  /** Lines of the journal that are no such record, or not a valid one: anybody can write to a front door. */
  readonly unread: number
}

/**
 * @param since a time as records have it, or the beginning of one
 */
export async function readAccounts(
  dataDir: string,
  {
    project,
    since,
    signal,
  }: {
    readonly project?: string | undefined
    readonly since?: string | undefined
    readonly signal?: AbortSignal
  },
): Promise<Accounts> {
  const latest = new Map<string, ReportRecord>()
  let unread = 0
  for await (const { lines } of readJournal(journalPath(dataDir, 'outbox'), { signal })) {
    for (const line of lines.toString('utf8').split('\n')) {
      if (line === '') continue
      const record = deidentifiedIn(line)
      if (record === undefined) {
        unread += 1
        continue
      }
      if (project !== undefined && record.project !== project) continue
      if (since !== undefined && (record.time ?? '') < since) continue
      const key = JSON.stringify([record.project, record.requestId, record.StudyInstanceUID])
      const before = latest.get(key)
      if (before === undefined || isLater(record, before)) latest.set(key, accountOf(record))
    }
  }
  return { reports: [...latest.values()].sort(inOrder), unread }
}

/** Only what is known to be no original value: a field that is not named here is not told. */
export function accountOf(record: DeidentifiedRecord): ReportRecord {
  const { time, project, requestId, participant, event, StudyInstanceUID, revision } = record
  const { instances, received, duplicates, excluded, missing, earlier, verified } = record
  return {
    type: 'report',
    v: 1,
    ...there({ time, project }),
    requestId,
    participant,
    ...there({ event }),
    StudyInstanceUID,
    revision,
    instances,
    ...there({ received, duplicates, excluded, missing, earlier }),
    profile: record.profile,
    profileDigest: record.profileDigest,
    elements: { ...record.removed },
    verified: verified === undefined ? null : { objects: verified.objects, terms: verified.terms },
    ...(record.pixels === undefined ? {} : { pixels: pixelsOf(record.pixels) }),
    waived: (record.waived ?? []).map(({ code, where, count }) => ({ code, where, count })),
  }
}

function pixelsOf(pixels: NonNullable<DeidentifiedRecord['pixels']>) {
  const { masked, regions, searched, masks, unlisted, defaced } = pixels
  const places = masks?.map(({ rule, objects, rows, columns, regions }) => ({
    ...{ rule, objects, rows, columns, regions },
  }))
  return { masked, regions, searched, ...there({ masks: places, unlisted, defaced }) }
}

type Given<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> }

function there<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Given<T>
}

function deidentifiedIn(line: string): DeidentifiedRecord | undefined {
  try {
    const record = parseRecord(JSON.parse(line))
    return record.type === 'deidentified' ? record : undefined
  } catch {
    return undefined
  }
}

function isLater(record: DeidentifiedRecord, before: ReportRecord): boolean {
  return record.revision === before.revision
    ? (record.time ?? '') >= (before.time ?? '')
    : record.revision > before.revision
}

function inOrder(a: ReportRecord, b: ReportRecord): number {
  const keyOf = (report: ReportRecord) => [
    report.project ?? '',
    report.participant,
    report.time ?? '',
  ]
  const [one, other] = [keyOf(a), keyOf(b)]
  const at = one.findIndex((text, index) => text !== other[index])
  return at === -1 ? 0 : (one[at] ?? '') < (other[at] ?? '') ? -1 : 1
}
