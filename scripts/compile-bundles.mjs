// Beside each bundle of dist/ what V8 makes of it. It is for this version of Node and this kind of processor; under another
// one it is passed over, and tools start more slowly.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'

/** @param names of the bundles in dist/; each gets a last line that says which it is */
export function compileBundles(names) {
  const { scriptOf, sealOf, compiledSuffix } = createRequire(import.meta.url)('../dist/load.js')
  for (const name of names) {
    const file = join('dist', name)
    const text = inAscii(readFileSync(file, 'utf8'))
    const hash = createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 16)
    const source = `${text}//${hash}\n`
    const seal = Buffer.from(sealOf(source))
    const compiled = compile(() => scriptOf(name, source))
    writeFileSync(file, source, 'latin1')
    writeFileSync(file + compiledSuffix, Buffer.concat([seal, compiled, seal]))
  }
}

/**
 * They are read as Latin-1, which is fast, so all is written in ASCII. esbuild does that with texts, and leaves regular
 * expressions and comments as they are; an escape means the same in each of them.
 */
function inAscii(text) {
  return text.replace(
    /[^\x00-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** All functions, too, and not only those that run at once. */
function compile(makeScript) {
  setFlagsFromString('--no-lazy')
  const script = makeScript()
  // What is made under other flags than those it is used under is refused.
  setFlagsFromString('--lazy')
  return script.createCachedData()
}
