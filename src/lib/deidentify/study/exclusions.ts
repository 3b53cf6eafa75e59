import type { DicomFile } from '../../dicom/index.ts'
import { ExitCode, FionaError } from '../../error/index.ts'
import type { SourceObject } from './source-objects.ts'

/** Leaves an object out: the reason as a record says it, or undefined. */
export type Exclusion = (file: DicomFile, source: SourceObject) => string | undefined

type Test = (value: string, file: DicomFile, source: SourceObject) => boolean

const is = (tag: number): Test => {
  return (value, file) => file.string(file.dataSet, tag)?.toUpperCase() === value.toUpperCase()
}

/** What an entry of `exclude` may ask for. */
const tests: Readonly<Record<string, Test>> = {
  modality: is(0x00080060),
  sopClass: is(0x00080016),
  classifyType: (value, _, { types }) => types.includes(value),
}

/**
 * `exclude` of a project: an object that fits all conditions of one entry stays on the clinical side.
 * @throws FionaError E_CONFIG for a condition that does not exist: it must not go out by a spelling mistake
 */
export function exclusionOf(entries: readonly Readonly<Record<string, string>>[]): Exclusion {
  const rules = entries.map((entry) => ({
    name: Object.entries(entry)
      .map(([key, value]) => `${key} ${value}`)
      .join(', '),
    conditions: Object.entries(entry).map(([key, value]) => ({ test: testOf(key), value })),
  }))
  return (file, source) =>
    rules.find(
      ({ conditions }) =>
        conditions.length > 0 && conditions.every(({ test, value }) => test(value, file, source)),
    )?.name
}

/** Left out by the one or by the other. */
export function eitherOf(one: Exclusion, other: Exclusion): Exclusion {
  return (file, source) => one(file, source) ?? other(file, source)
}

function testOf(key: string): Test {
  const test = Object.hasOwn(tests, key) ? tests[key] : undefined
  if (test !== undefined) return test
  throw new FionaError(
    'E_CONFIG',
    `exclude knows no condition ${JSON.stringify(key.slice(0, 40))}`,
    {
      hint: `there are ${Object.keys(tests).join(', ')}`,
      exitCode: ExitCode.badConfig,
    },
  )
}
