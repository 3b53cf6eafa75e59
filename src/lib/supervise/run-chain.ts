import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { partsOf, standardChain } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import {
  type ChainLog,
  closedParts,
  ControlServer,
  controlSocket,
  disabledDoors,
  wholeChain,
} from '../control/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import type { AnyRecord } from '../record/index.ts'
import { holdNamedPipe } from '../storage/index.ts'
import { ChainControl } from './chain-control.ts'
import { checkSupported } from './check-supported.ts'
import { claimSite } from './claim-site.ts'
import type { Audience } from './audience.ts'
import { prepareSite } from './prepare-site.ts'
import { findFreePort } from './free-port.ts'
import { logEvent } from './log-events.ts'
import { Supervisor } from './supervisor.ts'
import { watchJournals } from './watch-journals.ts'

export interface ChainRun {
  readonly config: Config
  readonly log: Logger
  readonly signal: AbortSignal
  readonly audience: Audience
  /** Called with each record that reaches a journal. */
  readonly seen?: (journal: string, record: AnyRecord) => void
  /** What this process and its parts write their log into, where that is a file of the chain's own. */
  readonly chainLog?: ChainLog | undefined
}

/** Where the launchers are: bin/ beside dist/. */
const binDir = fileURLToPath(new URL('../bin/', import.meta.url)).replace(/\/$/, '')

/** How often the log of the chain is looked at for its size. */
const tidyEveryMs = 10_000

const watched = ['received', 'organized', 'requested', 'outbox', 'sent', 'held', 'errors'] as const

/**
 * The standard chain in the foreground, until `signal`.
 * @throws FionaError E_CONFIG, E_LEASE_HELD, E_PORT_IN_USE, E_PORT
 */
export async function runChain(run: ChainRun): Promise<number> {
  const { config, log, signal, audience, seen, chainLog } = run
  checkSupported(config, log)
  await refuseDisabled(config)
  await using claim = await claimSite(config.runDir)
  const inForce = await withFreePorts(config, claim.isAfterCrash)
  const site = await prepareSite(inForce)
  const letGo = site.frontDoors.map(({ path }) => holdNamedPipe(path))
  await audience.starting(inForce, site)
  if (site.madeKey) {
    log.info({ keyFile: site.keyFile }, 'made a pseudonymization key; keep a copy in a safe place')
  }

  const watching = new AbortController()
  const told = [audience.record, seen].filter((tell) => tell !== undefined)
  const watch =
    told.length === 0
      ? undefined
      : watchJournals(config.dataDir, watched, watching.signal, (journal, record) => {
          for (const tell of told) tell(journal, record)
        })
  const supervisor = new Supervisor({
    binDir,
    environment: { FIONA_CONFIG: site.configPath, FIONA_LOG_LEVEL: log.level },
    stderr: chainLog?.fd,
    tell(event) {
      logEvent(log, event)
      audience.happened(event)
    },
  })
  const stopping = new AbortController()
  const stop = AbortSignal.any([signal, stopping.signal])
  const control = new ChainControl({ supervisor, config: inForce, stopping, log })
  await using server = await ControlServer.open(controlSocket(config.runDir), (request) =>
    control.perform(request),
  )
  log.debug({ path: server.path }, 'fiona-ctl is heard')
  const chain = standardChain(partsOf(inForce))
  const closed = await closedParts(inForce)
  supervisor.start(chain, new Set(closed.keys()))
  audience.running?.(() => control.parts())
  const tidying = setInterval(() => {
    chainLog?.keepSmall().catch((error: unknown) => {
      log.warn({ err: (error as Error).message }, 'the log of the chain cannot be put aside')
    })
  }, tidyEveryMs).unref()
  const obeying = control.obeyFiles(closed, stop)
  // Should watching fail, the chain must not go on unseen.
  const end = stop.aborted ? undefined : once(stop, 'abort')
  await (watch === undefined ? end : Promise.race([end, watch]))
  stopping.abort()
  await obeying
  audience.stopping()
  log.info('stopping: each part finishes what it has in hand')
  await supervisor.stop()
  for (const close of letGo) close()
  watching.abort()
  await watch
  clearInterval(tidying)
  await audience.stopped()
  return ExitCode.ok
}

/** @throws FionaError E_DISABLED */
async function refuseDisabled({ dataDir }: Config): Promise<void> {
  if (!(await disabledDoors(dataDir)).has(wholeChain)) return
  throw new FionaError('E_DISABLED', 'the chain on this data directory is disabled', {
    hint: 'fiona-ctl enable allows it again',
    exitCode: ExitCode.notAllowed,
  })
}

async function withFreePorts(config: Config, isAfterCrash: boolean): Promise<Config> {
  const { receiver, mpps, projects } = config
  const port = await findFreePort(receiver.port, { isAfterCrash, setBy: '--port' })
  const withReceiver = { ...config, receiver: { ...receiver, port } }
  for (const [project, { receiver: own }] of Object.entries(projects)) {
    const setBy = `projects.${project}.receiver.port`
    if (own !== undefined) await findFreePort(own.port, { isAfterCrash, setBy })
  }
  if (mpps === undefined) return withReceiver
  const mppsPort = await findFreePort(mpps.port, { isAfterCrash, setBy: 'mpps.port' })
  return { ...withReceiver, mpps: { ...mpps, port: mppsPort } }
}
