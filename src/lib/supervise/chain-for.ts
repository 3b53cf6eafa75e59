import { isatty } from 'node:tty'
import type { Logger } from 'pino'
import type { Config } from '../config/index.ts'
import { ChainLog } from '../control/index.ts'
import { Operator, screenFor } from './operator.ts'
import { person } from './person.ts'
import { program } from './program.ts'
import type { ChainRun } from './run-chain.ts'

/**
 * Who is told, and where the log goes: a screen for an operator, with the log in a file; lines for a person whose
 * terminal has no room for it; events for a program.
 */
export async function chainFor(told: {
  readonly config: Config
  readonly log: Logger
  readonly print: (text: string) => Promise<void>
}): Promise<Pick<ChainRun, 'audience' | 'chainLog' | 'config' | 'log'>> {
  const { config, log, print } = told
  if (!isatty(1)) {
    const chainLog = ChainLog.ofStderr(config.dataDir)
    return { config, log, audience: program(print), chainLog }
  }
  // Whoever redirected stderr wants the log there.
  if (!isatty(2)) {
    const screen = screenFor(config)
    const audience = screen === undefined ? person(print) : new Operator(screen, undefined)
    return { config, log, audience }
  }
  const chainLog = await ChainLog.open(config.dataDir).catch(() => undefined)
  const screen = chainLog === undefined ? undefined : screenFor(config)
  if (chainLog === undefined || screen === undefined) {
    // Where there is no log file there will be no chain: it says itself why.
    chainLog?.close()
    return { config, log, audience: person(print) }
  }
  const { createFileLog } = await import('../cli/log.ts')
  const fileLog = createFileLog('fiona-ctl', log.level, chainLog.fd)
  return { config, log: fileLog, audience: new Operator(screen, chainLog), chainLog }
}
