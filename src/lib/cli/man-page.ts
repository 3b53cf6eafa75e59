import { describeOption, flag, streamLine, synopsis } from './help.ts'
import { commonOptionsOf, type OptionDeclarations, type Tool } from './tool.ts'
import { argument, literal, prose } from './roff.ts'
import { version, versionDate } from './version.ts'

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

/**
 * man(7) source of the page, from the same declaration as --help.
 * @param sectionOf the manual section of another tool, for SEE ALSO
 */
export function manPage(tool: Tool, sectionOf: (name: string) => number): string {
  const section = tool.section ?? 1
  const title = tool.name.toUpperCase()
  const lines = [
    `.TH ${title} ${String(section)} ${versionDate} "FIONA ${version}" "FIONA"`,
    '.SH NAME',
    `${literal(tool.name)} \\- ${literal(tool.summary)}`,
    '.SH SYNOPSIS',
    `.B ${argument(tool.name)}`,
    prose(synopsis(tool).slice(tool.name.length)),
    '.SH DESCRIPTION',
    (tool.description ?? `${tool.summary}.`)
      .trim()
      .split(/\n\s*\n/)
      .map(prose)
      .join('\n.PP\n'),
  ]
  const flow = streamLine(tool)
  if (flow !== undefined) lines.push('.PP', prose(`${flow}.`))
  lines.push('.SH OPTIONS')
  if (tool.arguments !== undefined) {
    lines.push('.TP', `.I ${argument(tool.arguments.name)}`, prose(tool.arguments.describe))
  }
  lines.push(...optionParagraphs(tool.options), ...optionParagraphs(commonOptionsOf(tool)))
  lines.push(...definitions('EXIT STATUS', Object.entries({ ...exitCodes, ...tool.exitCodes })))
  tool.examples?.forEach(([command, what], at) => {
    lines.push(at === 0 ? '.SH EXAMPLES' : '.PP', prose(`${what}:`))
    lines.push('.PP', '.RS 4', '.nf', ...command.split('\n').map(literal), '.fi', '.RE')
  })
  lines.push(
    ...definitions('ENVIRONMENT', [
      ['FIONA_CONFIG', 'the configuration file, where --config is not given'],
      ['FIONA_LOG_LEVEL', 'the least severe log line, where --log-level is not given'],
      ...(tool.environment ?? []),
    ]),
    ...definitions('FILES', tool.files ?? []),
    '.SH SEE ALSO',
    ...seeAlso(tool).map(
      (name, at, all) =>
        `.BR ${argument(name)} (${String(sectionOf(name))})${at + 1 < all.length ? ',' : ''}`,
    ),
  )
  return `${lines.join('\n')}\n`
}

/** The tools SEE ALSO names. */
export function seeAlso(tool: Tool): readonly string[] {
  return tool.seeAlso ?? ['fiona']
}

function optionParagraphs(options: OptionDeclarations): string[] {
  return Object.entries(options).flatMap(([name, option]) => [
    '.TP',
    `.B ${argument(flag(name, option))}`,
    prose(describeOption(option)),
  ])
}

function definitions(title: string, entries: readonly (readonly [string, string])[]): string[] {
  if (entries.length === 0) return []
  return [
    `.SH ${title}`,
    ...entries.flatMap(([name, what]) => ['.TP', `.B ${argument(name)}`, prose(what)]),
  ]
}
