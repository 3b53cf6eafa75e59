import { connect } from 'node:net'
import { loadFailing, partNames, partsOf, portsOf, standardStages } from '../chain/index.ts'
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
import { deliveryReports, deliveryTrouble } from './delivery-reports.ts'
import { closedEverywhere } from './closed-parts.ts'
import { askChain } from './control-client.ts'
import { heldReports } from './held-reports.ts'
import type { ControlAnswer } from './control-server.ts'
import { diskTrouble, troubleOf } from './in-words.ts'
import type { JournalReport, PartReport, SiteStatus, StageReport } from './status-schema.ts'
import type { Systemd } from './systemd.ts'

/** The parts, and what the running `fiona up` says of itself, if it is that. */
export async function partReports(
  config: Config,
  systemd: Systemd | undefined,
): Promise<{ readonly parts: readonly PartReport[]; readonly chain: ControlAnswer | undefined }> {
  const names = partNames(partsOf(config))
  if (systemd !== undefined) {
    const parts = names.map((name) => systemd.part(name, config))
    const reports = (await Promise.all(parts)) as unknown as PartReport[]
    return { parts: withReasons(reports, await closedEverywhere(config)), chain: undefined }
  }
  const chain = await askChain(config.runDir, { do: 'status' })
  const parts = chain?.['parts'] as PartReport[] | undefined
  return { parts: parts ?? names.map((name) => ({ name, state: 'stopped' })), chain }
}

/** To systemd a unit whose condition does not hold is inactive: that it is closed on purpose, and why, is said here. */
export function withReasons(
  parts: readonly PartReport[],
  closed: ReadonlyMap<string, string>,
): readonly PartReport[] {
  return parts.map((part) => {
    const reason = part.state === 'running' ? undefined : closed.get(part.name)
    return reason === undefined ? part : { ...part, state: 'closed', reason }
  })
}

/** What there is to know about a site, whether or not anything runs. */
export async function siteStatus(
  config: Config,
  systemd: Systemd | undefined,
): Promise<SiteStatus> {
  const { dataDir, receiver } = config
  const { parts: processes, chain } = await partReports(config, systemd)
  const stages = await stageReports(config)
  const parts = withPipelines(processes, stages)
  const inForce = (chain?.['ports'] ?? {}) as Readonly<Record<string, number>>
  const isAny = (name: string): boolean =>
    processes.some((part) => part.name === name && part.state === 'running')
  const ports = await Promise.all(
    portsOf(config).map(async ({ part, port: configured }) => {
      const port = inForce[part] ?? configured
      return { part, port, listening: await isListening(port) }
    }),
  )
  const journals = await listJournals(dataDir)
  const deliveries = await deliveryReports(dataDir)
  const disk = { freeBytes: freeBytes(dataDir), reserveBytes: receiver.reserveBytes }
  const full = diskTrouble(disk)
  const trouble = [
    ...parts.flatMap((part) => troubleOf(part) ?? []),
    ...ports.flatMap(({ part, port, listening }) =>
      isAny(part) && !listening ? [`${part} does not listen on port ${String(port)}`] : [],
    ),
    ...deliveries.flatMap((one) => deliveryTrouble(one) ?? []),
    ...(full === undefined ? [] : [full]),
  ]
  return {
    v: 1,
    type: 'status',
    ok: trouble.length === 0,
    runs: systemd !== undefined ? 'systemd' : chain === undefined ? 'nothing' : 'fiona up',
    ...(chain === undefined ? {} : { pid: Number(chain['pid']), since: String(chain['since']) }),
    parts,
    stages,
    deliveries,
    held: await heldReports(dataDir),
    journals: await Promise.all(journals.map((name) => journalReport(dataDir, name))),
    disk,
    ports,
    trouble,
  }
}

/** Once is none: a pipeline may be killed, and is started again. */
const againAndAgain = 3

/** The parts; a stage that runs is failing when its pipeline is. */
export function withPipelines(
  parts: readonly PartReport[],
  stages: readonly StageReport[],
): PartReport[] {
  return parts.map((part) => {
    const failing = stages.find(({ name }) => name === part.name)?.failing
    if (failing === undefined || part.state !== 'running') return part
    const { since, lastError, hint } = failing
    const why = `its pipeline: ${lastError}`
    return {
      ...part,
      state: 'failing',
      since,
      lastError: why,
      ...(hint === undefined ? {} : { hint }),
    }
  })
}

/** What each stage has before it, in the order of a study's way. */
export async function stageReports(
  config: Pick<Config, 'dataDir' | 'requests'>,
): Promise<StageReport[]> {
  const { dataDir } = config
  const stages = standardStages(config).toReversed()
  return Promise.all(
    stages.map(async ({ name, from }) => {
      const failing = await loadFailing(journalPath(dataDir, from), name)
      const isAgainAndAgain = failing !== undefined && failing.failures >= againAndAgain
      const lag = await lagOf(dataDir, from, name)
      return { name, ...lag, ...(isAgainAndAgain ? { failing } : {}) }
    }),
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
