import { isAscii } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { projectRoot } from '../fixtures/peers.ts'

const watch = join(projectRoot, 'test/cli/fixtures/name-refused.cjs')
/** An installation in another place than where it was built. */
const root = mkdtempSync(join(tmpdir(), 'fiona-load-'))
for (const folder of ['bin', 'dist']) {
  cpSync(join(projectRoot, folder), join(root, folder), { recursive: true })
}
t.teardown(() => {
  rmSync(root, { recursive: true })
})
const main = join(root, 'dist/main.js')
const compiled = `${main}.compiled`
const whole = readFileSync(compiled)

/** How each bundle came to run, and what the tool printed. */
function start(...node: string[]) {
  const words = [...node, '--require', watch, join(root, 'bin/fiona-classify'), '--version']
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  const how = stderr
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
  return { stdout, how: new Map(how.map(([bundle = '', way = '']) => [bundle, way])) }
}

t.test('tools run what the build compiled, wherever they are installed', async (t) => {
  const { stdout, how } = start()
  t.equal(stdout, 'fiona-classify 0.1.0\n')
  t.equal(how.get('main.js'), 'taken')
  t.equal(how.get('fiona-classify.js'), 'taken')
  t.same([...new Set(how.values())], ['taken'])
})

t.test('bundles are in ASCII, as they are read: ä in an expression would be two letters', (t) => {
  const names = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' })
  const bundles = names.filter((name) => names.includes(`${name}.compiled`))
  t.ok(bundles.includes('main.js'))
  t.same(
    bundles.filter((name) => !isAscii(readFileSync(join(root, 'dist', name)))),
    [],
  )
  t.end()
})

t.test(
  'what is compiled of another bundle, for another Node, or cut off is passed over',
  async (t) => {
    t.teardown(() => {
      writeFileSync(compiled, whole)
    })
    const other = readFileSync(join(root, 'dist/tools/fiona-classify.js.compiled'))
    const text = whole.toString('latin1')
    const cases: Record<string, Buffer> = {
      'of another bundle': other,
      'for another Node': Buffer.from(text.replaceAll(process.version, 'v20.0.0'), 'latin1'),
      'for another processor': Buffer.from(
        text.replaceAll(` ${process.arch}\n`, ' vax\n'),
        'latin1',
      ),
      'cut off': whole.subarray(0, whole.length - 1),
      'its end never written': Buffer.concat([whole.subarray(0, -4096), Buffer.alloc(4096)]),
      empty: Buffer.alloc(0),
    }
    for (const [what, bytes] of Object.entries(cases)) {
      writeFileSync(compiled, bytes)
      const { stdout, how } = start()
      t.equal(stdout, 'fiona-classify 0.1.0\n', what)
      t.equal(how.get('main.js'), 'compiled', what)
      t.equal(how.get('fiona-classify.js'), 'taken', what)
    }
    rmSync(compiled)
    t.equal(start().stdout, 'fiona-classify 0.1.0\n')
  },
)

t.test('what V8 refuses under flags of its own is compiled', async (t) => {
  const { stdout, how } = start('--no-opt')
  t.equal(stdout, 'fiona-classify 0.1.0\n')
  t.equal(how.get('main.js'), 'refused')
})

t.test('a bundle that was changed is what runs, not what was compiled of it before', async (t) => {
  const bundle = readFileSync(main, 'utf8')
  t.teardown(() => {
    writeFileSync(main, bundle)
  })
  // As long as before: length is all that V8 looks at.
  const changed = bundle.replace('no tool is called', 'no tool is spelt ')
  writeFileSync(main, changed.replace(/[0-9a-f]{16}\n$/, '0123456789abcdef\n'))
  const { how } = start()
  t.equal(how.get('main.js'), 'compiled')
})

t.test('places of errors are within dist/, and in the sources with source maps', async (t) => {
  const launcher = join(root, 'bin/fiona-stack')
  // No list of arguments at all: a mistake of a programmer.
  const program = "require('../dist/load.js').loadBundle('main.js').main('fiona-classify', null)"
  writeFileSync(launcher, program)
  const stack = (...node: string[]) =>
    spawnSync(process.execPath, [...node, launcher], { encoding: 'utf8' }).stderr
  t.match(stack(), 'fiona/dist/chunk-')
  t.notMatch(stack(), projectRoot)
  t.match(stack('--enable-source-maps'), 'src/lib/cli/parse-arguments.ts:')
})
