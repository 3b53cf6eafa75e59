import { bashCompletion, zshCompletion } from './completion.ts'
import { manPage, seeAlso } from './man-page.ts'
import type { Tool } from './tool.ts'

/** Everything that is generated from a declaration, for the build. */
export interface Pages {
  /** Of the manual: 1 or 8. */
  readonly section: number
  readonly man: string
  readonly bash: string
  readonly zsh: string
}

/** @param load finds the tools that SEE ALSO names */
export async function pagesOf(tool: Tool, load: (name: string) => Promise<Tool>): Promise<Pages> {
  const sections = new Map<string, number>()
  for (const name of seeAlso(tool)) {
    // A tool may name one that this installation was built without.
    const other = await load(name).catch(() => undefined)
    sections.set(name, other?.section ?? 1)
  }
  return {
    section: tool.section ?? 1,
    man: manPage(tool, (name) => sections.get(name) ?? 1),
    bash: bashCompletion(tool),
    zsh: zshCompletion(tool),
  }
}
