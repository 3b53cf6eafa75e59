import type { ConfigProblem } from './generated/validate-config.js'
import { pointerOf } from './json-pointer.ts'
import type { ConfigFile } from './schema.ts'

type Deidentify = NonNullable<ConfigFile['projects'][string]['deidentify']>

/** Keys of `projects.*.deidentify` that would do nothing beside the others: whoever wrote them meant something. */
export function deidentifyProblems({ projects }: ConfigFile): ConfigProblem[] {
  return Object.entries(projects).flatMap(([project, { deidentify }]) => {
    if (deidentify === undefined) return []
    return [...settingProblems(deidentify), ...shiftProblems(deidentify)].map(
      ({ keys, message }) => ({
        instancePath: pointerOf(['projects', project, 'deidentify', ...keys]),
        schemaPath: '',
        message,
        params: {},
      }),
    )
  })
}

interface Found {
  readonly keys: readonly string[]
  readonly message: string
}

function settingProblems({ profile, iKnow, pseudonym, pattern }: Deidentify): Found[] {
  const isBasic = profile === undefined || profile === 'basic'
  return [
    ...(pattern !== undefined && pseudonym !== 'counter'
      ? [{ keys: ['pattern'], message: 'does nothing without pseudonym: counter' }]
      : []),
    ...(iKnow === true && isBasic
      ? [{ keys: ['iKnow'], message: 'does nothing without a profile that has base: none' }]
      : []),
  ]
}

function shiftProblems({ profile, dateShift }: Deidentify): Found[] {
  if (dateShift === undefined) return []
  const { mode, days, maxDays } = dateShift
  const found: Found[] = []
  const add = (message: string, ...key: readonly string[]) => {
    found.push({ keys: ['dateShift', ...key], message })
  }
  if (days !== undefined && mode !== 'fixed') add('belongs to mode fixed', 'days')
  if (maxDays !== undefined && mode !== 'perParticipant') {
    add('belongs to mode perParticipant', 'maxDays')
  }
  if (mode === 'fixed' && days === undefined) add('has mode fixed and no days: by how many?')
  if (days === 0) add('is 0, which shifts nothing; mode none says so', 'days')
  if (mode !== 'none' && (profile === undefined || profile === 'basic')) {
    add(
      'does nothing: the basic profile removes dates; name a profile with the option retainLongitudinalModifiedDates',
    )
  }
  return found
}
