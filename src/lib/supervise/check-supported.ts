import type { Logger } from 'pino'
import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

/** Parts that the configuration may name already, and that nothing of this version reads. */
const withoutEffect = ['health', 'web', 'retention'] as const

/**
 * What would be found out later is told before anything starts.
 * @throws FionaError E_CONFIG (exit 78) for two doors on one port, which options may bring together
 */
export function checkSupported(config: Config, log: Logger): void {
  const { receiver, mpps } = config
  if (mpps !== undefined && mpps.port === receiver.port && mpps.port !== 0) {
    const message = `mpps.port: ${String(mpps.port)} is the receiver's port already`
    throw new FionaError('E_CONFIG', `${config.path ?? 'configuration'}: ${message}`, {
      hint: 'correct the configuration and start again; nothing was started',
      exitCode: ExitCode.badConfig,
    })
  }
  for (const key of withoutEffect) {
    if (config[key] !== undefined)
      log.warn({ key }, 'this part of the configuration has no effect yet')
  }
}
