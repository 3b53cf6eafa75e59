// Beside each bundle of dist/ what V8 makes of it. It is for this version of Node and this kind of processor; under another
// one it is passed over, and tools start more slowly.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'

/** @param files the bundles; each gets a last line that says which it is */
export function compileBundles(files) {
  const { scriptOf, sealOf, compiledSuffix } = createRequire(import.meta.url)('../dist/load.js')
  for (const file of files.map((name) => resolve(name))) {
    const text = readFileSync(file, 'latin1')
    const hash = createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 16)
    const source = `${text}//${hash}\n`
    const seal = Buffer.from(sealOf(source))
    writeFileSync(file, source, 'latin1')
    writeFileSync(
      file + compiledSuffix,
      Buffer.concat([seal, compile(scriptOf, file, source), seal]),
    )
  }
}

/** All functions, too, and not only those that run at once. */
function compile(scriptOf, file, source) {
  setFlagsFromString('--no-lazy')
  const script = scriptOf(file, source)
  // What is made under other flags than those it is used under is refused.
  setFlagsFromString('--lazy')
  return script.createCachedData()
}
