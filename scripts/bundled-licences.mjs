// Licences of what is bundled: nearly all of them want their text and the names of their authors to go wherever the code
// goes, and a bundler takes only what stands in comments that are marked for it.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** What is compiled into the WebAssembly of an npm package, which has a text for its own wrapping at most. */
const compiledInto = {
  '@cornerstonejs/codec-charls': ['charls', 'emscripten', 'musl'],
  '@cornerstonejs/codec-openjpeg': ['openjpeg', 'emscripten', 'musl'],
  '@cornerstonejs/codec-openjph': ['openjph', 'emscripten', 'musl'],
}
/** What a package has bundled into itself already. */
const bundledInto = {
  tar: ['@isaacs/fs-minipass', 'chownr', 'minipass', 'minizlib', 'yallist'],
}
/** Packages that come without a text, and one of the same repository, authors and licence that has it. */
const sameAs = { '@cornerstonejs/codec-openjpeg': '@cornerstonejs/codec-charls' }

/**
 * One text of all licences, and whom each is of.
 * @param metafiles what esbuild says of its bundles
 */
export function licencesOf(metafiles) {
  const packages = new Set(
    metafiles.flatMap(({ inputs }) => Object.keys(inputs)).flatMap((path) => packageOf(path) ?? []),
  )
  for (const name of packages) for (const inner of bundledInto[name] ?? []) packages.add(inner)
  const parts = [...packages].sort().map((name) => {
    const { version, license } = JSON.parse(
      readFileSync(`node_modules/${name}/package.json`, 'utf8'),
    )
    return section(`${name} ${version}${license ? ` (${license})` : ''}`, textOf(name))
  })
  const compiled = new Set([...packages].flatMap((name) => compiledInto[name] ?? []))
  for (const name of [...compiled].sort()) {
    const holders = Object.keys(compiledInto).filter((one) => compiledInto[one].includes(name))
    const text = readFileSync(`packaging/licences/${name}.txt`, 'utf8')
    parts.push(section(`${name}, compiled into ${holders.join(', ')}`, text))
  }
  return parts.join('\n')
}

/** Of a path such as node_modules/@scope/name/lib/file.js. */
function packageOf(path) {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path) ?? []
  return name
}

function textOf(name) {
  const folder = `node_modules/${sameAs[name] ?? name}`
  const file = readdirSync(folder).find((one) => /^(?:licen[cs]e|copying)(?:\.|$)/i.test(one))
  if (file === undefined || !existsSync(join(folder, file))) {
    throw new Error(`${name} is bundled, and has no licence text to go with it`)
  }
  return readFileSync(join(folder, file), 'utf8')
}

function section(title, text) {
  return `${'='.repeat(80)}\n${title}\n${'='.repeat(80)}\n\n${text.trim()}\n`
}
