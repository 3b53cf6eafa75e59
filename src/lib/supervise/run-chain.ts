import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import type { Config } from '../config/index.ts'
import { ExitCode } from '../error/index.ts'
import type { AnyRecord } from '../record/index.ts'
import { checkSupported } from './check-supported.ts'
import { claimSite } from './claim-site.ts'
import { introduction } from './introduction.ts'
import { prepareSite } from './prepare-site.ts'
import { findFreePort } from './free-port.ts'
import { RecordShow } from './show-records.ts'
import { standardChain } from './standard-chain.ts'
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
  await using claim = await claimSite(config.runDir)
  const inForce = await withFreePorts(config, claim.isAfterCrash)
  const site = await prepareSite(inForce)
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
  const { mpps, inboxes } = inForce
  supervisor.start(standardChain(site.frontDoor, { mpps: mpps !== undefined, inboxes }))
  // Should watching fail, the chain must not go on unseen.
  await Promise.race([signal.aborted ? undefined : once(signal, 'abort'), watch])
  log.info('stopping: each part finishes what it has in hand')
  await supervisor.stop()
  watching.abort()
  await watch
  show.flush()
  return ExitCode.ok
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
  }
}
