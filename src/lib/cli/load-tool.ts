import { fileURLToPath } from 'node:url'
import type { Tool } from './tool.ts'

const isSource = import.meta.url.endsWith('.ts')

/** A tool by its name, which must be right. */
export async function loadTool(name: string): Promise<Tool> {
  const url = new URL(`${name}.${isSource ? 'ts' : 'js'}`, toolsUrl())
  // The bundler must leave this import alone. What it builds is CommonJS, and takes paths.
  const place = isSource ? url.href : fileURLToPath(url)
  return ((await import(place)) as { default: Tool }).default
}

/** src/tools/ when run from source, else dist/tools/ beside the bundle this code became part of. */
export function toolsUrl(): URL {
  if (isSource) return new URL('../../tools/', import.meta.url)
  const here = new URL('.', import.meta.url)
  return here.pathname.endsWith('/tools/') ? here : new URL('tools/', here)
}
