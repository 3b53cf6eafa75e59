import { connect } from 'node:net'
import { partNames, partsOf, portsOf, standardStages } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import {
  countLines,
  journalPath,
  journalSize,
  lineFilter,
  listJournals,
  loadCursor,
  readJournal,
} from '../journal/index.ts'
import { freeBytes } from '../storage/index.ts'
import { askChain } from './control-client.ts'
import type { ControlAnswer } from './control-server.ts'
import { troubleOf } from './in-words.ts'
import { type Systemd, hasUnit } from './systemd.ts'

export interface PartReport {
  readonly name: string
  /** running, waiting (for its next start), failing (a crash loop), closed (on purpose), stopped */
  readonly state: string
  readonly pid?: number
  readonly since?: string
  readonly restarts?: number
  readonly lastError?: string
  /** What to do about that, as far as it said. */
  readonly hint?: string
  readonly reason?: string
}

export interface StageReport {
  readonly name: string
  /** Records that the stage has before it, */
  readonly lag: number
  /** as far as they were counted: there are more. */
  readonly more?: true
  /** ISO 8601: the first of them. */
  readonly oldest?: string
}

export interface JournalReport {
  readonly name: string
  readonly bytes: number
  /** Records since midnight, local time; of the journals with a record for a study, not for each object. */
  readonly today?: number
}

export interface SiteStatus {
  readonly v: 1
  readonly type: 'status'
  readonly ok: boolean
  readonly runs: 'systemd' | 'fiona up' | 'nothing'
  readonly pid?: number
  readonly since?: string
  readonly parts: readonly PartReport[]
  readonly stages: readonly StageReport[]
  readonly journals: readonly JournalReport[]
  readonly disk: { readonly freeBytes: number; readonly reserveBytes: number }
  readonly ports: readonly { part: string; port: number; listening: boolean }[]
  /** What is not well, a sentence each; empty when `ok`. */
  readonly trouble: readonly string[]
}

/** The parts, and what the running `fiona up` says of itself, if it is that. */
export async function partReports(
  config: Config,
  systemd: Systemd | undefined,
): Promise<{ readonly parts: readonly PartReport[]; readonly chain: ControlAnswer | undefined }> {
  const names = partNames(partsOf(config))
  if (systemd !== undefined) {
    const parts = names.filter(hasUnit).map((name) => systemd.part(name))
    return { parts: (await Promise.all(parts)) as unknown as PartReport[], chain: undefined }
  }
  const chain = await askChain(config.runDir, { do: 'status' })
  const parts = chain?.['parts'] as PartReport[] | undefined
  return { parts: parts ?? names.map((name) => ({ name, state: 'stopped' })), chain }
}

/** What there is to know about a site, whether or not anything runs. */
export async function siteStatus(
  config: Config,
  systemd: Systemd | undefined,
): Promise<SiteStatus> {
  const { dataDir, receiver } = config
  const { parts, chain } = await partReports(config, systemd)
  const inForce = (chain?.['ports'] ?? {}) as Readonly<Record<string, number>>
  const isAny = (name: string): boolean =>
    parts.some((part) => part.name === name && part.state === 'running')
  const ports = await Promise.all(
    portsOf(config).map(async ({ part, port: configured }) => {
      const port = inForce[part] ?? configured
      return { part, port, listening: await isListening(port) }
    }),
  )
  const journals = await listJournals(dataDir)
  const disk = { freeBytes: freeBytes(dataDir), reserveBytes: receiver.reserveBytes }
  const trouble = [
    ...parts.flatMap((part) => troubleOf(part) ?? []),
    ...ports.flatMap(({ part, port, listening }) =>
      isAny(part) && !listening ? [`${part} does not listen on port ${String(port)}`] : [],
    ),
    ...(disk.freeBytes < disk.reserveBytes
      ? ['less than receiver.reserveBytes is free: objects are refused']
      : []),
  ]
  return {
    v: 1,
    type: 'status',
    ok: trouble.length === 0,
    runs: systemd !== undefined ? 'systemd' : chain === undefined ? 'nothing' : 'fiona up',
    ...(chain === undefined ? {} : { pid: Number(chain['pid']), since: String(chain['since']) }),
    parts,
    stages: await stageReports(config),
    journals: await Promise.all(journals.map((name) => journalReport(dataDir, name))),
    disk,
    ports,
    trouble,
  }
}

/** What each stage has before it, in the order of a study's way. */
export async function stageReports({ dataDir }: Config): Promise<readonly StageReport[]> {
  const stages = standardStages.toReversed()
  return Promise.all(
    stages.map(async ({ name, from }) => ({ name, ...(await lagOf(dataDir, from, name)) })),
  )
}

/** Whoever asks how far behind a stage is must not wait for hours of backlog to be read. */
const mostLagBytes = 64 << 20

async function lagOf(
  dataDir: string,
  journal: string,
  reader: string,
): Promise<Omit<StageReport, 'name'>> {
  const directory = journalPath(dataDir, journal)
  const cursor = (await loadCursor(directory, reader))?.cursor
  let lag = 0
  let bytes = 0
  let oldest: string | undefined
  const report = () => ({ lag, ...(oldest === undefined ? {} : { oldest }) })
  for await (const { lines } of readJournal(directory, cursor === undefined ? {} : { cursor })) {
    if (bytes >= mostLagBytes) return { ...report(), more: true }
    bytes += lines.length
    lag += countLines(lines)
    oldest ??= timeOf(lines.toString('utf8', 0, lines.indexOf(0x0a)))
  }
  return report()
}

const countedToday: readonly string[] = ['errors', 'held', 'sent']

async function journalReport(dataDir: string, name: string): Promise<JournalReport> {
  const directory = journalPath(dataDir, name)
  const sinceMs = new Date().setHours(0, 0, 0, 0)
  const { bytes, rested } = await journalSize(directory, sinceMs)
  if (!countedToday.includes(name)) return { name, bytes }
  const isToday = lineFilter({ study: undefined, type: undefined, sinceMs, untilMs: undefined })
  let today = 0
  for await (const { lines } of readJournal(directory, { cursor: rested })) {
    today += countLines(isToday?.(lines) ?? lines)
  }
  return { name, bytes, today }
}

function timeOf(line: string): string | undefined {
  try {
    const { time } = JSON.parse(line) as { time?: unknown }
    return typeof time === 'string' ? time : undefined
  } catch {
    return undefined
  }
}

export async function isListening(port: number): Promise<boolean> {
  if (port === 0) return false
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2000 })
    const end = (is: boolean) => () => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })
}
