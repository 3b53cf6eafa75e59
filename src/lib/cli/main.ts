// What the launchers in bin/ call. Each tool is a bundle of its own, loaded by name.
import { ExitCode } from '../error/index.ts'
import { loadTool } from './load-tool.ts'
import type { Pages } from './pages.ts'
import { runTool } from './run-tool.ts'

const toolName = /^fiona(-[a-z]+)?$/

export async function main(
  name: string,
  argv: readonly string[] = process.argv.slice(2),
): Promise<never> {
  if (!toolName.test(name)) {
    process.stderr.write(
      `error: no tool is called ${JSON.stringify(name)}\nhint: a link to a tool must keep its name: fiona, or fiona-NAME\n`,
    )
    process.exit(ExitCode.usage)
  }
  process.exit(await runTool(await loadTool(name), argv))
}

/** For the build: everything that is generated from a declaration. */
export async function describeTool(name: string): Promise<Pages> {
  const { pagesOf } = await import('./pages.ts')
  return pagesOf(await loadTool(name), loadTool)
}
