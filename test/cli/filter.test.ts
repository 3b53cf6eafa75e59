import { Readable } from 'node:stream'
import pino from 'pino'
import t from 'tap'
import { runFilter } from '../../src/lib/cli/filter.ts'
import type { FilterLogic, FilterResult } from '../../src/lib/cli/index.ts'
import { FionaError } from '../../src/lib/error/index.ts'

const silent = {
  sync: async () => undefined,
  log: pino({ level: 'silent' }),
  signal: new AbortController().signal,
  now: () => performance.now(),
}

async function run(logic: FilterLogic, chunks: readonly (string | Buffer)[]) {
  let out = ''
  const code = await runFilter('fiona-test', logic, {
    input: Readable.from(chunks.map((chunk) => Buffer.from(chunk))),
    write: async (text) => {
      out += text.toString()
    },
    ...silent,
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

t.test('lines of other types pass as the bytes they are, valid UTF-8 or not', async (t) => {
  const invalid = Buffer.concat([
    Buffer.from('{"type":"weather","text":"'),
    Buffer.from([0xff, 0xfe, 0x80]),
    Buffer.from('"}\n'),
  ])
  const odd = Buffer.from('{ "a": 1e2, "type" : "weather", "b":"\\u00fc" }\n')
  const bytes = Buffer.concat([invalid, Buffer.from('{"type":"study"}\n'), odd, invalid, odd])
  const expected = Buffer.concat([
    invalid,
    Buffer.from('{"type":"study","seen":true}\n'),
    odd,
    invalid,
    odd,
  ])
  for (let at = 0; at <= bytes.length; at++) {
    const parts: Buffer[] = []
    await runFilter('fiona-test', addField, {
      ...silent,
      input: Readable.from(
        [bytes.subarray(0, at), bytes.subarray(at)].filter(({ length }) => length),
      ),
      write: async (part) => {
        parts.push(Buffer.from(part))
      },
    })
    t.ok(Buffer.concat(parts).equals(expected), `cut at ${String(at)}`)
  }
})

t.test('CRLF, empty lines and a missing last newline are no matter', async (t) => {
  const { lines, code } = await run(addField, [
    '{"type":"study"}\r\n\r\n\n{"type":"weather"}\r\n{"type":"mark","seq":1}\r\n{"type":"study","last":1}',
  ])
  t.same(lines, [
    '{"type":"study","seen":true}',
    '{"type":"weather"}',
    '{"type":"mark","seq":1}',
    '{"type":"study","last":1,"seen":true}',
  ])
  t.equal(code, 0)
})

t.test('what is no record becomes an error record: arrays, numbers, null, no type', async (t) => {
  const bad = ['[]', '7', 'null', '{}', '{"type":7}', '"text"', '{"type":"study"', '\u0000']
  const { lines, code } = await run(addField, [`${bad.join('\n')}\n`])
  t.equal(code, 1)
  t.same(
    lines.map((line) => (JSON.parse(line) as { record: unknown }).record),
    bad,
  )
  for (const line of lines) t.match(line, /"code":"E_RECORD_(PARSE|INVALID)"/)
})

t.test('a programming error in a tool costs one record, not the stream', async (t) => {
  const logic: FilterLogic = {
    handles: ['study'],
    record: (record) => (record['x'] as { y: { z: number } }).y as unknown as FilterResult,
  }
  const { lines, code } = await run(logic, ['{"type":"study","n":1}\n{"type":"weather"}\n'])
  t.match(JSON.parse(lines[0] ?? ''), {
    type: 'error',
    code: 'E_INTERNAL',
    retryable: false,
    record: { type: 'study', n: 1 },
  })
  t.equal(lines[1], '{"type":"weather"}')
  t.equal(code, 1)
})

t.test('a record nested too deeply to be written again is told of by its text', async (t) => {
  const deep = `{"type":"study","x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`
  const { lines, code } = await run(addField, [`${deep}\n{"type":"study"}\n`])
  t.equal(code, 1)
  const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(first, { type: 'error', record: deep.slice(0, 2000) })
  t.match(second, { type: 'study', seen: true })
})

t.test('a discreet filter logs the code of an error and nothing else', async (t) => {
  const logged: unknown[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => logged.push(JSON.parse(line)) })
  const logic: FilterLogic = {
    handles: 'all',
    discreet: true,
    record: ({ n }) => {
      throw n === 1 ? new FionaError('E_TEST', 'Name^Of^Patient') : new TypeError('Name^Of^Patient')
    },
  }
  await runFilter('fiona-test', logic, {
    ...silent,
    log,
    input: Readable.from([Buffer.from('{"type":"study","n":1}\n{"type":"weather","n":2}\n')]),
    write: async () => undefined,
  })
  t.match(logged, [{ code: 'E_TEST' }, { code: 'E_INTERNAL' }])
  t.notMatch(JSON.stringify(logged), /Patient/)
})

t.test('an input that breaks ends the filter with its error, timer or not', async (t) => {
  for (const dueAt of [undefined, 0, Infinity]) {
    let fired = 0
    const logic: FilterLogic = {
      ...addField,
      timer: {
        dueAt: () => (fired < 3 ? dueAt : undefined),
        fire: async () => {
          fired++
          await new Promise((resolve) => setImmediate(resolve))
          return undefined
        },
      },
    }
    async function* broken() {
      yield Buffer.from('{"type":"study"}\n')
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })
    }
    let out = ''
    await t.rejects(
      runFilter('fiona-test', logic, {
        ...silent,
        input: Readable.from(broken()),
        write: async (text) => {
          out += text.toString()
        },
      }),
      { code: 'EIO' },
    )
    t.equal(out, '{"type":"study","seen":true}\n')
  }
})

t.test(
  'a timer fires while input never stops, and input goes on while a timer is always due',
  async (t) => {
    let fired = 0
    let seen = 0
    const logic: FilterLogic = {
      handles: ['study'],
      record: (record) => {
        seen++
        return record
      },
      timer: { dueAt: () => 0, fire: () => ({ type: 'tick', n: ++fired }) },
    }
    const chunks = Array.from({ length: 50 }, () => '{"type":"study"}\n')
    const { code } = await run(logic, chunks)
    t.equal(code, 0)
    t.equal(seen, 50)
    t.ok(fired >= 10, String(fired))
  },
)

t.test(
  'what was said is written before a mark, a timer or the end is told to the logic',
  async (t) => {
    let written = ''
    const seenAt: Record<string, string> = {}
    const logic: FilterLogic = {
      handles: ['study'],
      record: (record) => record,
      mark: () => {
        seenAt['mark'] = written
      },
      end: () => {
        seenAt['end'] = written
        return undefined
      },
    }
    await runFilter('fiona-test', logic, {
      ...silent,
      input: Readable.from([
        Buffer.from('{"type":"study","n":1}\n{"type":"mark","seq":1}\n{"type":"study","n":2}'),
      ]),
      write: async (text) => {
        await new Promise((resolve) => setImmediate(resolve))
        written += text.toString()
      },
    })
    const first = '{"type":"study","n":1}\n'
    t.equal(seenAt['mark'], first)
    t.equal(seenAt['end'], `${first}{"type":"mark","seq":1}\n{"type":"study","n":2}\n`)
  },
)

t.test('a slow reader slows the filter: not more than a little waits in memory', async (t) => {
  let read = 0
  let unwritten = 0
  let most = 0
  const line = Buffer.from(`{"type":"weather","pad":"${'x'.repeat(1000)}"}\n`)
  const chunk = Buffer.concat(Array.from({ length: 60 }, () => line))
  async function* input() {
    for (let n = 0; n < 200; n++) {
      read += chunk.length
      unwritten += chunk.length
      most = Math.max(most, unwritten)
      yield chunk
    }
  }
  await runFilter('fiona-test', addField, {
    ...silent,
    input: Readable.from(input(), { objectMode: false, highWaterMark: 1 << 16 }),
    write: async (data) => {
      await new Promise((resolve) => setImmediate(resolve))
      unwritten -= data.length
    },
  })
  t.equal(unwritten, 0)
  t.ok(read > 10 << 20)
  t.ok(most < 2 << 20, `${String(most)} bytes at most`)
})

const systemError = (code: string, syscall = 'write') =>
  Object.assign(new Error(`${code}: ${syscall} '/data/Name^Of^Patient'`), { code, syscall })

t.test(
  'trouble of the machine sets no record aside: the filter ends, and a stage tries again',
  async (t) => {
    const troubles: readonly (readonly [string, Error])[] = [
      ...['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM'].map(
        (code): readonly [string, Error] => [`${code}: write`, systemError(code)],
      ),
      [
        'E_TEST, EROFS: mkdir',
        new FionaError('E_TEST', 'Name^Of^Patient', { cause: systemError('EROFS', 'mkdir') }),
      ],
      ['E_DISK_FULL', new FionaError('E_DISK_FULL', 'too little is free')],
    ]
    for (const [says, trouble] of troubles) {
      for (const isAsync of [false, true]) {
        let out = ''
        const logic: FilterLogic = {
          handles: ['study'],
          record: (record) => {
            if (record['n'] !== 2) return record
            if (isAsync) return Promise.reject(trouble)
            throw trouble
          },
        }
        const running = runFilter('fiona-test', logic, {
          ...silent,
          input: Readable.from(
            [1, 2, 3].map((n) => Buffer.from(`{"type":"study","n":${String(n)}}\n`)),
          ),
          write: async (text) => {
            out += text.toString()
          },
        })
        const thrown = (await running.catch((error: unknown) => error)) as FionaError
        t.match(thrown, { code: 'E_SURROUNDINGS', exitCode: 74, retryable: true })
        t.match(thrown.message, says)
        t.notMatch(thrown.message + String(thrown.hint), /Patient/)
        t.equal(out, '{"type":"study","n":1}\n', 'what came before is out, and nothing else')
      }
    }
  },
)

t.test('what is wrong with one file alone costs its record, not the stream', async (t) => {
  const errors = [
    systemError('EIO', 'read'),
    systemError('EACCES', 'open'),
    systemError('ENOENT', 'open'),
    systemError('ENAMETOOLONG', 'mkdir'),
    systemError('EFBIG'),
    new FionaError('E_TEST', 'refused for now', { retryable: true }),
  ]
  const logic: FilterLogic = {
    handles: ['study'],
    record: ({ n }) => {
      throw errors[Number(n)] ?? new Error('no such')
    },
  }
  const { lines, code } = await run(
    logic,
    errors.map((_, n) => `{"type":"study","n":${String(n)}}\n`),
  )
  t.equal(code, 1)
  t.same(
    lines.map((line) => (JSON.parse(line) as { type: string; record: unknown }).record),
    errors.map((_, n) => ({ type: 'study', n })),
  )
})
