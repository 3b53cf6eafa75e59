import { ExitCode, FionaError } from '../../error/index.ts'
import type { Decision } from './review.ts'

/** Options by which a person says what becomes of a held study. */
export interface DecisionOptions {
  readonly release: string | undefined
  readonly drop: string | undefined
  readonly releaseAnyway: boolean | undefined
  readonly journal: string | undefined
  readonly by: string | undefined
  readonly because: string | undefined
}

/** @throws FionaError E_USAGE: whoever decides about a study must not get another decision. */
export function requireOneDecision(options: DecisionOptions): void {
  const { release, drop, releaseAnyway, journal, by, because } = options
  const isDecided = release !== undefined || drop !== undefined
  if (release !== undefined && drop !== undefined) {
    throw usage('--release and --drop are two decisions')
  }
  if (release === undefined && (releaseAnyway === true || journal !== undefined)) {
    throw usage('--release-anyway and --journal belong to --release')
  }
  if (!isDecided && (by !== undefined || because !== undefined)) {
    throw usage('--by and --because belong to --release or --drop')
  }
  if (releaseAnyway === true && (because ?? '').trim() === '') {
    throw usage('--release-anyway needs --because: what nobody can see passes only for a reason')
  }
}

/** @throws FionaError E_USAGE */
export function reviewArguments([command, ...ids]: readonly string[]): readonly string[] {
  if (command === 'review' && ids.length < 2) return ids
  throw usage(`unexpected argument ${JSON.stringify(command === 'review' ? ids[1] : command)}`)
}

function usage(message: string): FionaError {
  return new FionaError('E_USAGE', message, {
    hint: 'see fiona-anon --help',
    exitCode: ExitCode.usage,
  })
}

/** Who decides, and why, as far as it is said. */
export function decisionOf({ by, because }: Pick<DecisionOptions, 'by' | 'because'>): Decision {
  return {
    ...(by === undefined ? {} : { by }),
    ...(because === undefined ? {} : { because }),
  }
}
