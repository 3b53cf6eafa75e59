// Runs a tool from its sources: node --import tsx scripts/run-tool.mjs fiona-classify --help
import { runTool } from '../src/lib/cli/index.ts'

const [name, ...argv] = process.argv.slice(2)
const { default: tool } = await import(`../src/tools/${name}.ts`)
process.exit(await runTool(tool, argv))
