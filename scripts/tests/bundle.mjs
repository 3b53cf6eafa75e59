// Test files as JavaScript, with all that they import, shared parts once; and tap as one file. A process that compiled for
// itself what its test file imports took more than a second of processor time before the first test, four times what it
// takes now.
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

export const bundleFolder = '.tap/tests'
/** What lies in a folder of such a name is left out where tap tells the way to a failure. */
const tapName = '@tapjs/bundled'

/** The program that runs a test file. Its source maps make the places it tells those of the sources. */
export const bundleOf = (file) => `${bundleFolder}/${file.replace(/\.ts$/, '.js')}`

export async function bundleTests(files) {
  rmSync(bundleFolder, { recursive: true, force: true })
  const common = {
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'warning',
    // Bundled CommonJS packages call require() for Node's own modules.
    banner: {
      js: "import { createRequire as testCreateRequire } from 'node:module'; const require = testCreateRequire(import.meta.url);",
    },
  }
  await build({
    ...common,
    // Programs that tests start, too.
    entryPoints: [...files, ...programs()],
    outbase: '.',
    outdir: bundleFolder,
    splitting: true,
    sourcemap: 'linked',
    sourcesContent: false,
    // Some look for parts of theirs beside themselves.
    packages: 'external',
    plugins: [keepPlaces, tapOfOneFile],
  })
  await build({
    ...common,
    entryPoints: ['tap'],
    outfile: `${bundleFolder}/node_modules/${tapName}/index.js`,
    external: ['typescript'],
    plugins: [lighterDomains],
  })
}

function programs() {
  return readdirSync('test', { recursive: true })
    .map(String)
    .filter((name) => /^[^/]+\/fixtures\/[^/]+\.ts$/.test(name))
    .map((name) => `test/${name}`)
}

/** What a module finds beside itself lies beside its source. */
const keepPlaces = {
  name: 'keep-places',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\](src|test|bench)[/\\].*\.ts$/ }, ({ path }) => {
      const url = JSON.stringify(pathToFileURL(path).href)
      const contents = readFileSync(path, 'utf8').replaceAll('import.meta.url', url)
      return { loader: 'ts', contents }
    })
  },
}

const tapOfOneFile = {
  name: 'tap-of-one-file',
  setup({ onResolve }) {
    const path = `${tapName}/index.js`
    onResolve({ filter: /^tap$/ }, () => ({ path, external: true }))
  },
}

const lighterDomains = {
  name: 'lighter-domains',
  setup({ onResolve }) {
    const path = fileURLToPath(new URL('async-hook-domain.mjs', import.meta.url))
    onResolve({ filter: /^async-hook-domain$/ }, () => ({ path }))
  },
}
