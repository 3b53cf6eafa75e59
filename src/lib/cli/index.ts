// One declaration a tool; from it come the parser, --help, the man page and completion. One runner
// owns stdin, stdout, signals, marks, errors and exit codes, so that a tool is only its own idea.
export { defineTool } from './tool.ts'
export type { FilterLogic, FilterResult, OptionDeclarations, Tool, ToolContext } from './tool.ts'
export { runTool } from './run-tool.ts'
export { type Keepsake, keepsakeOfPort, takeKept } from './kept-descriptors.ts'
export { LiveLine } from './live-line.ts'
export { LiveScreen } from './live-screen.ts'
export type { ScreenSize } from './live-screen.ts'
export type { ScreenLine, Span, Style } from './screen-line.ts'
export { tellReady } from './tell-ready.ts'
export { untilAborted } from './until-aborted.ts'
