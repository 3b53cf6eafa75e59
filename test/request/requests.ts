import { type Logger, pino } from 'pino'
import type { Config } from '../../src/lib/config/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { Matcher, openSources, sourcesOf, Store } from '../../src/lib/request/index.ts'

export const silent = pino({ level: 'silent' })

/** A complete study, as fiona-arrive says it. */
export function study(number: number | string, more: Record<string, unknown> = {}): AnyRecord {
  const {
    PatientID = `P${String(number)}`,
    AccessionNumber = `A${String(number)}`,
    ...others
  } = more
  const StudyInstanceUID = `1.2.${String(number)}`
  return {
    type: 'study',
    v: 1,
    project: 'default',
    StudyInstanceUID,
    path: `/nowhere/${StudyInstanceUID}`,
    series: [],
    instances: 1,
    bytes: 1,
    reason: 'quiet',
    revision: 1,
    attributes: { PatientID, AccessionNumber },
    ...others,
  }
}

export interface Bench extends AsyncDisposable {
  readonly store: Store
  readonly matcher: Matcher
  readonly take: (record: AnyRecord) => readonly AnyRecord[]
  /** What comes out without being asked for, until nothing is left to do. */
  readonly later: () => readonly AnyRecord[]
  readonly day: (text: string) => void
}

/** The filter with its sources, without a process. */
export async function bench(
  config: Partial<Pick<Config, 'projects' | 'requests'>>,
  directory?: string,
  inStage = true,
  log: Logger = silent,
): Promise<Bench> {
  const store = await Store.open(directory)
  let now = Date.parse('2026-06-15T12:00:00Z')
  let at = performance.now()
  const clock = () => now
  const { sources, projects } = await sourcesOf({
    config: { path: undefined, projects: {}, requests: [], ...config },
    clock,
    firstSeen: (source, rows) => store.firstSeen(source, rows, now),
  })
  const matcher = new Matcher({
    store,
    owner: inStage ? 'request' : 'hand',
    projects,
    sources,
    howToDecide: (requestId) => `decide ${requestId}`,
    clock,
    log,
    inStage,
    requestsOnly: false,
    sync: async () => undefined,
  })
  const ending = new AbortController()
  const opened = await openSources(sources, {
    directory,
    store,
    changed: (which) => {
      matcher.changed(which)
    },
    signal: ending.signal,
    log: silent,
  })
  return {
    store,
    matcher,
    take: (record) => matcher.record(record),
    later: () => {
      const records: AnyRecord[] = []
      // Seconds on: whoever decided in another process is heard.
      do records.push(...(matcher.timer.fire((at += 2000)) as readonly AnyRecord[]))
      while (matcher.timer.dueAt() === 0)
      return records
    },
    day: (text) => {
      now = Date.parse(`${text}T12:00:00Z`)
    },
    async [Symbol.asyncDispose]() {
      ending.abort()
      await opened[Symbol.asyncDispose]()
      store[Symbol.dispose]()
    },
  }
}
