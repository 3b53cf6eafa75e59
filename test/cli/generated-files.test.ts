import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { helpText } from '../../src/lib/cli/help.ts'
import { type Pages, pagesOf } from '../../src/lib/cli/pages.ts'
import type { Tool } from '../../src/lib/cli/index.ts'
import { ProfileSchema } from '../../src/lib/deidentify/profile-file/schema.ts'
import { ConfigSchema } from '../../src/lib/config/schema.ts'
import { StatusSchema } from '../../src/lib/control/status-schema.ts'
import { recordSchemas } from '../../src/lib/record/schema.ts'
import { missing, projectRoot } from '../fixtures/peers.ts'

const names = readdirSync(join(projectRoot, 'src/tools'))
  .filter((file) => /^fiona(-[a-z]+)?\.ts$/.test(file))
  .map((file) => file.replace('.ts', ''))
async function load(name: string): Promise<Tool> {
  return ((await import(`../../src/tools/${name}.ts`)) as { default: Tool }).default
}
const tools = await Promise.all(names.map(load))
const pages = new Map<string, Pages>()
for (const tool of tools) pages.set(tool.name, await pagesOf(tool, load))

const read = (path: string) =>
  existsSync(join(projectRoot, path))
    ? readFileSync(join(projectRoot, path), 'utf8')
    : 'no such file'
const stale = 'stale: run npm run build and commit what it wrote'

t.test('each tool has the name of its file', async (t) => {
  t.same(
    tools.map(({ name }) => name),
    names,
  )
})

t.test('launchers, manual pages and completions are what the declarations make', async (t) => {
  for (const [name, { section, man, bash, zsh }] of pages) {
    t.equal(read(`man/man${String(section)}/${name}.${String(section)}`), man, stale)
    t.equal(read(`share/completion/bash/${name}`), bash, stale)
    t.equal(read(`share/completion/zsh/_${name}`), zsh, stale)
    t.equal(read(`bin/${name}`), read('scripts/launcher.mjs'), stale)
  }
})

t.test('there is no page, launcher or completion of a tool that is gone', async (t) => {
  const found = (folder: string) => readdirSync(join(projectRoot, folder)).sort()
  const sections = (section: number) =>
    names
      .filter((name) => pages.get(name)?.section === section)
      .map((name) => `${name}.${String(section)}`)
  t.same(found('bin'), [...names, 'package.json'].sort())
  t.same(found('share/completion/bash'), [...names].sort())
  t.same(found('share/completion/zsh'), names.map((name) => `_${name}`).sort())
  t.same(found('man/man1'), sections(1).sort())
  t.same(found('man/man8'), sections(8).sort())
})

t.test('the published schemas are those the code validates with', async (t) => {
  const published = (name: string) => JSON.parse(read(`docs/schema/${name}.json`)) as unknown
  const $schema = 'http://json-schema.org/draft-07/schema#'
  for (const [type, schema] of Object.entries(recordSchemas)) {
    t.same(published(type), JSON.parse(JSON.stringify({ $schema, ...schema })), stale)
  }
  t.same(published('config'), JSON.parse(JSON.stringify({ $schema, ...ConfigSchema })), stale)
  t.same(published('profile'), JSON.parse(JSON.stringify({ $schema, ...ProfileSchema })), stale)
  t.same(published('status'), JSON.parse(JSON.stringify({ $schema, ...StatusSchema })), stale)
  t.same(
    readdirSync(join(projectRoot, 'docs/schema')).sort(),
    [...Object.keys(recordSchemas), 'config', 'profile', 'status']
      .map((name) => `${name}.json`)
      .sort(),
  )
})

t.test('mandoc finds nothing wrong with the pages', { skip: missing('mandoc') }, async (t) => {
  for (const [name, { man }] of pages) {
    const { stdout } = spawnSync('mandoc', ['-T', 'lint'], { input: man, encoding: 'utf8' })
    // The line of NAME must be one line, however long the summary is.
    t.equal(stdout.replaceAll(/^.*:3:\d+: STYLE: input text line longer.*\n/gm, ''), '', name)
  }
})

t.test(
  'what a page shows to be copied comes out as it is',
  { skip: missing('mandoc') },
  async (t) => {
    for (const tool of tools) {
      const { stdout } = spawnSync('mandoc', ['-T', 'utf8', '-O', 'width=200'], {
        input: pages.get(tool.name)?.man ?? '',
        encoding: 'utf8',
      })
      // Bold is written by overstriking.
      const shown = stdout.replaceAll(/.\x08/gs, '')
      for (const [command] of tool.examples ?? []) t.ok(shown.includes(command), command)
      for (const option of Object.keys(tool.options)) t.ok(shown.includes(`--${option}`), option)
    }
  },
)

t.test('SEE ALSO gives each tool its section', async (t) => {
  for (const [name, { man }] of pages) {
    for (const [, other = '', section] of man.matchAll(/^\.BR "(.*?)" \((\d)\)/gm)) {
      const expected = pages.get(other.replaceAll('\\-', '-'))?.section
      if (expected !== undefined) t.equal(Number(section), expected, `${name}: ${other}`)
    }
  }
})

t.test('help begins with what the tool is for, and leads with examples', async (t) => {
  for (const tool of tools) {
    const help = helpText(tool)
    t.ok(help.startsWith(`${tool.name}: ${tool.summary}\n\nUsage: ${tool.name}`), tool.name)
    t.ok((tool.examples ?? []).length > 0, `${tool.name} has an example`)
    const at = (text: string) => help.indexOf(text)
    t.ok(at('Examples:') < at('Common options:'))
    for (const name of Object.keys(tool.options)) t.ok(help.includes(`--${name}`), name)
  }
})

/** What bash offers for the last of the words. */
function completed(tool: string, ...words: string[]): string[] {
  const script = `
    compopt() { :; }
    source share/completion/bash/${tool}
    COMP_WORDS=("$@"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _${tool.replaceAll('-', '_')}
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', tool, ...words], {
    cwd: projectRoot,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${projectRoot}bin:${process.env['PATH'] ?? ''}` },
  })
  if (stderr !== '') throw new Error(stderr)
  return stdout.split('\n').filter((line) => line !== '')
}

t.test('bash completes options, choices, files and tools', { skip: missing('bash') }, async (t) => {
  t.same(completed('fiona-classify', '--sem'), ['--semantics'])
  t.same(completed('fiona-classify', '--semantics', ''), ['strict', 'compat'])
  t.same(completed('fiona-classify', '--semantics', 'c'), ['compat'])
  t.same(completed('fiona-classify', '--semantics', '='), ['strict', 'compat'])
  t.same(completed('fiona-classify', '--semantics', '=', 'str'), ['strict'])
  t.same(completed('fiona-classify', '--rules', 'share/ru'), ['share/rules'])
  t.same(completed('fiona-arrive', '--quiet-seconds', ''), [])
  t.ok(completed('fiona', 'cla').includes('classify'))
})

t.test('each shell can read its completions', async (t) => {
  for (const [name, { bash, zsh }] of pages) {
    t.equal(spawnSync('bash', ['-n'], { input: bash, encoding: 'utf8' }).stderr, '', name)
    if (missing('zsh') !== false) continue
    t.equal(spawnSync('zsh', ['-n'], { input: zsh, encoding: 'utf8' }).stderr, '', name)
  }
})

t.test(
  'shellcheck finds nothing in the completions',
  { skip: missing('shellcheck') },
  async (t) => {
    const files = names.map((name) => `share/completion/bash/${name}`)
    const { stdout } = spawnSync('shellcheck', ['-s', 'bash', ...files], {
      cwd: projectRoot,
      encoding: 'utf8',
    })
    t.equal(stdout, '')
  },
)
