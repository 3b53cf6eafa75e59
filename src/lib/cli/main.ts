// What the launchers in bin/ call. Each tool is a bundle of its own, loaded by name.
import { runTool } from './run-tool.ts'
import type { Pages } from './pages.ts'
import type { Tool } from './tool.ts'

export async function main(
  name: string,
  argv: readonly string[] = process.argv.slice(2),
): Promise<never> {
  process.exit(await runTool(await loadTool(name), argv))
}

/** For the build: everything that is generated from a declaration. */
export async function describeTool(name: string): Promise<Pages> {
  const { pagesOf } = await import('./pages.ts')
  return pagesOf(await loadTool(name), loadTool)
}

async function loadTool(name: string): Promise<Tool> {
  if (!/^fiona(-[a-z]+)?$/.test(name)) throw new Error(`no tool is called ${name}`)
  // The bundler must leave this import alone: the file lies beside this one in dist/.
  const url = new URL(`./tools/${name}.js`, import.meta.url).href
  const loaded = (await import(url)) as { default: Tool }
  return loaded.default
}
