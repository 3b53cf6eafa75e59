import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import type { AnyRecord } from '../record/index.ts'
import { prepareSite } from './prepare-site.ts'
import { shortForm } from './short-form.ts'
import { standardChain } from './standard-chain.ts'
import { Supervisor } from './supervisor.ts'
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

/** The standard chain in the foreground, until `signal`. */
export async function runChain({ config, log, signal, print, seen }: ChainRun): Promise<number> {
  await portIsFree(config.receiver.port)
  const site = await prepareSite(config)
  const { aeTitle, port } = config.receiver
  await print(
    `Send studies to     ${aeTitle} at port ${port} (any AE title is accepted), or: echo /path/to/file.dcm > ${site.frontDoor}`,
  )
  await print(
    `Look at             ${config.dataDir}/default/raw and ${config.dataDir}/default/participants; journals: fiona-journal cat received --data-dir ${config.dataDir}`,
  )
  await print(
    `De-identified go to ${deliveredTo(config)}; held for review: ${config.dataDir}/default/review`,
  )
  if (site.madeKey)
    log.info('made a pseudonymization key in keys/pseudonym.key; keep a copy of it in a safe place')

  const watching = new AbortController()
  const show = instancesInOneLine(print)
  const watch = watchJournals(
    config.dataDir,
    ['received', 'organized', 'outbox', 'sent', 'held', 'errors'],
    watching.signal,
    (journal, record) => {
      // organized repeats the instances of received; each thing is shown once, where it first happens.
      if (!(journal === 'organized' && record.type === 'instance')) show(record)
      seen?.(journal, record)
    },
  )
  const supervisor = new Supervisor({
    binDir,
    environment: { FIONA_CONFIG: site.configPath },
    events: {
      started: (name, pid) => {
        log.debug({ part: name, childPid: pid }, 'started')
      },
      died: (name, how, restartInMs) => {
        log.warn(
          { part: name, how, restartInMs },
          'a part of the chain ended; it will be started again',
        )
      },
      stopped: (name) => {
        log.debug({ part: name }, 'stopped')
      },
    },
  })
  supervisor.start(standardChain(site.frontDoor))
  if (!signal.aborted) await once(signal, 'abort')
  log.info('stopping: each part finishes what it has in hand')
  await supervisor.stop()
  watching.abort()
  await watch
  return ExitCode.ok
}

/** @throws FionaError E_PORT_IN_USE */
async function portIsFree(port: number): Promise<void> {
  const probe = createServer()
  try {
    probe.listen(port)
    await once(probe, 'listening')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const isUsed = code === 'EADDRINUSE'
    throw new FionaError(
      isUsed ? 'E_PORT_IN_USE' : 'E_PORT',
      isUsed ? `port ${port} is in use` : `port ${port} cannot be opened (${String(code)})`,
      {
        hint: isUsed
          ? 'stop the program that uses it, or choose another with --port'
          : 'ports below 1024 need a privilege; choose another with --port',
        exitCode: isUsed ? ExitCode.unavailable : ExitCode.notAllowed,
        cause: error,
      },
    )
  } finally {
    probe.close()
  }
}

function deliveredTo(config: Config): string {
  const names = config.projects['default']?.destinations ?? []
  const urls = names.map((name) => config.destinations[name]?.url ?? name)
  return urls.length > 0 ? urls.join(', ') : `${config.dataDir}/delivered`
}

/** Objects come by the thousand: they are counted, and told once a second. */
function instancesInOneLine(print: (text: string) => Promise<void>): (record: AnyRecord) => void {
  let count = 0
  let timer: NodeJS.Timeout | undefined
  const say = (text: string): void => {
    void print(`${new Date().toTimeString().slice(0, 8)}  ${text}`)
  }
  const tell = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (count > 0) say(`received      ${count} object${count === 1 ? '' : 's'}`)
    count = 0
  }
  return (record) => {
    if (record.type === 'instance') {
      count++
      timer ??= setTimeout(tell, 1000)
      return
    }
    const text = shortForm(record)
    if (text === undefined) return
    tell()
    say(text)
  }
}
