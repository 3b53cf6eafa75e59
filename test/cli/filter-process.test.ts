import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { start } from '../fixtures/peers.ts'
import { programArgs } from '../fixtures/program.ts'

const script = programArgs('test/cli/fixtures/counting-filter.ts')
const filter = (...args: string[]) => start(process.execPath, [...script, ...args])

function linesOf(child: ChildProcess): AsyncIterator<string> {
  if (child.stdout === null) throw new Error('no stdout')
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]()
}
async function stderrOf(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stderr ?? []) text += String(chunk)
  return text
}

t.test('a lone record is answered at once, and the next one too', async (t) => {
  const child = filter()
  const lines = linesOf(child)
  for (const n of [1, 2, 3]) {
    child.stdin?.write(`{"type":"study","n":${String(n)}}\n`)
    t.same(JSON.parse((await lines.next()).value as string), { type: 'study', n, seen: n })
  }
  child.stdin?.end()
  t.match(JSON.parse((await lines.next()).value as string), { type: 'count', seen: 3 })
  t.same(await once(child, 'exit'), [0, null])
})

t.test(
  'SIGTERM and SIGINT: the record in hand is finished, those behind it are not begun',
  async (t) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const child = filter()
      const lines = linesOf(child)
      child.stdin?.write('{"type":"study","n":0}\n')
      await lines.next()
      // All in one chunk: the first is in hand when the signal comes.
      child.stdin?.write(
        '{"type":"study","n":1,"wait":0}\n{"type":"study","n":2,"wait":400}\n{"type":"study","n":3,"wait":400}\n',
      )
      // The answer to the second waits in memory; the signal must not lose it.
      setTimeout(() => child.kill(signal), 200)
      const rest: string[] = []
      for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
        rest.push(line.value)
      }
      t.same(
        rest.map((line) => (JSON.parse(line) as { n: number }).n),
        [1, 2],
        signal,
      )
      t.equal(child.exitCode ?? (await once(child, 'exit'))[0], 0, signal)
    }
  },
)

t.test('when nobody reads any more it ends without a word', async (t) => {
  const child = filter()
  const errors = stderrOf(child)
  const lines = linesOf(child)
  child.stdin?.on('error', () => undefined)
  child.stdin?.write('{"type":"study"}\n')
  await lines.next()
  child.stdout?.destroy()
  child.stdin?.write('{"type":"study"}\n')
  // The input stays open: the broken pipe alone must end it.
  t.same(await once(child, 'exit'), [0, null])
  t.equal(await errors, '')
})

t.test('a million records go through in flat memory, all of them and in order', async (t) => {
  const child = filter()
  const count = 1_000_000
  const pad = 'x'.repeat(200)
  const batch = 1000
  function* input(): Generator<string> {
    for (let n = 0; n < count; n += batch) {
      let text = ''
      for (let i = n; i < n + batch; i++) {
        text += `{"type":"${i % 10 === 0 ? 'study' : 'weather'}","n":${String(i)},"pad":"${pad}"}\n`
      }
      yield text
    }
  }
  if (child.stdin === null || child.stdout === null) throw new Error('no pipes')
  const feeding = pipeline(Readable.from(input(), { objectMode: true }), child.stdin)
  let next = 0
  let wrong = 0
  let rest = ''
  let last = ''
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (/"n":(\d+)/.exec(line)?.[1] === String(next)) next++
      else if (line.startsWith('{"type":"count"')) last = line
      else wrong++
    }
  }
  await feeding
  t.equal(next, count)
  t.equal(wrong, 0)
  const { seen, rss } = JSON.parse(last) as { seen: number; rss: number }
  t.equal(seen, count / 10)
  t.ok(rss < 200 << 20, `${String(rss >> 20)} MB, the compiler that tests need included`)
})
