import { ExitCode, FionaError } from '../error/index.ts'

const mostShown = 20

/** @param mistakes each with its line */
export function refuse(mistakes: readonly string[]): FionaError {
  const shown = mistakes.slice(0, mostShown)
  const more = mistakes.length - shown.length
  if (more > 0) shown.push(`and ${String(more)} more`)
  return new FionaError('E_CONFIG', shown.join('\n  '), {
    hint: 'correct the configuration and start again; nothing was started',
    exitCode: ExitCode.badConfig,
  })
}
