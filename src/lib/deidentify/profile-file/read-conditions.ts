import { tagOf, vrOf } from '../../dicom/index.ts'
import { BoundedRegExp, PatternError } from '../../regexp/index.ts'
import type { Condition } from '../rules/rule.ts'
import type { Problems } from './problems.ts'
import type { RuleText } from './schema.ts'
import { meantClass, sopClassOf } from './sop-classes.ts'
import type { Key, Source } from './source.ts'
import { unknownKeyword } from './unknown-keyword.ts'

const ClassifyType = 'ClassifyType'
const SOPClassUID = 0x00080016

/** `when` of a rule. What is wrong with it goes into `problems`. */
export function readConditions(
  when: NonNullable<RuleText['when']>,
  keys: readonly Key[],
  source: Source,
  problems: Problems,
): Condition[] {
  return Object.entries(when).flatMap(([name, values]) => {
    const offset = source.at([...keys, name], true)
    const of = name === ClassifyType ? name : (tagOf(name) ?? tagOfDigits(name))
    if (of === undefined) {
      problems.mistake(offset, unknownKeyword(name, [ClassifyType]))
      return []
    }
    if (of !== ClassifyType && vrOf(of) === 'SQ') {
      problems.mistake(
        offset,
        `${name} is a sequence: a condition asks for one value at the top of the object`,
      )
      return []
    }
    const written = Array.isArray(values) ? values : [values]
    const is = written.flatMap((value) => {
      const at = source.at([...keys, name])
      return readWanted(String(value), of === SOPClassUID, at, problems) ?? []
    })
    return is.length === 0 ? [] : [{ of, is }]
  })
}

function tagOfDigits(text: string): number | undefined {
  const match = /^\(([0-9a-f]{4}),\s*([0-9a-f]{4})\)$/i.exec(text)
  return match === null ? undefined : Number.parseInt(`${match[1] ?? ''}${match[2] ?? ''}`, 16)
}

/** `/…/` and `/…/i` are patterns, all else is a text. */
function readWanted(
  text: string,
  isClass: boolean,
  offset: number,
  problems: Problems,
): string | BoundedRegExp | undefined {
  const [, pattern, flag] = /^\/(.+)\/(i?)$/s.exec(text) ?? []
  if (pattern !== undefined) {
    return readPattern(`${flag === 'i' ? '(?i)' : ''}${pattern}`, offset, problems)
  }
  if (!isClass) return text
  const uid = sopClassOf(text)
  if (uid === undefined) {
    problems.mistake(
      offset,
      `no SOP class is called ${JSON.stringify(text)}${meantClass(text, false)}`,
    )
  }
  return uid
}

/** Undefined for what is no pattern; `problems` knows why. */
export function readPattern(
  pattern: string,
  offset: number,
  problems: Problems,
): BoundedRegExp | undefined {
  try {
    return new BoundedRegExp(pattern)
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    problems.mistake(
      offset,
      `no regular expression: ${error.message} (character ${String(error.at + 1)} of ${JSON.stringify(pattern)})`,
    )
    return undefined
  }
}
