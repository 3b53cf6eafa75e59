import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { partsOf, standardChain } from '../chain/index.ts'
import type { Config } from '../config/index.ts'
import {
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
import { introduction } from './introduction.ts'
import { prepareSite } from './prepare-site.ts'
import { findFreePort } from './free-port.ts'
import { RecordShow } from './show-records.ts'
import { Supervisor, type SupervisorEvents } from './supervisor.ts'
import { watchJournals } from './watch-journals.ts'

export interface ChainRun {
  readonly config: Config
  readonly log: Logger
  readonly signal: AbortSignal
  readonly print: (text: string) => Promise<void>
  /** Called with each record that reaches a journal. */
  readonly seen?: (journal: string, record: AnyRecord) => void
}

/** Where the launchers are: bin/ beside dist/. */
const binDir = fileURLToPath(new URL('../bin/', import.meta.url)).replace(/\/$/, '')

const watched = ['received', 'organized', 'requested', 'outbox', 'sent', 'held', 'errors'] as const

/**
 * The standard chain in the foreground, until `signal`.
 * @throws FionaError E_CONFIG, E_LEASE_HELD, E_PORT_IN_USE, E_PORT
 */
export async function runChain({ config, log, signal, print, seen }: ChainRun): Promise<number> {
  checkSupported(config, log)
  await refuseDisabled(config)
  await using claim = await claimSite(config.runDir)
  const inForce = await withFreePorts(config, claim.isAfterCrash)
  const site = await prepareSite(inForce)
  const letGo = site.frontDoors.map(({ path }) => holdNamedPipe(path))
  for (const line of introduction(inForce, site)) await print(line)
  if (site.madeKey) {
    log.info({ keyFile: site.keyFile }, 'made a pseudonymization key; keep a copy in a safe place')
  }

  const watching = new AbortController()
  const show = new RecordShow(print)
  const watch = watchJournals(config.dataDir, watched, watching.signal, (journal, record) => {
    show.show(journal, record)
    seen?.(journal, record)
  })
  const supervisor = new Supervisor({
    binDir,
    environment: { FIONA_CONFIG: site.configPath, FIONA_LOG_LEVEL: log.level },
    events: logged(log),
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
  const obeying = control.obeyFiles(closed, stop)
  // Should watching fail, the chain must not go on unseen.
  await Promise.race([stop.aborted ? undefined : once(stop, 'abort'), watch])
  stopping.abort()
  await obeying
  log.info('stopping: each part finishes what it has in hand')
  await supervisor.stop()
  for (const close of letGo) close()
  watching.abort()
  await watch
  show.flush()
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

function logged(log: Logger): SupervisorEvents {
  return {
    started(part, childPid) {
      log.debug({ part, childPid }, 'started')
    },
    died(part, how, restartInMs) {
      log.warn({ part, how, restartInMs }, 'a part of the chain ended; it will be started again')
    },
    stopped(part) {
      log.debug({ part }, 'stopped')
    },
    failing(part, how, lastWords) {
      log.error(
        { part, how, lastWords, hint: 'fiona-ctl check looks for the cause' },
        'a part of the chain fails again and again; it is tried on, at the longest pause',
      )
    },
  }
}
