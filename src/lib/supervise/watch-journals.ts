import { journalPath, readJournal } from '../journal/index.ts'
import type { AnyRecord } from '../record/index.ts'

/**
 * Every record that is appended to these journals from now on, as it comes.
 * @param seen is called for each, with the name of its journal
 */
export async function watchJournals(
  dataDir: string,
  names: readonly string[],
  signal: AbortSignal,
  seen: (journal: string, record: AnyRecord) => void,
): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      const chunks = readJournal(journalPath(dataDir, name), {
        follow: true,
        fromEnd: true,
        signal,
      })
      for await (const { lines } of chunks) {
        for (const line of lines.toString().split('\n')) {
          const record = recordOf(line)
          if (record !== undefined) seen(name, record)
        }
      }
    }),
  )
}

/** Somebody may have written what is no record; whoever reads the journal for real will say so. */
function recordOf(line: string): AnyRecord | undefined {
  try {
    const value = JSON.parse(line) as Partial<AnyRecord> | null
    return typeof value?.type === 'string' ? (value as AnyRecord) : undefined
  } catch {
    return undefined
  }
}
