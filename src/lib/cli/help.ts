import {
  commonOptionsOf,
  type OptionDeclaration,
  type OptionDeclarations,
  type Tool,
} from './tool.ts'

/** `--help`: examples first, because that is what people look for (clig.dev). */
export function helpText(tool: Tool): string {
  const parts = [`${tool.name}: ${tool.summary}`, `Usage: ${synopsis(tool)}`]
  const flow = streamLine(tool)
  if (flow !== undefined) parts.push(flow)
  if (tool.examples !== undefined && tool.examples.length > 0) {
    parts.push(
      `Examples:\n${tool.examples.map(([command, what]) => `  ${command}\n      ${what}`).join('\n')}`,
    )
  }
  if (tool.arguments !== undefined)
    parts.push(`Arguments:\n  ${tool.arguments.name}  ${tool.arguments.describe}`)
  if (Object.keys(tool.options).length > 0) parts.push(`Options:\n${optionList(tool.options)}`)
  parts.push(`Common options:\n${optionList(commonOptionsOf(tool))}`)
  parts.push(`See also: man ${tool.section ?? 1} ${tool.name}`)
  return `${parts.join('\n\n')}\n`
}

export function synopsis(tool: Tool): string {
  const words = [tool.name]
  for (const [name, option] of Object.entries(tool.options)) {
    if (option.required === true) words.push(flag(name, option))
  }
  words.push('[options]')
  if (tool.arguments !== undefined) {
    const word = tool.arguments.name + (tool.arguments.repeated === true ? '…' : '')
    words.push(tool.arguments.required === true ? word : `[${word}]`)
  }
  if (tool.restName !== undefined) words.push(`-- ${tool.restName}`)
  return words.join(' ')
}

/** `--quiet-seconds NUMBER`, `-0, --null` */
export function flag(name: string, option: OptionDeclaration): string {
  switch (option.type) {
    case 'boolean':
      return option.short === undefined ? `--${name}` : `-${option.short}, --${name}`
    case 'choice':
      return `--${name} ${option.choices.join('|')}`
    case 'integer':
    case 'number':
      return `--${name} NUMBER`
    case 'path':
      return `--${name} PATH`
    case 'string':
    case 'strings':
      return `--${name} TEXT`
  }
}

/** The description with what follows from the declaration: default and configuration key. */
export function describeOption(option: OptionDeclaration): string {
  const facts = []
  if ('default' in option && option.default !== undefined && option.default !== false) {
    facts.push(`default: ${String(option.default)}`)
  }
  if (option.type === 'strings') facts.push('may be given more than once')
  if (option.configKey !== undefined) facts.push(`configuration: ${option.configKey}`)
  return option.describe + (facts.length > 0 ? ` (${facts.join('; ')})` : '')
}

/** What the tool does to the stream, in one line. */
export function streamLine(tool: Tool): string | undefined {
  const { reads = [], adds = [], writes = [] } = tool
  if (reads.length + adds.length + writes.length === 0) return undefined
  const words = []
  if (reads.length > 0) words.push(`reads ${reads.join(', ')}`)
  if (adds.length > 0) words.push(`adds ${adds.join(', ')}`)
  if (writes.length > 0) words.push(`writes ${writes.join(', ')}`)
  return `Records: ${words.join('; ')}${reads.length > 0 ? '; all others pass through unchanged' : ''}`
}

function optionList(options: OptionDeclarations): string {
  const flags = Object.entries(options).map(
    ([name, option]) => [flag(name, option), describeOption(option)] as const,
  )
  const width = Math.min(34, Math.max(...flags.map(([text]) => text.length)))
  return flags
    .map(([text, what]) =>
      text.length > width
        ? `  ${text}\n  ${' '.repeat(width)}  ${what}`
        : `  ${text.padEnd(width)}  ${what}`,
    )
    .join('\n')
}
