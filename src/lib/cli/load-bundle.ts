// What launchers and threads load first (dist/load.js): it runs a bundle of dist/ with all that this requires, from code that
// the build has compiled. Otherwise compiling is most of what a tool does until its first record (docs/adr/0019).
import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
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
  // Nobody but Node's own loader looks at source maps.
  return process.sourceMapsEnabled ? (require(join(__dirname, name)) as unknown) : load(name)
}

function load(name: string): unknown {
  const known = modules.get(name)
  if (known !== undefined) return known.exports
  const module: Module = { exports: {} }
  modules.set(name, module)
  const file = join(__dirname, name)
  // The build has escaped what is not ASCII (compile-bundles.mjs).
  const source = readFileSync(file, 'latin1')
  const requireThere = (wanted: string): unknown => {
    if (wanted.startsWith('/')) return load(relative(__dirname, wanted))
    return wanted.startsWith('.') ? load(join(dirname(name), wanted)) : require(wanted)
  }
  const run = scriptOf(name, source, compiledOf(file, source)).runInThisContext() as Run
  run(module.exports, requireThere, module, file, dirname(file))
  return module.exports
}

/**
 * A bundle as a function of what Node gives to CommonJS modules; no line is moved. What was compiled keeps the name that it
 * had then, so places in it are told from where FIONA is installed.
 * @param name within dist/
 */
export function scriptOf(name: string, source: string, compiled?: Buffer): Script {
  const text = `(function (exports, require, module, __filename, __dirname) {${source}\n})`
  const filename = join('fiona/dist', name)
  return new Script(text, { filename, ...(compiled && { cachedData: compiled }) })
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
