// A source of requests beside a REDCap that is served here. Its pauses end when the test says so.
import { createHmac } from 'node:crypto'
import type { Test } from 'tap'
import type { FionaError } from '../../src/lib/error/index.ts'
import type {
  DeidentifiedRecord,
  RequestRecord,
  StudyRecord,
  TransferRecord,
} from '../../src/lib/record/index.ts'
import { keyedHash } from '../../src/lib/redcap/patient-hashes.ts'
import { openProjects, type RedcapConfig } from '../../src/lib/redcap/open-redcap.ts'
import { RedcapSource, type RedcapSourceOptions } from '../../src/lib/redcap/redcap-source.ts'
import type { Changed, StudyInQuestion } from '../../src/lib/request/source.ts'
import { RedcapServer, type ServedProject } from './server.ts'
import { repeats, setupOf, temporary, tokenFile, tokens } from './served.ts'

export interface Site {
  readonly server: RedcapServer
  readonly incoming: ServedProject
  readonly projects: ServedProject
  readonly routing: ServedProject
  readonly couplings: ServedProject
  readonly autoIds: ServedProject
  readonly own: ServedProject
  readonly directory: string
  readonly config: RedcapConfig
}

export async function serveSite(t: Test): Promise<Site> {
  const server = await RedcapServer.start()
  t.teardown(() => server.stop())
  const directory = temporary()
  return {
    server,
    incoming: server.add(tokens.incoming, setupOf('Incoming', { repeating: repeats.Incoming })),
    projects: server.add(
      tokens.projects,
      setupOf('DataTransferProjects', { repeating: repeats.DataTransferProjects }),
    ),
    routing: server.add(tokens.routing, setupOf('Routing')),
    couplings: server.add(tokens.couplings, setupOf('CouplingList')),
    autoIds: server.add(tokens.autoIds, setupOf('AutoID')),
    own: server.add(
      tokens.own,
      setupOf('Project', { repeating: repeats.Project, events: ['event_1_arm_1', 'month6_arm_1'] }),
    ),
    directory,
    config: {
      url: server.url,
      callsPerMinute: 100_000,
      tokenFile: tokenFile(directory, 'incoming'),
      projectsTokenFile: tokenFile(directory, 'projects'),
      routingTokenFile: tokenFile(directory, 'routing'),
      couplingTokenFile: tokenFile(directory, 'couplings'),
      autoIdTokenFile: tokenFile(directory, 'autoIds'),
      ownTokenFiles: { OWN: tokenFile(directory, 'own') },
    },
  }
}

export interface RunningSource {
  readonly source: RedcapSource
  readonly changes: (Changed | undefined)[]
  readonly troubles: (FionaError | undefined)[]
  readonly log: string[]
  /** Lets pauses end until it is so; those between two readings only where `reading` says so. */
  readonly until: (isSo: () => boolean, what?: 'reading') => Promise<void>
  readonly stop: () => Promise<void>
}

export async function startSource(
  t: Test,
  site: Site,
  options: Partial<RedcapSourceOptions> & { readonly state?: string } = {},
): Promise<RunningSource> {
  const log: string[] = []
  const write = (...words: unknown[]): void => void log.push(JSON.stringify(words))
  const logger = { debug: write, info: write, warn: write }
  const pauses = new Map<() => void, number>()
  const wait = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        pauses.delete(end)
        signal.removeEventListener('abort', end)
        resolve()
      }
      if (signal.aborted) end()
      else {
        pauses.set(end, ms)
        signal.addEventListener('abort', end, { once: true })
      }
    })
  const { state = `${site.directory}/state`, ...more } = options
  const projects = await openProjects(site.config, logger, { attempts: 1 })
  const source = new RedcapSource({
    name: 'redcap',
    redcap: projects,
    everySeconds: readingPauseMs / 1000,
    couplingDays: 14,
    hash: keyedHash((...texts) => createHmac('sha256', 'key').update(texts.join()).digest()),
    destinationsOf: () => ['research'],
    log: logger,
    close: () => projects.close(),
    wait,
    random: () => 1,
    ...more,
  })
  const changes: (Changed | undefined)[] = []
  const troubles: (FionaError | undefined)[] = []
  const ended = new AbortController()
  await source.open({
    directory: state,
    changed: (which) => void changes.push(which),
    trouble: (error) => void troubles.push(error),
    signal: ended.signal,
  })
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (isStopped) return
    isStopped = true
    await source.close()
  }
  t.teardown(stop)
  return {
    source,
    changes,
    troubles,
    log,
    stop,
    async until(isSo, what) {
      const begun = performance.now()
      while (!isSo()) {
        if (performance.now() - begun > 20_000)
          throw new Error(`it does not come to pass\n${log.join('\n')}`)
        for (const [end, ms] of [...pauses]) {
          if (ms !== readingPauseMs || what === 'reading') end()
        }
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    },
  }
}

/** Told from all other pauses by its length. */
const readingPauseMs = 61_000

export function study(
  uid: string,
  more: {
    readonly values?: Readonly<Record<string, string>>
    readonly series?: StudyRecord['series']
    readonly revision?: number
  } = {},
): StudyInQuestion {
  const values: Readonly<Record<string, string>> = {
    callingAET: 'SCANNER1',
    calledAET: 'FIONA',
    PatientName: 'Doe^Jane',
    PatientID: '01017012345',
    AccessionNumber: 'ACC1',
    StudyDescription: 'MR Head',
    StudyDate: '20260102',
    StudyTime: '101112',
    InstitutionName: 'Hospital',
    ...more.values,
  }
  const revision = more.revision ?? 1
  const series = more.series ?? [
    { SeriesInstanceUID: `${uid}.1`, instances: 3, SeriesDescription: 'T1' },
  ]
  return {
    key: `default/${uid}`,
    StudyInstanceUID: uid,
    tree: 'default',
    revision,
    record: {
      type: 'study',
      v: 1,
      time: '2026-01-02T12:00:00.000Z',
      StudyInstanceUID: uid,
      path: `/var/lib/fiona/default/archive/${uid}`,
      series,
      instances: 3,
      bytes: 1,
      reason: 'quiet',
      revision,
    },
    values: (name) => (values[name] === undefined || values[name] === '' ? [] : [values[name]]),
  }
}

export function request(uid: string, more: Partial<RequestRecord> = {}): RequestRecord {
  return {
    type: 'request',
    v: 1,
    time: '2026-01-02T12:01:00.000Z',
    requestId: `r-${uid}`,
    StudyInstanceUID: uid,
    revision: 1,
    path: null,
    series: [],
    project: 'ABCD',
    participant: 'ABCD_001',
    event: 'baseline',
    ...more,
  }
}

export function deidentified(
  uid: string,
  more: Partial<DeidentifiedRecord> = {},
): DeidentifiedRecord {
  return {
    type: 'deidentified',
    v: 1,
    time: '2026-01-02T12:02:00.000Z',
    requestId: `r-${uid}`,
    project: 'ABCD',
    participant: 'ABCD_001',
    StudyInstanceUID: `2.25.${uid.replaceAll('.', '')}`,
    path: '/nowhere',
    series: [],
    instances: 3,
    bytes: 1,
    profile: 'basic',
    profileDigest: 'x',
    revision: 1,
    ...more,
  }
}

export function transfer(uid: string, more: Partial<TransferRecord> = {}): TransferRecord {
  return {
    type: 'transfer',
    v: 1,
    time: '2026-01-02T12:03:00.000Z',
    requestId: `r-${uid}`,
    destination: 'research',
    status: 'sent',
    instances: { sent: 3, failed: 0 },
    attempts: 1,
    seconds: 2,
    committed: false,
    verified: true,
    ...more,
  }
}
