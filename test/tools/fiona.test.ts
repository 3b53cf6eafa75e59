import { readFileSync, symlinkSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import t from 'tap'
import { projectRoot, run, toolNames as names } from '../fixtures/peers.ts'

const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
  version: string
}

t.test('every tool helps, says its version, and names the option that was meant', async (t) => {
  await Promise.all(
    names.map(async (name) => {
      const help = await run(name, ['--help'])
      t.match(help, { code: 0, stderr: '' }, `${name} --help`)
      t.ok(help.stdout.startsWith(`${name}: `) && help.stdout.includes('Usage:'), name)
      t.same(await run(name, ['--version']), {
        code: 0,
        stdout: `${name} ${version}\n`,
        stderr: '',
      })
      if (name === 'fiona') return
      const wrong = await run(name, ['--verison'])
      t.match(wrong, { code: 64, stdout: '' }, name)
      t.equal(
        wrong.stderr,
        `error: unknown option --verison; did you mean --version?\nhint: run ${name} --help\n`,
      )
      const level = await run(name, ['--log-level', 'loud'])
      t.match(level, { code: 64, stderr: /^error: --log-level must be one of .*\nhint: / }, name)
    }),
  )
})

t.test(
  'a level of the environment that is none is named; an empty one counts as none',
  async (t) => {
    const wrong = await run('fiona-arrive', [], { env: { FIONA_LOG_LEVEL: 'loud' } })
    t.equal(wrong.code, 64)
    t.match(wrong.stderr, /^error: FIONA_LOG_LEVEL is "loud".*\nhint: one of .*debug/)
    t.match(await run('fiona-arrive', [], { env: { FIONA_LOG_LEVEL: '' } }), {
      code: 0,
      stderr: '',
    })
  },
)

t.test('a link to a tool must keep its name', async (t) => {
  const link = join(t.testdir(), 'receiver')
  symlinkSync(join(projectRoot, 'bin', 'fiona-scp'), link)
  const { code, stderr } = await run(link, ['--help'])
  t.equal(code, 64)
  t.match(stderr, /^error: no tool is called "receiver"\nhint: /)
})

t.test('a configuration with a mistake is exit 78 with its line, whatever the tool', async (t) => {
  const dir = t.testdir({ 'f.yaml': 'dataDir: /tmp/x\nreciever: {}\n' })
  const { code, stderr, stdout } = await run('fiona-arrive', ['--config', join(dir, 'f.yaml')])
  t.equal(code, 78)
  t.equal(stdout, '')
  t.match(stderr, /^error: .*f\.yaml:2: unknown key "reciever"; did you mean "receiver"\?\nhint: /)
})

t.test('fiona alone lists the tools, and runs each by its short name', async (t) => {
  const { code, stdout } = await run('fiona', [])
  t.equal(code, 0)
  const listed = stdout.split('\n').map((line) => line.split(' ')[0])
  for (const name of names) if (name !== 'fiona') t.ok(listed.includes(name), name)
  const short = await run('fiona', ['classify', '--version'])
  t.same(short, { code: 0, stdout: `fiona-classify ${version}\n`, stderr: '' })
})

t.test('a name that is no tool is a usage error with the nearest one', async (t) => {
  t.match(await run('fiona', ['clasify']), {
    code: 64,
    stdout: '',
    stderr:
      'error: no tool is called "clasify"; did you mean classify?\nhint: fiona alone lists the tools\n',
  })
  t.match(await run('fiona', ['../../etc/passwd']), { code: 64, stderr: /no tool is called/ })
})

t.test('what a tool does not need to say what it does is not loaded for it', async (t) => {
  const dist = join(projectRoot, 'dist')
  /** The file and all that it requires at once. */
  const loadedWith = (file: string, seen = new Set<string>()): Set<string> => {
    if (seen.has(file)) return seen
    seen.add(file)
    const source = readFileSync(file, 'utf8')
    for (const [, other = ''] of source.matchAll(/^(?:var \w+ = )?require\("(\..*?)"\);$/gm)) {
      loadedWith(resolve(dirname(file), other), seen)
    }
    return seen
  }
  for (const name of names) {
    const files = [
      ...loadedWith(join(dist, 'main.js')),
      ...loadedWith(join(dist, `tools/${name}.js`)),
    ]
    t.ok(files.length > 2)
    for (const file of files) {
      const map = readFileSync(`${file}.map`, 'utf8')
      const { sources } = JSON.parse(map) as { sources: readonly string[] }
      const heavy = sources.filter((part) =>
        /lib\/dicom\/|node_modules\/(?!yargs-parser)|validat/.test(part),
      )
      t.same(heavy, [], `${name} --help loads ${basename(file)}`)
    }
  }
})
