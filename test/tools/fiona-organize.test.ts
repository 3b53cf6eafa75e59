import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { dataDirectory, json, store, tree } from '../organize/organized.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** The built tool; from its sources where nothing was built yet. */
const [file = '', ...before] = existsSync(join(root, 'dist/tools/fiona-organize.js'))
  ? [join(root, 'bin/fiona-organize')]
  : [process.execPath, '--import', 'tsx', 'scripts/run-tool.mjs', 'fiona-organize']
const env = { ...process.env, FIONA_CONFIG: '' }
const lineOf = (record: unknown) => `${JSON.stringify(record)}\n`

function run(args: readonly string[], records: readonly unknown[], cwd = root) {
  const input = records.map(lineOf).join('')
  const done = spawnSync(file, [...before, ...args], { cwd, input, encoding: 'utf8', env })
  const out = done.stdout.split('\n').filter((line) => line !== '')
  return {
    code: done.status,
    err: done.stderr,
    records: out.map((line) => JSON.parse(line) as AnyRecord),
  }
}

t.test('instances get views, other records pass, the series JSON is there at the end', (t) => {
  const dataDir = dataDirectory()
  const objects = [1, 2].map((object) => store(dataDir, { object }, { kept: { as: 'it is' } }))
  const foreign = { type: 'weather', is: 'fine' }
  const mark = { type: 'mark', seq: 1 }
  const { code, err, records } = run(['--data-dir', dataDir], [...objects, foreign, mark])
  t.equal(err, '')
  t.equal(code, 0)
  t.match(records, [{ ...objects[0], views: [String, String] }, { ...objects[1] }, foreign, mark])
  for (const { views, path } of records.slice(0, 2)) {
    for (const view of views as string[]) t.equal(realpathSync(view), realpathSync(String(path)))
  }
  t.equal(json(join(dataDir, 'default/raw/2.25.1/2.25.1.1.json'))['NumFiles'], '2')
  t.end()
})

t.test('an object that cannot be read becomes an error record in its place', (t) => {
  const dataDir = dataDirectory()
  const good = store(dataDir)
  const bad = { ...store(dataDir, { series: 2 }), path: join(dataDir, 'nowhere.dcm') }
  const { code, records } = run(['--data-dir', dataDir], [bad, good])
  t.equal(code, 1)
  t.match(records, [
    { type: 'error', tool: 'fiona-organize', code: 'E_FILE_MISSING', record: bad },
    { type: 'instance', views: Array },
  ])
  t.end()
})

t.test('a record that tells other UIDs than its file is an error, and files nothing', (t) => {
  const dataDir = dataDirectory()
  const good = [1, 2].map((object) => store(dataDir, { object }))
  const forged = [
    { StudyInstanceUID: '2.25.99' },
    { SeriesInstanceUID: '2.25.1.99' },
    { SOPInstanceUID: '2.25.1.1.99' },
    { SOPClassUID: '1.2.840.10008.5.1.4.1.1.4' },
  ].map((wrong) => ({ ...good[1], ...wrong }))
  const { code, records } = run(['--data-dir', dataDir], [...good, ...forged])
  t.equal(code, 1)
  t.match(records, [
    { type: 'instance', views: [String, String] },
    { type: 'instance', views: [String, String] },
    ...forged.map((record) => ({ type: 'error', code: 'E_IDENTITY_MISMATCH', record })),
  ])
  t.equal(tree(join(dataDir, 'default/raw')).filter((name) => name.endsWith('.dcm')).length, 2)
  t.equal(tree(join(dataDir, 'default/participants')).length, 2)
  t.end()
})

t.test(
  'kill -9 at any moment, then the records again: the views of an undisturbed run',
  async (t) => {
    const [disturbed, calm] = [dataDirectory(), dataDirectory()]
    const make = (dataDir: string) =>
      Array.from({ length: 90 }, (_, n) =>
        store(dataDir, { series: 1 + (n % 3), object: n, attributes: { SeriesNumber: '1' } }),
      )
    const records = make(disturbed)
    run(['--data-dir', calm], make(calm))
    for (const after of [1, 20, 45, 70]) {
      const child = spawn(file, [...before, '--data-dir', disturbed], {
        cwd: root,
        env,
        stdio: ['pipe', 'pipe', 'ignore'],
      })
      child.stdin.on('error', () => undefined)
      child.stdin.write(records.map(lineOf).join(''))
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      for (let seen = 0; seen < after; seen++) await lines.next()
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    t.equal(run(['--data-dir', disturbed], records).code, 0)
    t.same(tree(disturbed).sort(), tree(calm).sort())
    for (const series of [1, 2, 3]) {
      const path = `default/raw/2.25.1/2.25.1.${String(series)}.json`
      t.equal(readFileSync(join(disturbed, path), 'utf8'), readFileSync(join(calm, path), 'utf8'))
    }
  },
)

t.test('the data directory comes from the configuration when none is given', (t) => {
  const cwd = dataDirectory()
  const record = store(join(cwd, 'var'))
  const args = before.map((word) => (word.startsWith('scripts/') ? join(root, word) : word))
  const loader = args.map((word) => (word === 'tsx' ? import.meta.resolve('tsx') : word))
  const done = spawnSync(file, loader, { cwd, input: lineOf(record), encoding: 'utf8', env })
  t.equal(done.stderr, '')
  t.ok(existsSync(join(cwd, 'var/default/raw/2.25.1/2.25.1.1/2.25.1.1.1.dcm')))
  t.end()
})
