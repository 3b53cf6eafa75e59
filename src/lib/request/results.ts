import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { journalPath, readJournal, type Cursor } from '../journal/index.ts'
import type { AnyRecord } from '../record/index.ts'
import type { RequestSource, ResultRecord } from './source.ts'
import type { Store } from './store/store.ts'

/** Where what became of a request is told. */
const journals = ['outbox', 'sent', 'held', 'errors'] as const
const types: ReadonlySet<string> = new Set(['deidentified', 'transfer', 'held', 'error'])

/**
 * Tells sources what became of the requests that were made here, from where it was told last, until `signal`. A record may be told twice.
 */
export async function followResults(
  dataDir: string,
  store: Store,
  sources: readonly RequestSource[],
  signal: AbortSignal,
): Promise<void> {
  const interested = sources.filter((source) => source.result !== undefined)
  if (interested.length === 0) return
  await Promise.all(journals.map((journal) => follow(journal)))

  async function follow(journal: string): Promise<void> {
    const directory = journalPath(dataDir, journal)
    const name = `results:${journal}`
    const cursor = await thereOf(directory, JSON.parse(store.meta(name) ?? '{}') as Cursor)
    for await (const { lines, segment, end } of readJournal(directory, {
      cursor,
      follow: true,
      signal,
    })) {
      for (const line of lines.toString().split('\n')) {
        const record = line.includes('"requestId"') ? parse(line) : undefined
        if (record === undefined || !isOurs(record)) continue
        for (const source of interested) source.result?.(record)
      }
      for (const source of interested) await source.sync?.()
      cursor[segment] = end
      store.setMeta(name, JSON.stringify(cursor))
    }
  }

  function isOurs(record: ResultRecord): boolean {
    const { requestId } =
      (record.type === 'error' ? (record.record as AnyRecord | null) : record) ?? {}
    return typeof requestId === 'string' && store.requests.has(requestId)
  }
}

function parse(line: string): ResultRecord | undefined {
  try {
    const record = JSON.parse(line) as AnyRecord | null
    return record !== null && types.has(record.type)
      ? (record as unknown as ResultRecord)
      : undefined
  } catch {
    return undefined
  }
}

/** Segments that were pruned leave the cursor. */
async function thereOf(directory: string, cursor: Cursor): Promise<Record<string, number>> {
  const there: Record<string, number> = {}
  for (const [segment, offset] of Object.entries(cursor)) {
    const found = await stat(join(directory, segment)).catch(() => undefined)
    if (found !== undefined && found.size >= offset) there[segment] = offset
  }
  return there
}
