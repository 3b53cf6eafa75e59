import { readdir } from 'node:fs/promises'
import { runTool } from './run-tool.ts'
import type { Tool } from './tool.ts'

const toolFile = /^(fiona-[a-z]+)\.(js|ts)$/

/** The tools built beside this file, in the order of a study's way through them. */
export async function listTools(): Promise<{ name: string; summary: string }[]> {
  const files = (await readdir(toolsUrl())).flatMap((file) => toolFile.exec(file)?.[1] ?? [])
  const tools = await Promise.all(files.map(load))
  return tools
    .map(({ name, summary }) => ({ name, summary }))
    .sort((a, b) => order(a.name) - order(b.name))
}

export async function runNamed(name: string, argv: readonly string[]): Promise<number> {
  return runTool(await load(name), argv)
}

async function load(name: string): Promise<Tool> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return ((await import(new URL(`${name}.${extension}`, toolsUrl()).href)) as { default: Tool })
    .default
}

/** src/tools/ when run from source, else dist/tools/ beside the bundle this code became part of. */
function toolsUrl(): URL {
  if (import.meta.url.endsWith('.ts')) return new URL('../../tools/', import.meta.url)
  const here = new URL('.', import.meta.url)
  return here.pathname.endsWith('/tools/') ? here : new URL('tools/', here)
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
