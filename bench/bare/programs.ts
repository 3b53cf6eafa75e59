import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'

let folder: string | undefined

/** As JavaScript, since no loader of TypeScript goes with them into their threads. @returns the path of the program */
export function bareProgram(name: 'receiver' | 'disk'): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'fiona-bench-bare-'))
    process.on('exit', () => {
      rmSync(made, { recursive: true })
    })
    folder = made
    const sources = ['receiver', 'disk'].map((each) => new URL(`${each}.ts`, import.meta.url))
    buildSync({
      entryPoints: sources.map((source) => fileURLToPath(source)),
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      logLevel: 'warning',
    })
  }
  return join(folder, `${name}.mjs`)
}
