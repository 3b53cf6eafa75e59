// dist/: a bundle for each tool and thread, and what they share once. CommonJS, since Node reads ES modules in its own time,
// file by file, and cannot be given compiled ones. esbuild shares code between ES modules only, so it is run twice.
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { build } from 'esbuild'

const modules = 'dist/modules'
/** CommonJS knows where it lies as a path. */
const bundleUrl = "const bundleUrl = require('node:url').pathToFileURL(__filename).href;"
const common = { platform: 'node', target: 'node20', logLevel: 'warning' }
/** What is run in a thread of its own, by the name of its program in dist/. */
const threads = {
  'digest-worker': 'src/lib/digest/digest-worker.ts',
  'partner-thread': 'src/lib/deidentify/study/partner-thread.ts',
}

/** @param tools names of the tools @returns what esbuild says of what it made, and which bundles load each other */
export async function bundlePrograms(tools) {
  rmSync('dist', { recursive: true, force: true })
  const entryPoints = {
    main: 'src/lib/cli/main.ts',
    ...Object.fromEntries(Object.entries(threads).map(([name, path]) => [`threads/${name}`, path])),
    ...Object.fromEntries(tools.map((name) => [`tools/${name}`, `src/tools/${name}.ts`])),
  }
  const { metafile, bundles } = await bundleShared(entryPoints)
  const metafiles = [metafile, await bundleCodecs(), await bundleLoader()]
  for (const name of Object.keys(threads)) {
    writeFileSync(`dist/${name}.js`, `require('./load.js').loadBundle('threads/${name}.js')\n`)
  }
  writeFileSync('dist/package.json', '{\n  "type": "commonjs"\n}\n')
  return { metafiles, bundles }
}

async function bundleShared(entryPoints) {
  const { metafile, outputFiles } = await build({
    ...common,
    metafile: true,
    entryPoints,
    outdir: modules,
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    sourcemap: 'linked',
    legalComments: 'linked',
    // It has a compiled part, which it looks for beside itself.
    // ssh2 does without its compiled parts, which a bundle cannot hold.
    external: ['better-sqlite3', 'cpu-features', '*.node'],
  })
  for (const { path, text } of outputFiles) {
    const isAsking = path.endsWith('.js') && text.includes('import.meta.url')
    if (path.endsWith('.txt')) put(join('dist', basename(path)), text)
    else put(path, isAsking ? `${bundleUrl}${text}` : text)
  }
  // Not of a package of ES modules: the default of a module that was CommonJS already would be lost in the second run.
  writeFileSync(join(modules, 'package.json'), '{}\n')
  const names = Object.keys(metafile.outputs)
    .filter((path) => path.endsWith('.js'))
    .map((path) => relative(modules, path))
  await build({
    ...common,
    entryPoints: names.map((name) => join(modules, name)),
    outbase: modules,
    outdir: 'dist',
    format: 'cjs',
    sourcemap: 'linked',
    define: { 'import.meta.url': 'bundleUrl' },
    supported: { 'dynamic-import': false },
    // The first run has warned of what is ours.
    logLevel: 'error',
  })
  rmSync(modules, { recursive: true })
  return { metafile, bundles: names }
}

/** What launchers and threads load first. */
async function bundleLoader() {
  const { metafile } = await build({
    ...common,
    metafile: true,
    entryPoints: ['src/lib/cli/load-bundle.ts'],
    outfile: 'dist/load.js',
    format: 'cjs',
  })
  return metafile
}

/** The codecs' JavaScript wants its folder's name, so it is a program of its own; their WebAssembly lies beside it. */
async function bundleCodecs() {
  const { metafile } = await build({
    ...common,
    metafile: true,
    entryPoints: ['src/lib/pixels/codecs/codec-worker.ts'],
    outfile: 'dist/codec-worker.cjs',
    bundle: true,
    format: 'cjs',
    legalComments: 'linked',
  })
  const codecs = [
    'codec-charls/dist/charlswasm.wasm',
    'codec-openjpeg/dist/openjpegwasm.wasm',
    'codec-openjph/dist/openjphjs.wasm',
  ]
  for (const path of codecs) {
    copyFileSync(`node_modules/@cornerstonejs/${path}`, join('dist', basename(path)))
  }
  return metafile
}

function put(path, text) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
