import { basename } from 'node:path'
import { ExitCode, FionaError } from '../../error/index.ts'
import { keywordOf, tagOf } from '../../dicom/index.ts'
import { braced, readRegTagChange, readTagChange, withKeyedUid } from './tag-changes.ts'
import type { RuleText } from './schema.ts'

/**
 * A profile that says what a file of the original FIONA says: its anonymizeTags.json, or lines of `--tagchange` and
 * `--regtagchange` as they stand on command lines.
 * @param name of the file, for messages
 * @throws FionaError E_PROFILE
 */
export function convertOriginal(text: string, name: string): string {
  const trimmed = text.trim()
  const lines = trimmed.startsWith('[') ? fromTagList(trimmed, name) : fromOptions(text, name)
  return [
    `# Made from ${basename(name)} of the original FIONA by fiona-anon --convert. Look at each rule: the Basic Profile`,
    '# already removes or replaces most of what these lists were made for, at every depth.',
    'base: basic',
    ...lines,
    '',
  ].join('\n')
}

/** `{group, element, hr, [value], [name]}`: set to the value, or made empty, if it is there. */
function fromTagList(text: string, name: string): string[] {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch (error) {
    throw refuse(`${name} is not JSON: ${(error as Error).message}`)
  }
  if (!Array.isArray(list)) throw refuse(`${name} is no list of { "group": …, "element": … }`)
  const seen = new Set<string>()
  const rules = list.flatMap((entry: unknown, at) => {
    const lines = ruleOfEntry(entry, `${name}: entry ${String(at + 1)}`)
    const key = lines.join('\n')
    if (seen.has(key)) return []
    seen.add(key)
    return lines
  })
  return rules.some((line) => !line.startsWith('  #'))
    ? ['rules:', ...rules]
    : ['rules: []', ...rules]
}

function ruleOfEntry(entry: unknown, where: string): string[] {
  const { group, element, hr, value, name } = (entry ?? {}) as Record<string, unknown>
  const [g, e] = [hexOf(group), hexOf(element)]
  if (g === undefined || e === undefined) {
    throw refuse(`${where} has no "group" and "element" such as "0x08" and "0x80"`)
  }
  const tag = g * 0x10000 + e
  const written = `(${hex(g)},${hex(e)})`
  const label = [hr, name].find((one) => typeof one === 'string' && one !== '') as
    string | undefined
  if (g % 2 === 1) {
    return [
      `  # ${written}${label === undefined ? '' : ` ${oneLine(label)}`}: private attributes are removed`,
    ]
  }
  const keyword = keywordOf(tag)
  const isUid = keyword?.endsWith('UID') === true
  const known = label === undefined ? undefined : tagOf(label)
  const note =
    known !== undefined && known !== tag
      ? [
          `  # the list calls ${written} ${oneLine(String(label))}; by its number it is ${keyword ?? 'unknown'}`,
        ]
      : []
  if (typeof value === 'string' && value !== '' && !isUid) {
    return [
      ...note,
      ruleLine({ tag: keyword ?? written, action: 'set', value: braced(value), create: false }),
    ]
  }
  // An empty UID makes the object invalid: a new one tells as little.
  if (isUid && keyword !== undefined) return [...note, ruleLine({ tag: keyword, action: 'uid' })]
  return [
    ...note,
    ruleLine({ tag: keyword ?? written, action: keyword === undefined ? 'remove' : 'empty' }),
  ]
}

/** As Python's `int(text, 0)` reads it, and four digits with a zero in front as people meant them. */
function hexOf(written: unknown): number | undefined {
  const text = typeof written === 'number' ? String(written) : written
  if (typeof text !== 'string') return undefined
  const digits = /^0x([0-9a-f]{1,4})$/i.exec(text)?.[1] ?? /^(0[0-9a-f]{3})$/i.exec(text)?.[1]
  const number =
    digits !== undefined ? Number.parseInt(digits, 16) : /^\d{1,5}$/.test(text) ? Number(text) : NaN
  return number >= 0 && number <= 0xffff ? number : undefined
}

function hex(number: number): string {
  return number.toString(16).toUpperCase().padStart(4, '0')
}

function fromOptions(text: string, name: string): string[] {
  const rules: string[] = []
  for (const [at, line] of text.split('\n').entries()) {
    const option = line.replace(/\\\s*$/, '').trim()
    if (option === '' || option.startsWith('#')) continue
    const [, kind, rest = ''] = /^--(tagchange|regtagchange)[= ]\s*(.*)$/.exec(option) ?? [
      '',
      'tagchange',
      option,
    ]
    const read = kind === 'regtagchange' ? readRegTagChange(rest) : readTagChange(rest)
    if ('problem' in read) throw refuse(`${name}:${String(at + 1)}:1: ${read.problem}`)
    rules.push(ruleLine(withKeyedUid(read)))
  }
  if (rules.length === 0)
    throw refuse(`${name} has neither a list of tags nor lines of --tagchange`)
  return ['rules:', ...rules]
}

function ruleLine(rule: RuleText): string {
  const parts = Object.entries(rule).map(([key, value]) => `${key}: ${scalarOf(value)}`)
  return `  - { ${parts.join(', ')} }`
}

/** JSON's texts are YAML's, too. */
function scalarOf(value: unknown): string {
  return typeof value === 'string' &&
    /^[A-Za-z][A-Za-z0-9]*$/.test(value) &&
    !/^(?:true|false|null)$/i.test(value)
    ? value
    : JSON.stringify(value)
}

function oneLine(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 80)
}

function refuse(message: string): FionaError {
  return new FionaError('E_PROFILE', message, {
    hint: 'anonymizeTags.json, or a text with a line for each --tagchange gggg,eeee=ACTION, is expected',
    exitCode: ExitCode.badConfig,
  })
}
