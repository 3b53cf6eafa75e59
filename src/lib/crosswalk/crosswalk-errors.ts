import { ExitCode, FionaError } from '../error/index.ts'

export function damaged(path: string, what: string): FionaError {
  return new FionaError('E_CROSSWALK_DAMAGED', `the crosswalk ${path} is damaged: ${what}`, {
    hint: 'fiona-crosswalk verify says where; put back a copy, or reseal --without-damaged and import one into it',
    exitCode: ExitCode.badInput,
  })
}

export function damagedIndex(path: string): FionaError {
  return new FionaError('E_CROSSWALK_DAMAGED', `the index ${path} is damaged`, {
    hint: 'remove it: it is made anew from the crosswalk',
    exitCode: ExitCode.badInput,
  })
}

export function unwritten(path: string): FionaError {
  return new FionaError(
    'E_CROSSWALK_DAMAGED',
    `what is written into the crosswalk ${path} is not in it`,
    {
      hint: 'find out what else writes into it, and replay the record',
      retryable: true,
      exitCode: ExitCode.tryAgain,
    },
  )
}

export function exhausted(project: string): FionaError {
  return new FionaError(
    'E_PSEUDONYMS_EXHAUSTED',
    `all names that the pattern of project ${project} allows are given`,
    {
      hint: 'allow more with projects.*.deidentify.pattern, then replay the record; those that were given stay',
      exitCode: ExitCode.badConfig,
    },
  )
}

export function otherKey(path: string, key: string): FionaError {
  return new FionaError(
    'E_CROSSWALK_KEY',
    `the crosswalk ${path} is sealed with another key, ${key}`,
    {
      hint: 'fiona-crosswalk key fingerprint FILE tells a key; go on with that one, or seal it anew: fiona-crosswalk reseal --old-key-file FILE',
      exitCode: ExitCode.badConfig,
    },
  )
}
