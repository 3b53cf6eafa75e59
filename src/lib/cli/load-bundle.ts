// What launchers and threads load first (dist/load.js): it runs a bundle of dist/ with all that this requires, from code that
// the build has compiled. Otherwise compiling is most of what a tool does until its first record (docs/adr/0019).
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Script } from 'node:vm'

/** Behind the name of a bundle: of the file with what the build compiled of it. */
export const compiledSuffix = '.compiled'

interface Module {
  exports: unknown
}
type Run = (
  exports: unknown,
  require: (name: string) => unknown,
  module: Module,
  file: string,
  folder: string,
) => void

const modules = new Map<string, Module>()

/** Runs a bundle when it is first asked for. @param name within dist/ @returns its exports */
export function loadBundle(name: string): unknown {
  const file = join(__dirname, name)
  // Nobody but Node's own loader looks at source maps.
  return process.sourceMapsEnabled ? (require(file) as unknown) : load(file)
}

function load(file: string): unknown {
  const known = modules.get(file)
  if (known !== undefined) return known.exports
  const module: Module = { exports: {} }
  modules.set(file, module)
  // The bundler has escaped what is not ASCII.
  const source = readFileSync(file, 'latin1')
  const folder = dirname(file)
  const requireThere = (name: string): unknown => {
    if (name.startsWith('/')) return load(name)
    return name.startsWith('.') ? load(join(folder, name)) : require(name)
  }
  const run = scriptOf(file, source, compiledOf(file, source)).runInThisContext() as Run
  run(module.exports, requireThere, module, file, folder)
  return module.exports
}

/** A bundle as a function of what Node gives to CommonJS modules; no line is moved. */
export function scriptOf(file: string, source: string, compiled?: Buffer): Script {
  const text = `(function (exports, require, module, __filename, __dirname) {${source}\n})`
  return new Script(text, { filename: file, ...(compiled && { cachedData: compiled }) })
}

/**
 * The line at both ends of what was compiled. V8 itself compares versions of its own and the length of the source, and
 * never looks whether the rest is whole.
 */
export function sealOf(source: string): string {
  const hash = source.slice(source.lastIndexOf('\n', source.length - 2) + 1).trim()
  return `\n${hash} ${process.version} ${process.arch}\n`
}

/** Undefined where it is of another bundle, Node or processor, or not whole: then the source is compiled. */
function compiledOf(file: string, source: string): Buffer | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(file + compiledSuffix)
  } catch {
    return undefined
  }
  const seal = sealOf(source)
  const end = bytes.length - seal.length
  const isWhole =
    bytes.toString('latin1', 0, seal.length) === seal && bytes.toString('latin1', end) === seal
  return isWhole ? bytes.subarray(seal.length, end) : undefined
}
