import { Readable } from 'node:stream'
import pino from 'pino'
import t from 'tap'
import { runFilter } from '../../src/lib/cli/filter.ts'
import type { FilterLogic } from '../../src/lib/cli/index.ts'
import { FionaError } from '../../src/lib/error/index.ts'

async function run(logic: FilterLogic, chunks: readonly (string | Buffer)[]) {
  let out = ''
  const code = await runFilter('fiona-test', logic, {
    input: Readable.from(chunks.map((chunk) => Buffer.from(chunk))),
    write: async (text) => {
      out += text
    },
    sync: async () => undefined,
    log: pino({ level: 'silent' }),
    signal: new AbortController().signal,
    now: () => performance.now(),
  })
  return { code, lines: out.split('\n').filter((line) => line !== '') }
}

const addField: FilterLogic = {
  handles: ['study'],
  record: (record) => ({ ...record, seen: true }),
}

t.test('records of other types pass unchanged and in order, byte for byte', async (t) => {
  const foreign = '{"type":"weather",  "n": 1.0, "text":"ü"}'
  const { lines, code } = await run(addField, [`${foreign}\n{"type":"study"}\n`, `${foreign}\n`])
  t.same(lines, [foreign, '{"type":"study","seen":true}', foreign])
  t.equal(code, 0)
})

t.test('any split of the input gives the same output', async (t) => {
  const text = '{"type":"study","n":"日本"}\n{"x":1,"type":"weather"}\r\n\n{"type":"study"}'
  const whole = (await run(addField, [text])).lines
  const bytes = Buffer.from(text)
  for (let at = 1; at < bytes.length; at++) {
    t.same((await run(addField, [bytes.subarray(0, at), bytes.subarray(at)])).lines, whole)
  }
})

t.test('a bad line becomes an error record in its place, and the stream goes on', async (t) => {
  const { lines, code } = await run(addField, ['{"type":"study"}\nnot json\n{"type":"study"}\n'])
  const [first, second, third] = lines.map((line) => JSON.parse(line) as unknown)
  t.match(first, { seen: true })
  t.match(second, { type: 'error', code: 'E_RECORD_PARSE', tool: 'fiona-test', record: 'not json' })
  t.match(third, { seen: true })
  t.equal(code, 1)
})

t.test('a failing record becomes an error record that holds it', async (t) => {
  const logic: FilterLogic = {
    handles: ['study'],
    record: () => {
      throw new FionaError('E_TEST', 'it went wrong', { hint: 'try again', retryable: true })
    },
  }
  const { lines } = await run(logic, ['{"type":"study","n":7}\n'])
  t.match(JSON.parse(lines[0] ?? ''), {
    type: 'error',
    code: 'E_TEST',
    message: 'it went wrong; try again',
    retryable: true,
    record: { type: 'study', n: 7 },
  })
})

t.test('a mark goes on only after the filter made everything before it durable', async (t) => {
  const done: string[] = []
  const logic: FilterLogic = {
    handles: ['study'],
    record: async (record) => {
      await new Promise((resolve) => setImmediate(resolve))
      done.push('record')
      return record
    },
    mark: async () => {
      done.push('mark')
    },
  }
  const { lines } = await run(logic, [
    '{"type":"study"}\n{"type":"mark","seq":1}\n{"type":"study"}\n',
  ])
  t.same(done, ['record', 'mark', 'record'])
  t.same(lines[1], '{"type":"mark","seq":1}')
})

t.test('a line beyond the limit is refused without being kept', async (t) => {
  const chunk = Buffer.alloc(1 << 20, 0x61)
  const { lines } = await run(addField, [
    ...Array.from({ length: 18 }, () => chunk),
    '\n{"type":"study"}\n',
  ])
  t.match(JSON.parse(lines[0] ?? ''), { type: 'error', code: 'E_LINE_TOO_LONG' })
  t.match(JSON.parse(lines[1] ?? ''), { type: 'study', seen: true })
})
