import type { Logger } from 'pino'
import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'

/** Parts that the configuration may name already, and that nothing of this version reads. */
const withoutEffect = ['health', 'web', 'retention'] as const
const schemes = ['dicom:', 'dicoms:', 'file:']

/**
 * What would be found out later, one delivery at a time, is told before anything starts.
 * @throws FionaError E_CONFIG (exit 78) for a destination that nothing can deliver to yet, and for two
 *   doors on one port
 */
export function checkSupported(config: Config, log: Logger): void {
  const mistakes = Object.entries(config.destinations).flatMap(([name, { url, verify }]) => [
    ...(schemes.some((scheme) => url.startsWith(scheme))
      ? []
      : [`destinations.${name}.url: only ${schemes.join(', ')} can be delivered to yet`]),
    ...(verify === 'commitment'
      ? [`destinations.${name}.verify: commitment cannot be asked for yet; write find or none`]
      : []),
  ])
  const { receiver, mpps } = config
  if (mpps !== undefined && mpps.port === receiver.port && mpps.port !== 0) {
    mistakes.push(`mpps.port: ${mpps.port} is the receiver's port already`)
  }
  if (mistakes.length > 0) {
    throw new FionaError(
      'E_CONFIG',
      `${config.path ?? 'configuration'}: ${mistakes.join('\n  ')}`,
      {
        hint: 'correct the configuration and start again; nothing was started',
        exitCode: ExitCode.badConfig,
      },
    )
  }
  for (const key of withoutEffect) {
    if (config[key] !== undefined)
      log.warn({ key }, 'this part of the configuration has no effect yet')
  }
  if (config.requests.length > 0) {
    log.warn('requests are not answered yet: with them configured, no study is de-identified')
  }
}
