import { nearest } from '../text/index.ts'
import { checkIdle } from './idle-definitions.ts'
import { JsonError, type JsonNode, type JsonObject, memberOf, parseJson } from './json-source.ts'
import type { Problems } from './problems.ts'
import { EntryReader } from './read-entry.ts'
import { shown, checkKeys } from './read-values.ts'
import { resolveReferences } from './references.ts'
import { checkTypesAskedFor } from './types-asked-for.ts'
import type { Definition, Entry, SemanticsName } from './rule-definition.ts'

const definitionKeys = ['type', 'id', 'description', 'check', 'rules']

/**
 * The definitions of a rule file. What is wrong goes into `problems`; with a mistake among them
 * the definitions must not be used.
 */
export function readRules(
  text: string,
  problems: Problems,
  semantics: SemanticsName,
): readonly Definition[] {
  let root: JsonNode
  try {
    root = parseJson(text)
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    problems.mistake(error.offset, `not JSON: ${error.message}`)
    return []
  }
  if (root.kind !== 'array') {
    problems.mistake(root.offset, 'a rule file is an array: [ { "type": …, "rules": [ … ] }, … ]')
    return []
  }
  const entries = new EntryReader(problems, semantics)
  const definitions = root.items
    .map((node) => readDefinition(node, entries, problems, semantics))
    .filter((definition) => definition !== undefined)
  resolveReferences(definitions, problems, semantics)
  checkTypesAskedFor(definitions, problems)
  if (semantics === 'strict' && !problems.hasMistakes) checkIdle(definitions, problems)
  return definitions
}

function readDefinition(
  node: JsonNode,
  entries: EntryReader,
  problems: Problems,
  semantics: SemanticsName,
): Definition | undefined {
  if (node.kind !== 'object') {
    problems.mistake(
      node.offset,
      `a definition is an object with "type" and "rules", not ${shown(node)}`,
    )
    return undefined
  }
  checkKeys(node, definitionKeys, problems, semantics)
  const type = textMember(node, 'type', problems)
  if (type === undefined && memberOf(node, 'type') === undefined) {
    problems.mistake(node.offset, `a definition without "type"${butHas(node, 'type')}`)
  }
  const id = textMember(node, 'id', problems)
  const rules = memberOf(node, 'rules')
  if (rules === undefined) {
    problems.mistake(node.offset, `a definition without "rules"${butHas(node, 'rules')}`)
  } else if (rules.value.kind !== 'array') {
    problems.mistake(rules.value.offset, `"rules" is an array of tests, not ${shown(rules.value)}`)
  } else if (rules.value.items.length === 0) {
    problems.warning(rules.value.offset, 'a definition without tests holds for every object')
  }
  const read: Entry[] =
    rules?.value.kind === 'array'
      ? rules.value.items.flatMap((item) => entries.read(item) ?? [])
      : []
  return {
    type: type ?? '',
    id,
    ...readCheck(node, problems, semantics),
    entries: read,
    offset: node.offset,
    line: problems.lineOf(node.offset),
  }
}

function textMember(node: JsonObject, key: string, problems: Problems): string | undefined {
  const member = memberOf(node, key)
  if (member === undefined) return undefined
  const { value } = member
  if (value.kind === 'scalar' && typeof value.value === 'string' && value.value !== '') {
    return value.value
  }
  problems.mistake(value.offset, `"${key}" is a text that is not empty, not ${shown(value)}`)
  return undefined
}

function readCheck(node: JsonObject, problems: Problems, semantics: SemanticsName): Check {
  const check = memberOf(node, 'check')?.value
  if (check === undefined) return { everyObject: false, ofStudy: false }
  const value = check.kind === 'scalar' ? check.value : undefined
  // The original knows one only.
  const known = semantics === 'strict' ? ['SeriesLevel', 'StudyLevel'] : ['SeriesLevel']
  if (typeof value === 'string' && known.includes(value)) {
    return { everyObject: true, ofStudy: value === 'StudyLevel' }
  }
  const guess = nearest(typeof value === 'string' ? value : '', known)
  const checks = known.map((each) => `"${each}"`).join(' and ')
  const advice = guess === undefined ? `known are ${checks}` : `did you mean "${guess}"?`
  problems[semantics === 'strict' ? 'mistake' : 'warning'](
    check.offset,
    `unknown check ${shown(check)}; ${advice}`,
  )
  return { everyObject: false, ofStudy: false }
}

type Check = Pick<Definition, 'everyObject' | 'ofStudy'>

/** Where a needed key is missing: the key that was probably meant to be it. */
function butHas(node: JsonObject, key: string): string {
  const guess = node.members.find(
    (member) => !definitionKeys.includes(member.key) && nearest(member.key, [key]) !== undefined,
  )
  return guess === undefined ? '' : `; is "${guess.key}" meant to be it?`
}
