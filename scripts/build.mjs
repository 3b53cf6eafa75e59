// Builds dist/ (one bundle a tool, shared chunks) and what is generated from declarations:
// record validators, docs/schema/*.json, bin/ launchers, man/ pages and completions.
//   node scripts/build.mjs             build; generated files that are committed are rewritten
//   node scripts/build.mjs --check     build, and fail when a committed generated file was stale
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { licencesOf } from './bundled-licences.mjs'
import { bundlePrograms } from './bundle-programs.mjs'
import { compileBundles } from './compile-bundles.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)
const check = process.argv.includes('--check')
const stale = []

await generateValidators()
await generateFileValidator({
  what: 'config',
  folder: 'src/lib/config/generated',
  schemaPath: 'src/lib/config/schema.ts',
  schemaName: 'ConfigSchema',
  useDefaults: true,
})
await generateFileValidator({
  what: 'profile',
  folder: 'src/lib/deidentify/generated',
  schemaPath: 'src/lib/deidentify/profile-file/schema.ts',
  schemaName: 'ProfileSchema',
  useDefaults: false,
})
await generateStatusSchema()
const tools = readdirSync('src/tools')
  .filter((name) => /^fiona(-[a-z]+)?\.ts$/.test(name))
  .map((name) => name.slice(0, -3))
  .sort()
const { metafiles, bundles } = await bundlePrograms(tools)
compileBundles(bundles)
writeFileSync('dist/LICENCES.txt', licencesOf(metafiles))
await generateFromDeclarations()
if (stale.length > 0) {
  console.error(
    `error: stale generated files: ${stale.join(', ')}\nhint: run npm run build and commit them`,
  )
  process.exit(1)
}

async function generateValidators() {
  const { recordSchemas } = await importSchema(
    'src/lib/record/schema.ts',
    'src/lib/record/generated',
  )
  const { default: Ajv } = await import('ajv')
  const { default: standalone } = await import('ajv/dist/standalone/index.js')
  const ajv = new Ajv.default({
    code: { source: true, esm: true, lines: true },
    strict: true,
    allErrors: false,
  })
  const names = {}
  for (const [type, schema] of Object.entries(recordSchemas)) {
    ajv.addSchema(schema)
    names[`${type}Record`] = type
    publish(
      `docs/schema/${type}.json`,
      `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...schema }, null, 2)}\n`,
    )
  }
  const bundled = await build({
    stdin: { contents: standalone.default(ajv, names), resolveDir: root },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  })
  const table = Object.entries(names).map(([name, type]) => `  ${JSON.stringify(type)}: ${name},`)
  writeFileSync(
    'src/lib/record/generated/validators.js',
    `${bundled.outputFiles[0].text}\nexport const validators = {\n${table.join('\n')}\n}\n`,
  )
  writeFileSync(
    'src/lib/record/generated/validators.d.ts',
    `export interface Validate {\n  (value: unknown): boolean\n  errors?: { instancePath: string; message?: string }[] | null\n}\nexport declare const validators: Record<string, Validate>\n`,
  )
}

async function importSchema(path, folder) {
  mkdirSync(folder, { recursive: true })
  // A name of its own: what was imported once is not looked at again.
  const temporary = `${folder}/.${basename(path, '.ts')}.mjs`
  await build({
    entryPoints: [path],
    outfile: temporary,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  })
  const loaded = await import(pathToFileURL(temporary).href)
  rmSync(temporary)
  return loaded
}

/** Of a file that people write: what is wrong with it, all of it, and which keys there are. */
async function generateFileValidator({ what, folder, schemaPath, schemaName, useDefaults }) {
  const { [schemaName]: schema } = await importSchema(schemaPath, folder)
  const { default: Ajv } = await import('ajv')
  const { default: standalone } = await import('ajv/dist/standalone/index.js')
  const ajv = new Ajv.default({
    code: { source: true, esm: true, lines: true },
    strict: true,
    allErrors: true,
    useDefaults,
    // Of a value that is wrong the title of its schema says what belongs there.
    verbose: true,
  })
  const validate = ajv.compile(schema)
  publish(
    `docs/schema/${what}.json`,
    `${JSON.stringify({ $schema: 'http://json-schema.org/draft-07/schema#', ...schema }, null, 2)}\n`,
  )
  const bundled = await build({
    stdin: { contents: standalone.default(ajv, validate), resolveDir: root },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  })
  const keys = {}
  collectKeys(schema, '#', keys)
  const Name = `${what[0].toUpperCase()}${what.slice(1)}`
  writeFileSync(
    `${folder}/validate-${what}.js`,
    `${bundled.outputFiles[0].text.replace(/export \{[^}]*\};?/g, '')}\nexport function validate${Name}(value) {\n  return ${validate.name ?? 'validate10'}(value) ? [] : ${validate.name ?? 'validate10'}.errors\n}\nexport const knownKeys = ${JSON.stringify(keys)}\n`,
  )
  writeFileSync(
    `${folder}/validate-${what}.d.ts`,
    `export interface ${Name}Problem {\n  instancePath: string\n  schemaPath: string\n  message?: string\n  params: Record<string, unknown>\n  parentSchema?: { title?: string }\n}\nexport declare function validate${Name}(value: unknown): ${Name}Problem[]\nexport declare const knownKeys: Record<string, string[]>\n`,
  )
}

/** Nothing of ours reads a status: whoever does has the schema. */
async function generateStatusSchema() {
  const folder = 'src/lib/record/generated'
  const { StatusSchema } = await importSchema('src/lib/control/status-schema.ts', folder)
  const schema = { $schema: 'http://json-schema.org/draft-07/schema#', ...StatusSchema }
  publish('docs/schema/status.json', `${JSON.stringify(schema, null, 2)}\n`)
}

/** The keys allowed at each place of the schema, for "did you mean". */
function collectKeys(schema, at, keys) {
  if (schema.properties) {
    keys[`${at}/additionalProperties`] = Object.keys(schema.properties)
    for (const [name, part] of Object.entries(schema.properties))
      collectKeys(part, `${at}/properties/${name}`, keys)
  }
  if (schema.items) collectKeys(schema.items, `${at}/items`, keys)
  for (const [pattern, part] of Object.entries(schema.patternProperties ?? {})) {
    collectKeys(
      part,
      `${at}/patternProperties/${encodeURIComponent(pattern).replaceAll('~', '~0').replaceAll('/', '~1')}`,
      keys,
    )
  }
}

async function generateFromDeclarations() {
  const { loadBundle } = createRequire(import.meta.url)('../dist/load.js')
  const { describeTool } = loadBundle('main.js')
  publish('bin/package.json', '{\n  "type": "commonjs"\n}\n')
  for (const name of tools) {
    const launcher = `bin/${name}`
    publish(launcher, readFileSync('scripts/launcher.mjs', 'utf8'))
    chmodSync(launcher, 0o755)
    const pages = await describeTool(name)
    publish(`man/man${pages.section}/${name}.${pages.section}`, pages.man)
    publish(`share/completion/bash/${name}`, pages.bash)
    publish(`share/completion/zsh/_${name}`, pages.zsh)
  }
}

/** Write a generated file that is committed; remember that it was not up to date. */
function publish(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return
  if (check) stale.push(path)
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(path, text)
}
