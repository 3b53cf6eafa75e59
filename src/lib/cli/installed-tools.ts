import { readdir } from 'node:fs/promises'
import { loadTool, toolsUrl } from './load-tool.ts'
import { runTool } from './run-tool.ts'

const toolFile = /^(fiona-[a-z]+)\.(js|ts)$/

/** The tools built beside this file, in the order of a study's way through them. */
export async function listTools(): Promise<{ name: string; summary: string }[]> {
  const files = (await readdir(toolsUrl())).flatMap((file) => toolFile.exec(file)?.[1] ?? [])
  const tools = await Promise.all(files.map(loadTool))
  return tools
    .map(({ name, summary }) => ({ name, summary }))
    .sort((a, b) => order(a.name) - order(b.name))
}

export async function runNamed(name: string, argv: readonly string[]): Promise<number> {
  return runTool(await loadTool(name), argv)
}

const way = [
  'scp',
  'import',
  'arrive',
  'classify',
  'organize',
  'anon',
  'send',
  'journal',
  'stage',
  'ctl',
  'crosswalk',
]
function order(name: string): number {
  const at = way.indexOf(name.replace('fiona-', ''))
  return at === -1 ? way.length : at
}
