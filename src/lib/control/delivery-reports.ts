import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { livenessOf, namesIn, parseIdentity } from '../storage/index.ts'
import { visibleText } from '../text/index.ts'
import type { DeliveryReport } from './status-schema.ts'

/** What is there in place of a directory is none of ours. */
const absent = ['ENOENT', 'ENOTDIR']

/** What fiona-send last said of each destination in its state directory. */
export async function deliveryReports(dataDir: string): Promise<DeliveryReport[]> {
  const root = join(dataDir, 'state', 'fiona-send', 'status')
  const reports: DeliveryReport[] = []
  for (const stage of await namesIn(root, absent)) {
    for (const name of await namesIn(join(root, stage), absent)) {
      if (!/^[0-9a-f]{40}\.json$/.test(name)) continue
      const report = parseReport(await readFile(join(root, stage, name), 'utf8').catch(() => ''))
      // A destination that is no more, or was used once by hand, is no news.
      if (report !== undefined && (report.state !== 'stopped' || report.studies > 0)) {
        reports.push(report)
      }
    }
  }
  return reports.sort((a, b) => a.destination.localeCompare(b.destination))
}

export function deliveryTrouble(report: DeliveryReport): string | undefined {
  if (report.state !== 'down') return undefined
  const { destination, since = '', lastError = '', studies } = report
  return visibleText(
    `${destination} does not answer since ${since} (studies waiting: ${String(studies)}): ${lastError}; see fiona-send status`,
  )
}

const states = ['up', 'down', 'unknown'] as const

/** One that is damaged is passed over: fiona-send writes it anew. */
function parseReport(text: string): DeliveryReport | undefined {
  try {
    const said = JSON.parse(text) as Record<string, unknown>
    const identity = parseIdentity(said['process'])
    const { destination, since, studies, lastError } = said
    const state = states.find((one) => one === said['state'])
    if (identity === undefined || state === undefined || typeof destination !== 'string') {
      return undefined
    }
    if (typeof studies !== 'number' || !Number.isSafeInteger(studies) || studies < 0)
      return undefined
    const isRunning = livenessOf(identity) !== 'dead'
    return {
      destination,
      state: isRunning ? state : 'stopped',
      ...(isRunning && typeof since === 'string' ? { since } : {}),
      studies,
      ...lastErrorOf(lastError),
    }
  } catch {
    return undefined
  }
}

function lastErrorOf(trouble: unknown): { lastError?: string } {
  if (typeof trouble !== 'object' || trouble === null) return {}
  const { code, message, time } = trouble as Record<string, unknown>
  return { lastError: `${String(message)} (${String(code)}, ${String(time)})` }
}
