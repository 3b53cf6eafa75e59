import { isMap, isScalar, LineCounter, type Document } from 'yaml'
import { nearest } from '../text/index.ts'
import { knownKeys, validateConfig, type ConfigProblem } from './generated/validate-config.js'
import type { ConfigFile } from './schema.ts'
import { keysOf } from './json-pointer.ts'
import { fromOriginal, isOriginalConfig } from './original.ts'
import { readYaml, valueOf } from './read-yaml.ts'
import { refuse } from './refuse.ts'
import { sumUp } from './sum-up-problems.ts'
import { unsayableProblems } from './unsayable-problems.ts'

/** Keys that are sizes: a number of bytes, or text such as `5GiB`. */
const sizeKeys = [
  ['receiver', 'reserveBytes'],
  ['destinations', '*', 'windowOverBytes'],
  ['destinations', '*', 'batch', 'bytes'],
] as const
const sizeUnits: Readonly<Record<string, number>> = {
  '': 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
}

export interface ReadConfig {
  readonly file: ConfigFile
  /** What the original's file says, as it says it; undefined of a file of ours. */
  readonly original: Readonly<Record<string, unknown>> | undefined
}

/**
 * @param name the file's name, for messages
 * @throws FionaError E_CONFIG with every mistake, each with its line
 */
export async function parseConfig(text: string, name: string): Promise<ReadConfig> {
  const lines = new LineCounter()
  const document = readYaml(text, lines, name)
  const found = valueOf(document, name)
  const original = isOriginalConfig(found) ? found : undefined
  const isOriginal = original !== undefined
  const value = isOriginal ? fromOriginal(original) : found
  for (const keys of sizeKeys) readSize(value, keys)
  const problems = validateConfig(value)
  if (problems.length === 0) {
    problems.push(...(await unsayableProblems(value as ConfigFile, isOriginal)))
  }
  if (problems.length > 0) {
    throw refuse(
      sumUp(problems, isOriginal, sizeKeys).map(
        (problem) => `${name}:${lineOf(document, lines, problem)}: ${sentence(problem)}`,
      ),
    )
  }
  return { file: value as ConfigFile, original }
}

function sentence(problem: ConfigProblem): string {
  const where = keysOf(problem.instancePath).join('.')
  const unknown = problem.params['additionalProperty']
  if (typeof unknown === 'string') {
    const guess = nearest(unknown, knownKeys[problem.schemaPath] ?? [])
    return `unknown key "${unknown}"${where === '' ? '' : ` in ${where}`}${guess === undefined ? '' : `; did you mean "${guess}"?`}`
  }
  const allowed = problem.params['allowedValues'] ?? problem.params['allowedValue']
  const values = allowed === undefined ? '' : ` (${JSON.stringify(allowed)})`
  return `${where === '' ? 'the configuration' : where} ${problem.message ?? 'is not valid'}${values}`
}

function lineOf(document: Document, lines: LineCounter, problem: ConfigProblem): number {
  const keys = keysOf(problem.instancePath)
  const node = keys.length === 0 ? document.contents : document.getIn(keys, true)
  const unknown = problem.params['additionalProperty']
  if (isMap(node) && typeof unknown === 'string') {
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === unknown)
    if (pair !== undefined && isScalar(pair.key) && pair.key.range)
      return lines.linePos(pair.key.range[0]).line
  }
  const range = (node as { range?: [number, number, number] | null } | null | undefined)?.range
  return range ? lines.linePos(range[0]).line : 1
}

/** @param keys where it stands; `*` is any key */
function readSize(value: unknown, [key, ...deeper]: readonly string[]): void {
  if (typeof value !== 'object' || value === null || key === undefined) return
  const part = value as Record<string, unknown>
  for (const name of key === '*' ? Object.keys(part) : [key]) {
    if (deeper.length > 0) readSize(part[name], deeper)
    else if (part[name] !== undefined) part[name] = sizeOf(part[name])
  }
}

/** What is no size stays as it is, for the schema to refuse. */
function sizeOf(value: unknown): unknown {
  if (typeof value !== 'string') return value
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(value)
  const unit = sizeUnits[match?.[2]?.toUpperCase() ?? '']
  return match?.[1] === undefined || unit === undefined
    ? value
    : Math.round(Number(match[1]) * unit)
}
