import { resolve } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { defineTool } from '../../src/lib/cli/index.ts'
import { parseArguments } from '../../src/lib/cli/parse-arguments.ts'
import { FionaError } from '../../src/lib/error/index.ts'

const tool = defineTool({
  name: 'fiona-test',
  summary: 'test',
  arguments: { name: 'PATH', repeated: true, describe: 'files' },
  options: {
    port: { type: 'integer', min: 0, max: 65535, default: 104, describe: 'port' },
    seconds: { type: 'number', min: 0, describe: 'seconds' },
    out: { type: 'path', describe: 'folder' },
    mode: { type: 'choice', choices: ['fast', 'safe'], default: 'safe', describe: 'mode' },
    'calling-aet': { type: 'string', describe: 'title' },
    match: { type: 'strings', describe: 'pattern' },
    explain: { type: 'boolean', describe: 'say why' },
  },
  run: async () => 0,
})
const parse = (...argv: string[]) => parseArguments(tool, argv)

t.test('options have the types of their declaration, and its defaults', async (t) => {
  t.match(parse().options, { port: 104, mode: 'safe', match: [], explain: undefined })
  t.same(parse('--port', '11112', '--seconds=0.5', '--out', 'x', '--explain', 'a', 'b'), {
    options: {
      port: 11112,
      seconds: 0.5,
      out: resolve('x'),
      mode: 'safe',
      match: [],
      explain: true,
    },
    common: {},
    args: ['a', 'b'],
    rest: [],
  })
  t.match(parse('--calling-aet', 'ME', '--match', 'a', '--match=b').options, {
    callingAet: 'ME',
    match: ['a', 'b'],
  })
})

t.test('the last of several wins, so that a line can be mended at its end', async (t) => {
  t.equal(parse('--mode', 'fast', '--mode', 'safe').options['mode'], 'safe')
  t.equal(parse('--explain', '--no-explain').options['explain'], false)
})

t.test('words behind -- are arguments, or belong to who asked for them', async (t) => {
  t.same(parse('a', '--', '--port').args, ['a', '--port'])
  const stage = defineTool({ ...tool, restName: "'pipeline'" })
  const { args, rest } = parseArguments(stage, ['a', '--', 'jq .', '--port'])
  t.same({ args, rest }, { args: ['a'], rest: ['jq .', '--port'] })
})

const mistakes: readonly [argv: string, message: RegExp][] = [
  ['--prot 1', /^unknown option --prot; did you mean --port\?$/],
  ['--elephants', /^unknown option --elephants$/],
  ['-p 1', /^unknown option -p/],
  ['--__proto__ x', /^unknown option --__proto__$/],
  ['--port', /^option --port needs a value$/],
  ['--port=', /^option --port needs a value$/],
  ['--port --explain', /^option --port needs a value$/],
  ['--port 4x', /^--port must be a whole number from 0 to 65535, not "4x"$/],
  ['--port 1.5', /whole number/],
  ['--port 65536', /from 0 to 65535, not "65536"/],
  ['--port 0x10', /whole number/],
  ['--port Infinity', /whole number/],
  ['--seconds -1', /^--seconds must be a number of at least 0, not "-1"$/],
  ['--mode slow', /^--mode must be one of fast, safe, not "slow"$/],
  ['--explain=maybe', /^option --explain takes no value$/],
  ['--log-level loud', /^--log-level must be one of trace, debug/],
]
for (const [argv, message] of mistakes) {
  t.test(`a usage error says what is wrong: ${argv}`, async (t) => {
    t.throws(() => parse(...argv.split(' ')), {
      code: 'E_USAGE',
      exitCode: 64,
      message,
      hint: 'run fiona-test --help',
    })
  })
}

t.test('what is needed must be there, but not to ask for help', async (t) => {
  const needy = defineTool({
    name: 'fiona-needy',
    summary: 'test',
    arguments: { name: 'NAME', required: true, describe: 'a journal' },
    options: { 'key-file': { type: 'path', required: true, describe: 'the key' } },
    run: async () => 0,
  })
  const parsed = (...argv: string[]) => parseArguments(needy, argv)
  t.throws(() => parsed('a'), { message: 'option --key-file is needed: the key' })
  t.throws(() => parsed('--key-file', 'k'), { message: 'NAME is missing: a journal' })
  t.throws(() => parsed('a', 'b', '--key-file', 'k'), { message: 'unexpected argument "b"' })
  for (const word of ['--help', '-h', '--version']) t.doesNotThrow(() => parsed(word), word)
  t.equal(parsed('-h').common.help, true)
})

t.test('any words at all are options, arguments or a usage error', async () => {
  const word = fc.oneof(
    fc.constantFrom('--port', '--', '-', '--no-port', '--explain', '--out=', '-h', '1', '--match'),
    fc.string({ maxLength: 8 }),
    fc.string({ maxLength: 8 }).map((text) => `--${text}`),
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
      try {
        parse(...argv)
        return true
      } catch (error) {
        return error instanceof FionaError && error.code === 'E_USAGE'
      }
    }),
    { numRuns: 3000 },
  )
})
