import { resolve } from 'node:path'
import parser from 'yargs-parser'
import { ExitCode, FionaError } from '../error/index.ts'
import { nearest } from '../text/index.ts'
import {
  commonOptions,
  type OptionDeclaration,
  type OptionDeclarations,
  type Tool,
} from './tool.ts'

export interface ParsedArguments {
  readonly options: Readonly<Record<string, unknown>>
  readonly common: { config?: string; 'log-level'?: string; help?: boolean; version?: boolean }
  readonly args: readonly string[]
  readonly rest: readonly string[]
}

/**
 * argv against the declaration, strictly: an unknown option, a missing value, a value of the wrong
 * kind or out of range is a usage error that names what to write instead.
 * @throws FionaError E_USAGE
 */
export function parseArguments(tool: Tool, argv: readonly string[]): ParsedArguments {
  if (tool.passThrough === true) {
    const first = argv[0]
    const common =
      first === '--help' || first === '-h'
        ? { help: true }
        : first === '--version'
          ? { version: true }
          : {}
    return { options: {}, common, args: argv, rest: [] }
  }
  const declared: OptionDeclarations = { ...tool.options, ...commonOptions }
  const names = Object.keys(declared)
  const ofType = (...types: string[]) =>
    names.filter((name) => types.includes(declared[name]?.type ?? ''))
  refuseValues(tool, argv, ofType('boolean'))
  const parsed = parser([...argv], {
    boolean: ofType('boolean'),
    // Numbers are read as text, so that `--port 4x` is refused instead of guessed.
    string: [...ofType('string', 'path', 'choice', 'integer', 'number', 'strings'), '_'],
    array: [],
    alias: { help: ['h'], ...shortNames(declared) },
    configuration: {
      'populate--': true,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'duplicate-arguments-array': true,
      'boolean-negation': true,
      'unknown-options-as-args': true,
    },
  })
  const words = parsed._.map(String)
  const unknown = words.find((word) => /^-./.test(word))
  if (unknown !== undefined) throw unknownOption(tool, unknown, names)
  const common = pick(commonOptions, parsed) as ParsedArguments['common']
  const isAsking = common.help === true || common.version === true
  const options = isAsking ? {} : pick(tool.options, parsed)
  if (!isAsking) {
    for (const [name, option] of Object.entries(tool.options)) {
      if (option.required === true && options[camelCase(name)] === undefined) {
        throw usage(tool, `option --${name} is needed: ${option.describe}`)
      }
    }
    if (tool.arguments === undefined && words.length > 0) {
      throw usage(tool, `unexpected argument ${JSON.stringify(words[0])}`)
    }
    if (tool.arguments?.required === true && words.length === 0) {
      throw usage(tool, `${tool.arguments.name} is missing: ${tool.arguments.describe}`)
    }
    if (tool.arguments?.repeated !== true && words.length > 1) {
      throw usage(tool, `unexpected argument ${JSON.stringify(words[1])}`)
    }
  }
  const rest = (parsed['--'] ?? []).map(String)
  if (tool.restName === undefined) return { options, common, args: [...words, ...rest], rest: [] }
  return { options, common, args: words, rest }

  function pick(
    declarations: OptionDeclarations,
    values: Readonly<Record<string, unknown>>,
  ): Record<string, unknown> {
    const out: Record<string, unknown> = {}
    for (const [name, option] of Object.entries(declarations)) {
      const value = readOption(tool, name, option, values[name])
      if (value !== undefined) out[camelCase(name)] = value
    }
    if (out['logLevel'] !== undefined) out['log-level'] = out['logLevel']
    return out
  }
}

function shortNames(declared: OptionDeclarations): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(declared).flatMap(([name, { short }]) =>
      short === undefined ? [] : [[name, [short]]],
    ),
  )
}

function readOption(tool: Tool, name: string, option: OptionDeclaration, given: unknown): unknown {
  if (option.type === 'strings') {
    return (given === undefined ? [] : [given].flat()).map((value) => text(tool, name, value))
  }
  // The last one wins, so that a script's defaults can be overridden at the end of its line.
  const last: unknown = Array.isArray(given) ? given.at(-1) : given
  if (last === undefined) {
    return option.type === 'path' && option.default !== undefined
      ? resolve(option.default)
      : option.default
  }
  switch (option.type) {
    case 'boolean':
      return last === true
    case 'path':
      return resolve(text(tool, name, last))
    case 'string':
      return text(tool, name, last)
    case 'choice': {
      const value = text(tool, name, last)
      if (option.choices.includes(value)) return value
      throw usage(
        tool,
        `--${name} must be one of ${option.choices.join(', ')}, not ${JSON.stringify(value)}`,
      )
    }
    case 'integer':
    case 'number': {
      const value = text(tool, name, last)
      const number = Number(value)
      const isRight =
        /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) &&
        (option.type === 'number' || Number.isSafeInteger(number))
      const { min = -Infinity, max = Infinity } = option
      if (isRight && number >= min && number <= max) return number
      const kind = option.type === 'integer' ? 'a whole number' : 'a number'
      const range =
        min === -Infinity ? '' : max === Infinity ? ` of at least ${min}` : ` from ${min} to ${max}`
      throw usage(tool, `--${name} must be ${kind}${range}, not ${JSON.stringify(value)}`)
    }
  }
}

function text(tool: Tool, name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw usage(tool, `option --${name} needs a value`)
}

/** `--explain=maybe`: the parser would take any such word for false. */
function refuseValues(tool: Tool, argv: readonly string[], booleans: readonly string[]): void {
  const end = argv.indexOf('--')
  for (const word of end === -1 ? argv : argv.slice(0, end)) {
    const [, name, value] = /^--([^=]+)=(.*)$/s.exec(word) ?? []
    if (name !== undefined && booleans.includes(name) && value !== 'true' && value !== 'false') {
      throw usage(tool, `option --${name} takes no value`)
    }
  }
}

function unknownOption(tool: Tool, word: string, names: readonly string[]): FionaError {
  const name = word.replace(/^-+/, '').replace(/=.*$/s, '')
  const guess = nearest(name, names)
  return usage(
    tool,
    `unknown option ${word.slice(0, 60)}${guess === undefined ? '' : `; did you mean --${guess}?`}`,
  )
}

function usage(tool: Tool, message: string): FionaError {
  return new FionaError('E_USAGE', message, {
    hint: `run ${tool.name} --help`,
    exitCode: ExitCode.usage,
  })
}

export function camelCase(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
