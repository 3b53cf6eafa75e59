import { describeOption, flag, streamLine, synopsis } from './help.ts'
import { commonOptions, type OptionDeclarations, type Tool } from './tool.ts'
import { version } from './version.ts'

/** The exit codes all tools share; a tool's own declaration says more about some of them. */
const exitCodes: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'done, but error records were written',
  64: 'the command line is wrong',
  65: 'the input is wrong',
  69: 'a service is not available, or a port is in use',
  70: 'an internal error',
  73: 'something could not be created',
  74: 'an input/output error',
  75: 'not now: try again',
  77: 'not allowed',
  78: 'the configuration, a rule file or a profile is wrong',
}

/** man(7) source of the page, from the same declaration as --help. */
export function manPage(tool: Tool): string {
  const section = tool.section ?? 1
  const lines = [
    `.TH ${tool.name.toUpperCase()} ${section} "" "FIONA ${version}" "FIONA"`,
    '.SH NAME',
    `${roff(tool.name)} \\- ${roff(tool.summary)}`,
    '.SH SYNOPSIS',
    `.B ${roff(synopsis(tool))}`,
  ]
  lines.push('.SH DESCRIPTION')
  for (const paragraph of (tool.description ?? `${tool.summary}.`).trim().split(/\n\s*\n/)) {
    lines.push('.PP', roff(paragraph.replaceAll(/\s+/g, ' ')))
  }
  const flow = streamLine(tool)
  if (flow !== undefined) lines.push('.PP', `${roff(flow)}.`)
  lines.push('.SH OPTIONS')
  if (tool.arguments !== undefined) {
    lines.push('.TP', `.I ${roff(tool.arguments.name)}`, roff(tool.arguments.describe))
  }
  lines.push(...optionParagraphs(tool.options), ...optionParagraphs(commonOptions))
  lines.push('.SH EXIT STATUS')
  for (const [code, meaning] of Object.entries({ ...exitCodes, ...tool.exitCodes })) {
    lines.push('.TP', `.B ${code}`, roff(meaning))
  }
  if (tool.examples !== undefined && tool.examples.length > 0) {
    lines.push('.SH EXAMPLES')
    for (const [command, what] of tool.examples) {
      lines.push('.PP', roff(what), '.PP', '.RS 4', '.nf', roff(command), '.fi', '.RE')
    }
  }
  lines.push(
    ...definitions('ENVIRONMENT', [
      ['FIONA_CONFIG', 'the configuration file, where --config is not given'],
      ...(tool.environment ?? []),
    ]),
  )
  lines.push(...definitions('FILES', tool.files ?? []))
  lines.push(
    '.SH SEE ALSO',
    roff((tool.seeAlso ?? ['fiona']).map((name) => `${name}(1)`).join(', ')),
  )
  return `${lines.join('\n')}\n`
}

function optionParagraphs(options: OptionDeclarations): string[] {
  return Object.entries(options).flatMap(([name, option]) => [
    '.TP',
    `.B ${roff(flag(name, option))}`,
    roff(describeOption(option)),
  ])
}

function definitions(title: string, entries: readonly (readonly [string, string])[]): string[] {
  if (entries.length === 0) return []
  return [
    `.SH ${title}`,
    ...entries.flatMap(([name, what]) => ['.TP', `.B ${roff(name)}`, roff(what)]),
  ]
}

/** Escapes what roff would read as markup: backslashes, hyphens in options, a leading dot or quote. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll('→', '\\(->')
    .replaceAll(/^([.'])/gm, '\\&$1')
}
