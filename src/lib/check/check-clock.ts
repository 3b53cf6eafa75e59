import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { journalPath, listJournals } from '../journal/index.ts'
import { error, type Finding, ok } from './finding.ts'

/** Clocks of file servers differ a little from ours. */
const toleranceMs = 300_000
/** No clock that is right says less: FIONA is younger. */
const earliest = Date.parse('2024-01-01')

/** Times of records, retention and certificates are told by it. */
export async function checkClock({ dataDir }: Config): Promise<Finding[]> {
  const now = Date.now()
  const hint = 'set the clock of this machine right (timedatectl), and keep it so with NTP'
  if (now < earliest) return [error('clock', `it says ${new Date(now).toISOString()}`, hint)]
  for (const name of await listJournals(dataDir)) {
    const directory = journalPath(dataDir, name)
    for (const segment of await readdir(directory)) {
      const { mtimeMs } = await stat(join(directory, segment))
      if (mtimeMs <= now + toleranceMs) continue
      const times = `it says ${new Date(now).toISOString()}, and journal ${name} was written at ${new Date(mtimeMs).toISOString()}`
      return [error('clock', times, `${hint}; where it is right, it was ahead then`)]
    }
  }
  return [ok('clock', new Date(now).toISOString())]
}
