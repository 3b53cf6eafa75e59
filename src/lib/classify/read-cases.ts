import { ExitCode, FionaError } from '../error/index.ts'
import type { AnyRecord } from '../record/index.ts'
import { CaseHeader } from './case-header.ts'
import {
  JsonError,
  type JsonNode,
  type JsonObject,
  memberOf,
  parseJsonValues,
  plainValue,
} from './json-source.ts'
import { Problems, listMistakes } from './problems.ts'
import { readTextFile } from '../storage/index.ts'
import { checkKeys, shown } from './read-values.ts'

/** What a rule file is held against: a named thing, and the types that it should get. */
export interface RuleCase {
  readonly name: string
  readonly line: number
  readonly expect: readonly string[]
  readonly subject:
    | { readonly kind: 'objects'; readonly dataSets: readonly Buffer[] }
    /** Its objects are read from where it says that they are. */
    | { readonly kind: 'record'; readonly record: AnyRecord }
}

const code = 'E_RULE_TEST'
const exitCode = ExitCode.badInput

/**
 * The cases of a test file: NDJSON, or one array.
 * @throws FionaError E_RULE_TEST (exit 65) listing every mistake with line and column
 */
export async function loadCases(path: string): Promise<RuleCase[]> {
  const hint = 'name a file of cases with --test; docs/rules.md shows one'
  return parseCases(await readTextFile(path, { code, what: 'test file', hint, exitCode }), path)
}

/** @throws FionaError E_RULE_TEST */
export function parseCases(text: string, name = 'test'): RuleCase[] {
  const problems = new Problems(name, text)
  const cases = readCases(text, problems)
  const found = problems.all()
  if (!found.some(({ severity }) => severity === 'mistake')) return cases
  throw new FionaError(code, listMistakes(name, found), {
    hint: 'correct the test file; docs/rules.md shows one',
    exitCode,
  })
}

function readCases(text: string, problems: Problems): RuleCase[] {
  let nodes: readonly JsonNode[]
  try {
    nodes = parseJsonValues(text)
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    problems.mistake(error.offset, `not JSON: ${error.message}`)
    return []
  }
  const [first] = nodes
  if (nodes.length === 1 && first?.kind === 'array') nodes = first.items
  // Nothing tested must not look like nothing wrong.
  if (nodes.length === 0) problems.mistake(0, 'there is no case in it')
  const lines = new Map<string, number>()
  return nodes.flatMap((node) => {
    const read = readCase(node, problems)
    if (read === undefined) return []
    const before = lines.get(read.name)
    if (before !== undefined) {
      const message = `the case in line ${String(before)} has the name "${read.name}" already`
      problems.mistake(node.offset, message)
    }
    lines.set(read.name, read.line)
    return read
  })
}

const subjects = ['attributes', 'objects', 'record']

function readCase(node: JsonNode, problems: Problems): RuleCase | undefined {
  if (node.kind !== 'object') {
    problems.mistake(
      node.offset,
      `a case is an object with "name", "attributes" and "expect", not ${shown(node)}`,
    )
    return undefined
  }
  checkKeys(node, ['name', 'description', 'expect', ...subjects], problems, 'strict')
  const line = problems.lineOf(node.offset)
  const name = readName(node, problems)
  const expect = readExpect(node, problems)
  const subject = readSubject(node, problems)
  return subject === undefined ? undefined : { name, line, expect, subject }
}

function readName(node: JsonObject, problems: Problems): string {
  const name = memberOf(node, 'name')
  if (name?.value.kind === 'scalar' && typeof name.value.value === 'string') {
    if (name.value.value !== '') return name.value.value
  }
  problems.mistake(name?.value.offset ?? node.offset, 'a case needs a "name", a text')
  return ''
}

function readExpect(node: JsonObject, problems: Problems): string[] {
  const expect = memberOf(node, 'expect')
  if (expect?.value.kind !== 'array') {
    problems.mistake(
      expect?.value.offset ?? node.offset,
      'a case needs "expect", an array of all types that are right; of none: []',
    )
    return []
  }
  return expect.value.items.flatMap((item) => {
    if (item.kind === 'scalar' && typeof item.value === 'string') return item.value
    problems.mistake(item.offset, `a type is a text, not ${shown(item)}`)
    return []
  })
}

function readSubject(node: JsonObject, problems: Problems): RuleCase['subject'] | undefined {
  const [given, ...more] = subjects.flatMap((key) => memberOf(node, key) ?? [])
  if (given === undefined || more.length > 0) {
    const message =
      'a case has one of "attributes" (of an object), "objects" (attributes of each in a series), "record"'
    problems.mistake(more[0]?.offset ?? node.offset, message)
    return undefined
  }
  const { key, value } = given
  if (key === 'record') {
    if (value.kind === 'object') {
      return { kind: 'record', record: plainValue(value) as AnyRecord }
    }
    problems.mistake(value.offset, `a record is an object, not ${shown(value)}`)
    return undefined
  }
  const nodes = key === 'attributes' ? [value] : value.kind === 'array' ? value.items : []
  if (nodes.length === 0) {
    problems.mistake(value.offset, `"objects" is an array of attributes, not ${shown(value)}`)
  }
  const dataSets = nodes.flatMap((each) => {
    if (each.kind === 'object') return CaseHeader.encode(each, problems)
    problems.mistake(each.offset, `attributes are an object, not ${shown(each)}`)
    return []
  })
  return { kind: 'objects', dataSets }
}
