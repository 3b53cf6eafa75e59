import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { instance, ofType } from '../arrive/objects.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** The built tool; from its sources where nothing was built yet. */
const [file = '', ...before] = existsSync(join(root, 'dist/tools/fiona-arrive.js'))
  ? [join(root, 'bin/fiona-arrive')]
  : [process.execPath, '--import', 'tsx', 'scripts/run-tool.mjs', 'fiona-arrive']
const environment = (more: NodeJS.ProcessEnv = {}) => ({
  ...process.env,
  FIONA_CONFIG: '',
  FIONA_STAGE: '',
  ...more,
})
const dataDirectory = () => mkdtempSync(join(tmpdir(), 'fiona-arrive-'))
const lineOf = (record: unknown) => `${JSON.stringify(record)}\n`
const mark = (seq: number, committed = 0) => ({ type: 'mark', seq, committed })

function run(args: readonly string[], records: readonly unknown[], env: NodeJS.ProcessEnv = {}) {
  const done = spawnSync(file, [...before, ...args], {
    cwd: root,
    input: records.map(lineOf).join(''),
    encoding: 'utf8',
    env: environment(env),
  })
  const out = done.stdout.split('\n').filter((line) => line !== '')
  return {
    code: done.status,
    err: done.stderr,
    records: out.map((line) => JSON.parse(line) as AnyRecord),
  }
}

/** A running tool, whose output can be awaited line by line. */
class Running {
  readonly child: ChildProcess
  readonly said: AnyRecord[] = []
  readonly #lines: AsyncIterator<string>

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(file, [...before, ...args], {
      cwd: root,
      env: environment(env),
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    this.child.stdin?.on('error', () => undefined)
    if (this.child.stdout === null) throw new Error('no stdout')
    this.#lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]()
  }

  write(...records: readonly unknown[]): void {
    this.child.stdin?.write(records.map(lineOf).join(''))
  }

  /** Reads until there is a record that fits. */
  async until(fits: (record: AnyRecord) => boolean): Promise<AnyRecord> {
    for (;;) {
      const next = await this.#lines.next()
      if (next.done === true) throw new Error('the tool has ended')
      const record = JSON.parse(next.value) as AnyRecord
      this.said.push(record)
      if (fits(record)) return record
    }
  }

  async kill(signal: NodeJS.Signals): Promise<number | null> {
    const exit = once(this.child, 'exit')
    this.child.kill(signal)
    const [code] = (await exit) as [number | null]
    return code
  }
}
const isMark = (seq: number) => (record: AnyRecord) =>
  record.type === 'mark' && record['seq'] === seq
const isStudy = (record: AnyRecord) => record.type === 'study'

t.test('instances pass, and at the end of the input the studies are said', (t) => {
  const foreign = { type: 'weather', is: 'fine' }
  const input = [instance({ object: 1 }), foreign, instance({ object: 2 }), mark(3)]
  const { code, err, records } = run([], input)
  t.equal(err, '')
  t.equal(code, 0)
  t.same(records.slice(0, 4), input)
  t.match(records.slice(4), [
    { type: 'series', instances: 2, reason: 'flush' },
    { type: 'study', instances: 2, reason: 'flush', revision: 1 },
  ])
  t.equal(records.length, 6)
  t.end()
})

t.test('a study is said while the input is open, when it has been quiet', async (t) => {
  const arrive = new Running(['--quiet-seconds', '0.2'])
  arrive.write(instance())
  t.match(await arrive.until(isStudy), { reason: 'quiet', evidence: { quietSeconds: 0.2 } })
  arrive.child.stdin?.end()
  await once(arrive.child, 'exit')
})

t.test('a record that is no instance becomes an error record, and the others are counted', (t) => {
  const bad = instance({ object: 2 }, { SOPInstanceUID: '../x' })
  const { code, records } = run([], [instance({ object: 1 }), bad])
  t.equal(code, 1)
  t.match(ofType('error', records), [{ code: 'E_RECORD_INVALID', record: bad }])
  t.match(ofType('study', records), [{ instances: 1 }])
  t.end()
})

t.test(
  'kill -9 with --data-dir: what passed before a mark is counted after a restart',
  async (t) => {
    const dataDir = dataDirectory()
    const args = ['--data-dir', dataDir, '--quiet-seconds', '600']
    const first = new Running(args)
    first.write(instance({ object: 1 }), instance({ object: 2 }), mark(1), instance({ object: 3 }))
    await first.until(isMark(1))
    await first.kill('SIGKILL')
    t.same(readdirSync(join(dataDir, 'state/fiona-arrive/hand')), ['log'])
    // The stage sends again what came after its last mark, and some before it.
    const { records } = run(
      args,
      [2, 3, 4].map((object) => instance({ object })),
    )
    t.match(ofType('study', records), [{ revision: 1, instances: 4, added: 4, bytes: 400 }])
  },
)

t.test(
  'kill -9 between a decision and its commitment: it is said again, word for word',
  async (t) => {
    const dataDir = dataDirectory()
    const env = { FIONA_STAGE: 'organize' }
    const args = ['--data-dir', dataDir, '--quiet-seconds', '0.2']
    const first = new Running(args, env)
    first.write(instance({ object: 1 }))
    const study = await first.until(isStudy)
    first.write(mark(1))
    await first.until(isMark(1))
    await first.kill('SIGKILL')

    const second = new Running(args, env)
    t.same(await second.until(isStudy), study)
    second.write(mark(2), mark(3, 2))
    await second.until(isMark(3))
    await second.kill('SIGKILL')

    const third = new Running(args, env)
    third.write(instance({ object: 1 }), instance({ object: 2 }))
    t.match(await third.until(isStudy), { revision: 2, instances: 2, added: 1 })
    t.equal(ofType('study', third.said).length, 1, 'the first revision was committed')
    await third.kill('SIGKILL')
  },
)

t.test('killed again and again under load, each object is in exactly one revision', async (t) => {
  const dataDir = dataDirectory()
  const env = { FIONA_STAGE: 'load' }
  const args = ['--data-dir', dataDir, '--quiet-seconds', '0.05']
  const all = Array.from({ length: 600 }, (_, n) => instance({ study: 1 + (n % 7), object: n }))
  const revisions = new Map<string, AnyRecord>()
  let cursor = 0
  let seq = 0
  let committed = 0
  const counted = () =>
    [...revisions.values()].reduce((sum, study) => sum + Number(study['added']), 0)
  const take = (records: readonly AnyRecord[]) => {
    for (const study of ofType('study', records)) {
      const name = `${String(study['StudyInstanceUID'])} ${String(study['revision'])}`
      t.same(revisions.get(name) ?? study, study, name)
      revisions.set(name, study)
    }
  }
  for (let life = 0; cursor < all.length; life++) {
    const arrive = new Running(args, env)
    for (let portion = 0; portion <= life % 3 && cursor < all.length; portion++) {
      const next = all.slice(cursor, cursor + 60)
      arrive.write(...next, mark(++seq, committed))
      await arrive.until(isMark(seq))
      take(arrive.said.splice(0))
      committed = seq
      cursor += next.length
      // All that came may have been said already.
      if (portion === 1 && counted() < cursor) take([await arrive.until(isStudy)])
    }
    // More is on the way when it dies.
    arrive.write(...all.slice(cursor, cursor + 30))
    await arrive.kill('SIGKILL')
  }
  const last = new Running(args, env)
  for (;;) {
    take([await last.until(isStudy)])
    if (counted() >= all.length) break
  }
  await last.kill('SIGKILL')
  const sums = new Map<unknown, number>()
  for (const study of revisions.values()) {
    const uid = study['StudyInstanceUID']
    sums.set(uid, (sums.get(uid) ?? 0) + Number(study['added']))
  }
  for (let study = 1; study <= 7; study++) {
    const objects = all.filter((one) => one['StudyInstanceUID'] === `2.25.${String(study)}`)
    t.equal(sums.get(`2.25.${String(study)}`), objects.length)
  }
})

t.test('SIGTERM ends it without completing what is open', async (t) => {
  const dataDir = dataDirectory()
  const args = ['--data-dir', dataDir, '--quiet-seconds', '600']
  const first = new Running(args)
  first.write(instance({ object: 1 }))
  await first.until(({ type }) => type === 'instance')
  t.equal(await first.kill('SIGTERM'), 0)
  await t.rejects(first.until(isStudy), 'nothing was said')
  const { records } = run(args, [instance({ object: 2 })])
  t.match(ofType('study', records), [{ revision: 1, instances: 2 }])
})

t.test('in a stage the end of the input completes nothing', (t) => {
  const dataDir = dataDirectory()
  const env = { FIONA_STAGE: 'organize' }
  t.equal(run(['--data-dir', dataDir], [instance({ object: 1 })], env).records.length, 1)
  t.ok(existsSync(join(dataDir, 'state/fiona-arrive/organize/log')))
  const { records } = run(
    ['--data-dir', dataDir, '--at-end', 'flush'],
    [instance({ object: 2 })],
    env,
  )
  t.match(ofType('study', records), [{ instances: 2 }])
  t.end()
})

t.test('a wrong option is a usage error', (t) => {
  const { code, err } = run(['--quiet-seconds', 'soon'], [])
  t.equal(code, 64)
  t.match(err, /quiet-seconds/)
  for (const [args, env] of [
    [['--clock', 'records', '--data-dir', '/tmp'], {}],
    [['--clock', 'records'], { FIONA_STAGE: 'a-b' }],
  ] as const) {
    const replay = run(args, [], env)
    t.equal(replay.code, 64)
    t.match(replay.err, /belongs in no stage/)
  }
  t.end()
})

t.test('touch files for scripts of the original: where asked for, and made where missing', (t) => {
  const directory = join(dataDirectory(), 'site', '.arrived')
  const { code, records } = run(['--touch-dir', directory], [instance(), instance({ object: 2 })])
  t.equal(code, 0)
  t.equal(ofType('instance', records).length, 2)
  t.same(readdirSync(directory).sort(), [
    'CT1 FIONA 10.0.0.1 2.25.1 2.25.1.1',
    'CT1 FIONA 10.0.0.1 scp_2.25.1',
  ])
  t.end()
})
