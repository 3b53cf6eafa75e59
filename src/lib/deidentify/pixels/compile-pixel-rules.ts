import { ExitCode, FionaError } from '../../error/index.ts'
import type { Rectangle } from '../../pixels/index.ts'
import { nearest } from '../../text/index.ts'
import {
  type MaskedRegion,
  type PixelAction,
  type PixelPolicy,
  type PixelRule,
  type TextSearch,
  reviewPixels,
} from './pixel-policy.ts'
import { type Condition, ConditionError, pixelConditions } from './rule-conditions.ts'

const keys = ['default', 'rules', 'overlayBits', 'ocr']
const ocrKeys = ['then', 'command', 'languages', 'confidence']
const outsideUltrasoundRegions = 'outsideUltrasoundRegions'
const largestNumber = 0xffff
const mostRectangles = 1000

/**
 * What stands under `pixels` in a profile, made ready to be used.
 * @param where it stands, as messages say it: `profiles/abcd.yaml: pixels`
 * @throws FionaError E_PROFILE with the place of the mistake: a rule must not be void by a slip of the hand
 */
export function compilePixelRules(value: unknown, where: string): PixelPolicy {
  if (value === undefined || value === null) return reviewPixels
  const given = objectAt(value, where)
  requireKeys(given, keys, where)
  const ocr = textSearchOf(given['ocr'], `${where}.ocr`)
  const rules = listAt(given['rules'] ?? [], `${where}.rules`)
  return {
    rules: rules.map((rule, at) => ruleOf(rule, `${where}.rules[${String(at)}]`, at)),
    otherwise: defaultOf(given['default'], ocr, `${where}.default`),
    overlayBits:
      oneOf(given['overlayBits'], ['review', 'clear'] as const, `${where}.overlayBits`) ?? 'review',
    ocr,
  }
}

function defaultOf(
  value: unknown,
  ocr: TextSearch | undefined,
  where: string,
): PixelPolicy['otherwise'] {
  const word = oneOf(value, ['review', 'mask', 'keep', 'drop'] as const, where) ?? 'review'
  if (word !== 'mask') return word
  if (ocr?.then === 'mask') return 'review'
  throw mistake(
    where,
    'is mask, but nothing says what to mask: add ocr: mask, or rules with a mask',
  )
}

function ruleOf(value: unknown, where: string, index: number): PixelRule {
  const rule = objectAt(value, where)
  requireKeys(rule, ['name', 'action', 'mask', ...Object.keys(pixelConditions)], where)
  const { name } = rule
  if (name !== undefined && (typeof name !== 'string' || !/^[\x20-\x7e]{1,64}$/.test(name))) {
    throw mistake(`${where}.name`, 'must be a text of up to 64 ASCII characters')
  }
  const conditions = conditionsIn(rule, where)
  return {
    name: name ?? `pixels.rules[${String(index)}]`,
    fits: (file, types) => conditions.every((condition) => condition(file, types)),
    action: actionOf(rule, where),
  }
}

/**
 * Conditions that stand alone, each of which must hold.
 * @throws FionaError E_PROFILE with the place of the mistake
 */
export function conditionsOf(value: unknown, where: string): readonly Condition[] {
  const given = objectAt(value, where)
  requireKeys(given, Object.keys(pixelConditions), where)
  return conditionsIn(given, where)
}

function conditionsIn(
  given: Readonly<Record<string, unknown>>,
  where: string,
): readonly Condition[] {
  const conditions = Object.entries(pixelConditions).flatMap(([key, compile]): Condition[] => {
    if (given[key] === undefined) return []
    try {
      return [compile(given[key])]
    } catch (error) {
      if (error instanceof ConditionError) throw mistake(`${where}.${key}`, error.message)
      throw error
    }
  })
  if (conditions.length > 0) return conditions
  throw mistake(where, 'has no condition, and would decide about every object')
}

function actionOf(rule: Readonly<Record<string, unknown>>, where: string): PixelAction {
  const { action, mask } = rule
  const kinds = ['mask', 'clean', 'review', 'drop'] as const
  const kind = oneOf(action, kinds, `${where}.action`) ?? (mask === undefined ? undefined : 'mask')
  if (kind === undefined) throw mistake(where, 'has neither action nor mask')
  if (kind !== 'mask') {
    if (mask !== undefined) throw mistake(`${where}.mask`, `does not go with action: ${kind}`)
    return { kind }
  }
  if (mask === undefined) throw mistake(where, 'masks, and has no mask')
  return { kind, region: regionOf(mask, `${where}.mask`) }
}

function regionOf(value: unknown, where: string): MaskedRegion {
  if (value === outsideUltrasoundRegions) return outsideUltrasoundRegions
  if (!Array.isArray(value)) {
    throw mistake(where, `must be a list of [x, y, width, height], or ${outsideUltrasoundRegions}`)
  }
  if (value.length === 0) throw mistake(where, 'is empty: nothing would be masked')
  if (value.length > mostRectangles) {
    throw mistake(where, `has more than ${String(mostRectangles)} rectangles`)
  }
  return value.map((one: unknown, at) => rectangleOf(one, `${where}[${String(at)}]`))
}

function rectangleOf(value: unknown, where: string): Rectangle {
  const numbers: readonly unknown[] = Array.isArray(value) ? value : []
  const isWhole = (one: unknown): one is number =>
    typeof one === 'number' && Number.isInteger(one) && one >= 0 && one <= largestNumber
  const [x, y, width, height] = numbers
  const isRight = numbers.length === 4 && isWhole(x) && isWhole(y)
  if (!isRight || !isWhole(width) || !isWhole(height) || width < 1 || height < 1) {
    throw mistake(where, 'must be [x, y, width, height]: whole numbers of pixels up to 65535')
  }
  return [x, y, width, height]
}

function textSearchOf(value: unknown, where: string): TextSearch | undefined {
  if (value === undefined || value === false) return undefined
  const given = typeof value === 'string' ? { then: value } : objectAt(value, where)
  requireKeys(given, ocrKeys, where)
  const { command = ['tesseract'], languages = 'eng', confidence = 0 } = given
  const then = oneOf(given['then'], ['mask', 'review'] as const, where)
  if (then === undefined) throw mistake(where, 'must be mask, review or false')
  const parts = listAt(command, `${where}.command`)
  if (parts.length === 0 || !parts.every((part) => typeof part === 'string' && part !== '')) {
    throw mistake(`${where}.command`, 'must be a list of texts: a program and its arguments')
  }
  if (typeof languages !== 'string' || !/^\w+(?:\+\w+)*$/.test(languages)) {
    throw mistake(`${where}.languages`, 'must be like eng+nor')
  }
  if (typeof confidence !== 'number' || !(confidence >= 0 && confidence <= 100)) {
    throw mistake(`${where}.confidence`, 'must be a number from 0 to 100')
  }
  return { then, command: parts as string[], languages, confidence }
}

function objectAt(value: unknown, where: string): Readonly<Record<string, unknown>> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject) throw mistake(where, 'must be a table of keys')
  return value as Readonly<Record<string, unknown>>
}

function listAt(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw mistake(where, 'must be a list')
  return value
}

function oneOf<Word extends string>(
  value: unknown,
  words: readonly Word[],
  where: string,
): Word | undefined {
  if (value === undefined) return undefined
  const found = words.find((word) => word === value)
  if (found !== undefined) return found
  throw mistake(where, `must be one of ${words.join(', ')}`)
}

function requireKeys(
  given: Readonly<Record<string, unknown>>,
  known: readonly string[],
  where: string,
): void {
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue
    const guess = nearest(key, known)
    const suggestion = guess === undefined ? '' : `; did you mean "${guess}"?`
    throw mistake(where, `has an unknown key ${JSON.stringify(key.slice(0, 40))}${suggestion}`)
  }
}

function mistake(where: string, what: string): FionaError {
  return new FionaError('E_PROFILE', `${where} ${what}`, {
    hint: 'docs/deidentification.md says what may stand there; nothing was de-identified',
    exitCode: ExitCode.badConfig,
  })
}
