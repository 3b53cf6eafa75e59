import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { completed, folder, seriesOf, store, study } from '../classify/classified.ts'
import { el } from '../fixtures/dicom-writer.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** The built tool; from its sources where nothing was built yet. */
const command = existsSync(join(root, 'dist/tools/fiona-classify.js'))
  ? [join(root, 'bin/fiona-classify')]
  : [process.execPath, '--import', 'tsx', 'scripts/run-tool.mjs', 'fiona-classify']

function run(args: readonly string[], records: readonly (AnyRecord | string)[] = []) {
  const lines = records.map((record) =>
    typeof record === 'string' ? record : JSON.stringify(record),
  )
  const [file = '', ...before] = command
  const done = spawnSync(file, [...before, ...args], {
    cwd: root,
    input: lines.map((line) => `${line}\n`).join(''),
    encoding: 'utf8',
    env: { ...process.env, FIONA_CONFIG: '' },
  })
  const out = done.stdout.split('\n').filter((line) => line !== '')
  return { code: done.status, out, err: done.stderr }
}

function ruleFile(rules: unknown): string {
  const path = join(folder(), 'rules.json')
  writeFileSync(path, typeof rules === 'string' ? rules : JSON.stringify(rules))
  return path
}
const bySize = ruleFile([
  { type: 'large', rules: [{ tag: ['Rows'], operator: '>', value: '100' }] },
  { type: 'CT', rules: [{ tag: ['Modality'], operator: '==', value: 'CT' }] },
])
const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as AnyRecord)

t.test('records get their types, others pass as they are, in order', async (t) => {
  const directory = folder()
  const records = [1, 2].map((n) => store(directory, { instanceNumber: n, rows: n * 64 }))
  const [SeriesInstanceUID, StudyInstanceUID] = [seriesOf(1), study]
  const both = { StudyInstanceUID, path: directory, instances: 2, ...completed }
  const foreign = '{"type":"weather",  "n": 1.0}'
  const series = { type: 'series', SeriesInstanceUID, ...both }
  const ofStudy = { type: 'study', ...both, series: [{ SeriesInstanceUID, instances: 2 }] }
  const { code, out, err } = run(
    ['--rules', bySize],
    [...records, foreign, series, ofStudy, '{"type":"mark","seq":3}'],
  )
  t.equal(err, '')
  t.equal(code, 0)
  t.equal(out[2], foreign)
  t.match(parsed(out), [
    { type: 'instance', path: records[0]?.['path'], ClassifyType: ['CT'] },
    { type: 'instance', ClassifyType: ['large', 'CT'] },
    { type: 'weather' },
    { type: 'series', ClassifyType: ['large', 'CT'] },
    { type: 'study', ClassifyType: ['large', 'CT'], series: [{ ClassifyType: ['large', 'CT'] }] },
    { type: 'mark', seq: 3 },
  ])
})

t.test('an object that cannot be read is an error record, and the stream goes on', async (t) => {
  const directory = folder()
  const good = store(directory, {})
  const cut = store(directory, { instanceNumber: 2 })
  truncateSync(String(cut['path']), 600)
  const text = join(directory, 'notes.txt')
  writeFileSync(text, 'this is not DICOM, whatever its name says\n'.repeat(20))
  const empty = join(directory, 'empty.dcm')
  writeFileSync(empty, '')
  const at = (path: string): AnyRecord => ({ ...good, path })
  const bad = [cut, at(text), at(empty), at(directory), at(join(directory, 'gone'))]
  const { code, out } = run([], [...bad, good])
  t.equal(code, 1)
  const [last, ...errors] = parsed(out).reverse()
  t.match(last, { type: 'instance', ClassifyType: ['CT', 'original', 'axial'] })
  t.same(
    errors.reverse().map(({ type, code, tool }) => `${type} ${String(code)} ${String(tool)}`),
    ['E_DICOM_PARSE', 'E_DICOM_PARSE', 'E_DICOM_PARSE', 'E_DICOM_PARSE', 'E_FILE_MISSING'].map(
      (code) => `error ${code} fiona-classify`,
    ),
  )
  t.match(errors[0]?.['message'], /\.2\.dcm: /)
  t.same(errors[0]?.['record'], cut)
})

t.test('a record that cannot be one is an error record, and nothing it names is opened', (t) => {
  const directory = folder()
  const good = store(directory, {})
  const totals = { instances: 1, ...completed }
  const StudyInstanceUID = study
  const ofStudy = { type: 'study', StudyInstanceUID, path: directory, series: [], ...totals }
  const bad: AnyRecord[] = [
    { ...good, path: 'relative.dcm' },
    { ...good, path: `${String(good['path'])}\0` },
    { ...good, SOPInstanceUID: '../x' },
    { type: 'instance' },
    { type: 'series', StudyInstanceUID, SeriesInstanceUID: '..', path: directory, ...totals },
    { ...ofStudy, path: 'here' },
    { ...ofStudy, series: [{ SeriesInstanceUID: '1.2/../../3', instances: 1 }] },
    { ...ofStudy, series: [{ SeriesInstanceUID: seriesOf(1), instances: 1, files: ['x\0'] }] },
    { ...ofStudy, series: 7 },
  ]
  const { code, out } = run([], [...bad, good])
  t.equal(code, 1)
  t.match(parsed(out), [
    ...bad.map((record) => ({ type: 'error', code: 'E_RECORD_INVALID', record })),
    { type: 'instance', ClassifyType: ['CT', 'original', 'axial'] },
  ])
  t.end()
})

const isRoot = process.getuid?.() === 0
t.test(
  'an object this user may not read is an error record',
  { skip: isRoot && 'root may read everything' },
  async (t) => {
    const record = store(folder(), {})
    chmodSync(String(record['path']), 0)
    const { code, out } = run([], [record])
    t.equal(code, 1)
    t.match(parsed(out), [{ type: 'error', code: 'E_FILE_READ', message: /EACCES/ }])
  },
)

t.test('a rule file with a mistake ends it with 78, the line and the remedy', async (t) => {
  const path = ruleFile('[\n  {"type":"T", "rules":[{"tag":["Modality"], "operater":"=="}]}\n]')
  const record = store(folder(), {})
  const { code, out, err } = run(['--rules', path], [record])
  t.equal(code, 78)
  t.same(out, [], 'nothing was classified by half a rule file')
  t.ok(err.includes(`${path}:2:46: unknown key "operater"; did you mean "operator"?`), err)
  t.match(err, /^error: [^]*\nhint: /)
  for (const broken of ['[{"type":"T"]', '[{"type":"T","rules":[{"rule":"x"}]}]']) {
    t.equal(run(['--rules', ruleFile(broken)]).code, 78, broken)
  }
  t.match(run(['--rules', '/nowhere/rules.json']), { code: 78, err: /no rule file at \/nowhere/ })
  t.match(run(['--rules', folder()]), { code: 78, err: /is a directory/ })
})

t.test('--test tells which cases got other types, and ends with 0, 1, 65 or 78', (t) => {
  const thing = (expect: string[]) =>
    JSON.stringify({ name: expect.join(), attributes: { Modality: 'CT', Rows: 64 }, expect })
  const test = (cases: string, rules = bySize) => run(['--rules', rules, '--test', ruleFile(cases)])
  t.match(test(thing(['CT'])), { code: 0, out: [], err: `${bySize}: 0 of 1 cases differ\n` })
  const differing = test(`${thing(['CT'])}\n${thing(['large'])}\n`)
  t.match(differing, { code: 1, err: `${bySize}: 1 of 2 cases differ\n` })
  t.match(differing.out, [
    /rules.json:2: large$/,
    '  missing: large',
    /rules.json:1: large does not hold$/,
    /no {2}\["Rows"\] > "100"; found 64$/,
    '  not expected: CT',
  ])
  t.match(test('{"name":"x",\n "attributes":{}}'), {
    code: 65,
    out: [],
    err: /rules.json:1:1: a case needs "expect"[^]*\nhint: /,
  })
  t.match(run(['--test', '/nowhere/cases']), { code: 65, err: /no test file at \/nowhere/ })
  t.match(test(thing(['CT']), ruleFile('[{"type":"T"}]')), { code: 78, out: [] })
  t.end()
})

t.test('--lint tells of keys that stand there twice, and of text that is not UTF-8', (t) => {
  const twice = ruleFile(
    [
      '[{"type":"A", "note":"x", "note":"y",',
      '  "rules":[{"tag":["Modality"], "value":"CT",',
      '            "value":"MR"}],',
      '  "type":"B"}]',
    ].join('\n'),
  )
  const strict = run(['--lint', '--rules', twice])
  t.equal(strict.code, 78)
  t.same(strict.out, [
    `${twice}:1:27: warning: the key "note" stands in line 1 already; only the last one counts`,
    `${twice}:3:13: the key "value" stands in line 2 already; only the last one counts`,
    `${twice}:4:3: the key "type" stands in line 1 already; only the last one counts`,
  ])
  t.equal(run(['--rules', twice]).code, 78)
  const compat = run(['--lint', '--rules', twice, '--semantics', 'compat'])
  t.equal(compat.code, 0, 'the original took the last one')
  t.match(compat.out[1], /:3:13: warning: /)
  const latin1 = join(folder(), 'latin1.json')
  writeFileSync(latin1, Buffer.from('[{"type":"Sch\u00e4del","rules":[]}]', 'latin1'))
  t.match(run(['--lint', '--rules', latin1]), {
    code: 78,
    err: /^error: the rule file \S+ is not UTF-8 text\nhint: save it as UTF-8/,
  })
  t.end()
})

t.test(
  '--lint prints every problem and says by its exit code whether there is a mistake',
  async (t) => {
    const wrong = ruleFile([
      { type: 'A', rules: [{ tag: ['Modality'], operator: 'contians', value: 'x' }] },
      { type: 'B', rules: [{ rule: 'none' }] },
    ])
    const { code, out, err } = run(['--lint', '--rules', wrong])
    t.equal(code, 78)
    t.equal(err, '')
    t.match(out, [
      /:1:\d+: unknown operator "contians"; did you mean "contains"\?/,
      /the id "none"/,
    ])
    t.match(run(['--lint', '--rules', bySize]), { code: 0, out: [/2 definitions, no mistakes/] })
    t.match(run(['--lint']), { code: 0, out: [/^default rules: \d+ definitions, no mistakes/] })
    const odd = ruleFile([{ type: 'A', rules: [{ tag: ['NumFiles'], value: '1' }] }])
    t.match(run(['--lint', '--rules', odd]), {
      code: 0,
      out: [/warning: "NumFiles" is never filled/, /no mistakes/],
    })
  },
)

t.test(
  'changed rules are taken while it runs, and kept from before when they are wrong',
  async (t) => {
    const path = ruleFile([{ type: 'one', rules: [{ tag: ['Modality'], value: 'CT' }] }])
    const line = `${JSON.stringify(store(folder(), {}))}\n`
    const [file = '', ...before] = command
    const env = { ...process.env, FIONA_CONFIG: '' }
    const child = spawn(file, [...before, '--rules', path], { cwd: root, env })
    t.teardown(() => child.kill())
    const told = createInterface(child.stderr)[Symbol.asyncIterator]()
    const answers = createInterface(child.stdout)[Symbol.asyncIterator]()
    const types = async () => {
      child.stdin.write(line)
      const { value } = (await answers.next()) as { value: string }
      return (JSON.parse(value) as AnyRecord)['ClassifyType']
    }
    t.same(await types(), ['one'])
    writeFileSync(path, '[{"type":"two", "rules":[{"rule":"none"}]}]')
    t.match((await told.next()).value, /stay in force: .*:1:34: no definition has the id/)
    t.same(await types(), ['one'])
    writeFileSync(
      path,
      JSON.stringify([{ type: 'two', rules: [{ tag: ['Modality'], value: 'CT' }] }]),
    )
    t.match((await told.next()).value, /has changed: 1 definitions are in force/)
    t.same(await types(), ['two'])
    child.stdin.end()
    t.equal((await once(child, 'exit'))[0], 0)
  },
)

t.test('--explain keeps values of the object in the record and off the log', async (t) => {
  const elements = [el(0x00100010, 'PN', 'Secret^Name')]
  const path = ruleFile([
    { type: 'named', rules: [{ tag: ['PatientName'], operator: '>', value: '5' }] },
  ])
  const record = store(folder(), { elements })
  const { out, err } = run(['--explain', '--rules', path, '--log-level', 'trace'], [record])
  t.match(parsed(out), [
    { ClassifyType: [], classifyTrace: [{ type: 'named', tests: [{ found: 'Secret^Name' }] }] },
  ])
  t.notMatch(err, /Secret/)
})

t.test('the configuration names rules and semantics; options override it', async (t) => {
  const directory = folder()
  mkdirSync(join(directory, 'rules'))
  const rules = [{ type: 'any', rules: [{ tag: ['0x18', '0x24'], value: '.*' }] }]
  writeFileSync(join(directory, 'rules/r.json'), JSON.stringify(rules))
  const config = join(directory, 'fiona.yaml')
  writeFileSync(config, 'classification:\n  rules: rules/r.json\n  semantics: compat\n')
  const record = store(folder(), {})
  const types = (...args: string[]) =>
    parsed(run(['--config', config, ...args], [record]).out)[0]?.['ClassifyType']
  t.same(types(), ['any'])
  t.same(types('--semantics', 'strict'), [])
  t.same(types('--rules', bySize), ['CT'])
})

t.test('the default rules know the objects that must not go on as they are', async (t) => {
  const directory = folder()
  const kind = (modality: string, sopClass: string, ...more: ReturnType<typeof el>[]) => [
    el(0x00080016, 'UI', `1.2.840.10008.5.1.4.1.1.${sopClass}`),
    el(0x00080060, 'CS', modality),
    ...more,
  ]
  const objects: [string[], ReturnType<typeof kind>][] = [
    [['CT'], kind('CT', '2')],
    [['SC', 'CHECKBURNEDINFO'], kind('OT', '7')],
    [['SC', 'CHECKBURNEDINFO'], kind('OT', '7.4')],
    [['US', 'CHECKBURNEDINFO'], kind('US', '3.1')],
    [['CHECKBURNEDINFO'], kind('OT', '6.1')],
    [['BURNEDIN', 'CHECKBURNEDINFO'], kind('OT', '4', el(0x00280301, 'CS', 'YES'))],
    [[], kind('OT', '77.1.4')],
    [['SR'], kind('SR', '88.22')],
    [['KO'], kind('KO', '88.59')],
    [['PR'], kind('PR', '11.1')],
    [['MR', 'phantom'], kind('MR', '4', el(0x00100010, 'PN', 'ACR^Phantom'))],
    [['CT', 'localizer'], kind('CT', '2', el(0x0008103e, 'LO', 'Topogram 0.6'))],
  ]
  const records = objects.map(([, elements], at) =>
    store(directory, { instanceNumber: at + 1, elements, without: [0x00080008, 0x00200037] }),
  )
  const { out } = run([], records)
  t.same(
    parsed(out).map((record) => record['ClassifyType']),
    objects.map(([types]) => types),
  )
  // In compat a series keeps the types of its objects: each one is a series of its own here.
  const apart = objects.map(([, elements], at) =>
    store(directory, { series: at + 10, elements, without: [0x00080008, 0x00200037] }),
  )
  t.same(
    parsed(run(['--semantics', 'compat'], apart).out).map((record) => record['ClassifyType']),
    objects.map(([types]) => types),
  )
})
