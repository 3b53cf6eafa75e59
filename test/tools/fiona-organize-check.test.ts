import { randomUUID } from 'node:crypto'
import {
  cpSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { el } from '../fixtures/dicom-writer.ts'
import { dataDirectory, json, store } from '../organize/organized.ts'
import { hostile, runOrganize as run, runUntilFirstLine, stored, viewsIn } from './organize-tool.ts'

const check = (dataDir: string, ...args: string[]) =>
  run(['--check', '--data-dir', dataDir, '--log-level', 'warn', ...args])
const rebuild = (dataDir: string) =>
  run(['--rebuild', '--data-dir', dataDir, '--log-level', 'warn'])

/** What was told, without what differs from run to run. */
function findings(t: Test, dataDir: string) {
  const { code, records } = check(dataDir)
  t.equal(code, records.length > 0 ? 1 : 0, 'the exit code says whether there was anything')
  return records
    .map(({ drift, view, path, field, expected, found }) => ({
      drift,
      view,
      path: String(path).slice(dataDir.length + '/default/'.length),
      ...(field === undefined ? {} : { field }),
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
    }))
    .sort((a, b) => (`${a.path} ${String(a.drift)}` < `${b.path} ${String(b.drift)}` ? -1 : 1))
}

const raw = 'raw/2.25.1/2.25.1.1'
const people = 'participants/P1/20240102_030405/1_Axial'
const toArchive = '../../../archive/2.25.1/2.25.1.1/2.25.1.1.1.dcm'
const toRaw = '../../../../raw/2.25.1/2.25.1.1/2.25.1.1.1.dcm'

/** Two objects of one series, a structured report, and their views. */
function site(t: Test) {
  const dataDir = dataDirectory()
  t.teardown(() => {
    rmSync(dataDir, { recursive: true, force: true })
  })
  stored(dataDir, { object: 1 })
  stored(dataDir, { object: 2 })
  stored(dataDir, { study: '2.25.2' }, { PatientID: 'P2', Modality: 'SR' })
  t.equal(rebuild(dataDir).code, 0)
  t.same(findings(t, dataDir), [])
  return { dataDir, at: (path: string) => join(dataDir, 'default', path) }
}

/** The link says this now. */
function relink(path: string, text: string): void {
  rmSync(path, { force: true })
  symlinkSync(text, path)
}

t.test(
  'after a rebuild there is nothing to tell, hostile names and all, and nothing is changed',
  (t) => {
    const dataDir = dataDirectory()
    for (const [at, name] of hostile.entries()) {
      const names = { PatientID: name, SeriesDescription: name, Modality: at === 0 ? 'SR' : 'CT' }
      for (const object of [1, 2]) {
        // Two studies and two series of one name: one of each has a digest behind it.
        for (const series of [1, 2]) {
          stored(
            dataDir,
            { study: `2.25.${String(at + 1)}`, series, object, project: 'ABCD' },
            names,
          )
          stored(
            dataDir,
            { study: `2.25.${String(at + 91)}`, series, object, project: 'ABCD' },
            names,
          )
        }
      }
    }
    const path = String(stored(dataDir, {})['path'])
    // One that came with other bytes under its UID: it has links, and does not count.
    cpSync(path, path.replace(/\.dcm$/, '~0123456789abcdef.dcm'))
    t.equal(rebuild(dataDir).code, 0)
    const before = viewsIn(dataDir)
    t.match(check(dataDir), { code: 0, err: '', records: [] })
    t.same(viewsIn(dataDir), before)
    t.match(run(['--check', '--data-dir', dataDir]).err, /"objects":66,"msg":"the views are as/)
    t.end()
  },
)

t.test('what is missing or wrong is told, and mended by a rebuild', (t) => {
  const { dataDir, at } = site(t)
  const before = viewsIn(dataDir)
  unlinkSync(at(`${raw}/2.25.1.1.1.dcm`))
  relink(at(`${people}/2.25.1.1.1.dcm`), `${toRaw.slice(0, -'1.dcm'.length)}2.dcm`)
  rmSync(at('srs'), { recursive: true })
  rmSync(at('raw/2.25.2/2.25.2.1.json'))
  writeFileSync(at(`${raw}.json`), '{"half')
  const told = [
    {
      drift: 'wrong',
      view: 'participants',
      path: `${people}/2.25.1.1.1.dcm`,
      expected: toRaw,
      found: `${toRaw.slice(0, -'1.dcm'.length)}2.dcm`,
    },
    { drift: 'unreadable', view: 'raw', path: `${raw}.json` },
    { drift: 'missing', view: 'raw', path: `${raw}/2.25.1.1.1.dcm`, expected: toArchive },
    { drift: 'missing', view: 'raw', path: 'raw/2.25.2/2.25.2.1.json' },
    {
      drift: 'missing',
      view: 'srs',
      path: 'srs/Example Maker/2.25.2/2.25.2.1.1.dcm',
      expected: '../../../raw/2.25.2/2.25.2.1/2.25.2.1.1.dcm',
    },
  ]
  const found = findings(t, dataDir)
  t.same(found, told)
  t.match(check(dataDir).err, /"missing":3,"wrong":1,.*"unreadable":1/)
  t.equal(rebuild(dataDir).code, 0)
  t.same(findings(t, dataDir), [])
  t.same(viewsIn(dataDir), before)
  t.end()
})

t.test('all views of a project may be gone', (t) => {
  const { dataDir, at } = site(t)
  for (const view of ['raw', 'participants', 'srs']) rmSync(at(view), { recursive: true })
  const found = findings(t, dataDir)
  t.equal(found.length, 3 * 2 + 1 + 2, 'two links of each object, that of a report, two JSONs')
  t.same(new Set(found.map(({ drift }) => drift)), new Set(['missing']))
  rebuild(dataDir)
  t.same(findings(t, dataDir), [])
  t.end()
})

t.test('links of an object that is gone dangle, and count no more', (t) => {
  const { dataDir, at } = site(t)
  unlinkSync(at('archive/2.25.1/2.25.1.1/2.25.1.1.1.dcm'))
  rmSync(at('archive/2.25.2'), { recursive: true })
  const dangling = [
    [`participants`, `${people}/2.25.1.1.1.dcm`],
    [`participants`, `participants/P2/20240102_030405/1_Axial/2.25.2.1.1.dcm`],
    [`raw`, `${raw}/2.25.1.1.1.dcm`],
    [`raw`, `raw/2.25.2/2.25.2.1/2.25.2.1.1.dcm`],
    [`srs`, `srs/Example Maker/2.25.2/2.25.2.1.1.dcm`],
  ] as const
  const found = findings(t, dataDir)
  t.match(
    found.filter(({ drift }) => drift === 'dangling').map(({ view, path }) => [view, path]),
    dangling,
  )
  t.same(
    found.filter(({ drift }) => drift !== 'dangling'),
    [
      {
        drift: 'differs',
        view: 'raw',
        path: `${raw}.json`,
        field: 'NumFiles',
        expected: '1',
        found: '2',
      },
      { drift: 'surplus', view: 'raw', path: 'raw/2.25.2/2.25.2.1.json' },
    ],
  )
  // As the manual says: remove what is told, then rebuild.
  for (const { drift, path } of found) if (drift !== 'differs') unlinkSync(at(path))
  rebuild(dataDir)
  t.same(findings(t, dataDir), [])
  t.equal(json(at(`${raw}.json`))['NumFiles'], '1')
  t.end()
})

t.test('what no object asks for is surplus', (t) => {
  const { dataDir, at } = site(t)
  const other = join(dataDir, 'other.dcm')
  writeFileSync(other, 'no DICOM')
  stored(dataDir, { study: '2.25.7', project: 'ABCD' })
  rmSync(join(dataDir, 'ABCD/archive/2.25.7/2.25.7.1'), { recursive: true })
  symlinkSync(other, at(`${raw}/2.25.1.1.9.dcm`))
  cpSync(other, at(`${raw}/notes.txt`))
  mkdirSync(at('participants/P9/20240102_030405/1_Axial'), { recursive: true })
  // In the folder of another patient: it leads where it says, and should not be there.
  symlinkSync(toRaw, at('participants/P9/20240102_030405/1_Axial/2.25.1.1.1.dcm'))
  symlinkSync('/etc', at('participants/P8'))
  cpSync(other, at('srs/notes.txt'))
  writeFileSync(at('raw/2.25.1/2.25.1.8.json'), '{}')
  mkdirSync(at('raw/elsewhere'))
  // What somebody, on another machine perhaps, is making now.
  writeFileSync(at(`${people}/.1-1-abcdefabcdef-abcdefabcdef-abcdefabcdef.${randomUUID()}.tmp`), '')
  t.same(
    findings(t, dataDir).map(({ drift, path, found }) => [drift, path, found]),
    [
      ['surplus', 'participants/P8', '/etc'],
      ['surplus', 'participants/P9/20240102_030405/1_Axial/2.25.1.1.1.dcm', toRaw],
      ['surplus', 'raw/2.25.1/2.25.1.1/2.25.1.1.9.dcm', other],
      ['surplus', 'raw/2.25.1/2.25.1.1/notes.txt', undefined],
      ['surplus', 'raw/2.25.1/2.25.1.8.json', undefined],
      ['surplus', 'raw/elsewhere', undefined],
      ['surplus', 'srs/notes.txt', undefined],
    ],
  )
  t.end()
})

t.test('a series JSON is held against its objects', (t) => {
  const { dataDir, at } = site(t)
  for (const [object, SliceLocation] of [
    [1, '7.5'],
    [2, '-3'],
  ] as const) {
    const elements = [el(0x00080060, 'CS', 'CT'), el(0x00201041, 'DS', SliceLocation)]
    store(dataDir, { study: '2.25.5', object, image: { elements } })
  }
  rebuild(dataDir)
  t.same(findings(t, dataDir), [])
  const path = at('raw/2.25.5/2.25.5.1.json')
  const before = json(path)
  t.equal(before['SliceLocation'], '-3')
  const differs = (change: Record<string, unknown>) => {
    writeFileSync(path, JSON.stringify({ ...before, ...change }))
    return findings(t, dataDir).map(({ drift, field, expected, found }) => [
      drift,
      ...(field === undefined ? [] : [field, expected, found]),
    ])
  }
  t.same(differs({ NumFiles: '3' }), [['differs', 'NumFiles', '2', '3']])
  t.same(differs({ NumFiles: 2 }), [['differs', 'NumFiles', '2', 'number']])
  t.same(differs({ SliceLocation: '7.5' }), [['differs', 'SliceLocation', '-3', '7.5']])
  t.same(differs({ Modality: ['CT', 'MR'] }), [['differs', 'Modality', undefined, 'MR']])
  t.same(differs({ Modality: [] }), [['differs', 'Modality', 'CT', undefined]])
  t.same(differs({ StudyInstanceUID: '2.25.1' }), [['unreadable']])
  t.same(differs({ ClassifyType: ['T1'] }), [], 'no header tells it')
  for (const change of [{ NumFiles: '3' }, { SliceLocation: '7.5' }, { Modality: [] }]) {
    t.equal(differs(change).length, 1)
    t.equal(rebuild(dataDir).code, 0)
    t.same(json(path), before, 'a rebuild mends it')
  }
  t.end()
})

t.test('objects imported in place are looked at through their links', (t) => {
  const { dataDir, at } = site(t)
  const folder = dataDirectory()
  const path = join(folder, 'image')
  const record = store(dataDir, { study: '2.25.3', path })
  t.equal(run(['--data-dir', dataDir], [{ ...record, attributes: undefined }]).code, 0)
  t.same(findings(t, dataDir), [])
  const people = 'participants/UNKNOWN'
  const views = Object.keys(viewsIn(dataDir)).filter((view) => view.includes('2.25.3.1.1.dcm'))
  t.equal(views.length, 2, people)
  const shown = views.find((view) => view.includes('participants')) ?? ''
  unlinkSync(join(dataDir, shown))
  t.match(findings(t, dataDir), [{ drift: 'missing', path: shown.slice('default/'.length) }])
  run(['--data-dir', dataDir], [{ ...record, attributes: undefined }])
  // Another object under its name.
  cpSync(at('archive/2.25.1/2.25.1.1/2.25.1.1.1.dcm'), path)
  t.match(
    findings(t, dataDir).filter(({ view, path }) => view === 'raw' && path.endsWith('.dcm')),
    [{ drift: 'surplus', found: path }],
  )
  rmSync(folder, { recursive: true })
  t.same(
    findings(t, dataDir).map(({ drift }) => drift),
    ['dangling', 'surplus', 'dangling'],
  )
  t.end()
})

t.test(
  'something in the place of a directory is told, and what a planted link leads to is not read',
  (t) => {
    const { dataDir, at } = site(t)
    const elsewhere = dataDirectory()
    renameSync(at('raw/2.25.1'), join(elsewhere, '2.25.1'))
    symlinkSync(join(elsewhere, '2.25.1'), at('raw/2.25.1'))
    rmSync(at('participants/P2'), { recursive: true })
    writeFileSync(at('participants/P2'), 'a file')
    rmSync(at('srs'), { recursive: true })
    symlinkSync(elsewhere, at('srs'))
    const found = findings(t, dataDir).map(({ drift, path }) => [drift, path])
    t.same(
      found,
      [
        ['blocked', 'participants/P2/20240102_030405/1_Axial/2.25.2.1.1.dcm'],
        ['surplus', 'participants/P2'],
        ['blocked', `${raw}.json`],
        ['blocked', `${raw}/2.25.1.1.1.dcm`],
        ['blocked', `${raw}/2.25.1.1.2.dcm`],
        ['surplus', 'raw/2.25.1'],
        ['blocked', 'srs'],
        ['missing', 'srs/Example Maker/2.25.2/2.25.2.1.1.dcm'],
      ].sort(([, a = ''], [, b = '']) => (a < b ? -1 : 1)),
    )
    const { code, records } = rebuild(dataDir)
    t.equal(code, 1)
    t.same(
      records.map((record) => record['code']),
      ['E_VIEW_BLOCKED', 'E_VIEW_BLOCKED', 'E_VIEW_BLOCKED'],
      'a file in the way of one patient does not end a rebuild',
    )
    t.end()
  },
)

t.test(
  'an object that cannot be read is an error record, and its link is not held against it',
  (t) => {
    const { dataDir, at } = site(t)
    const path = at('archive/2.25.1/2.25.1.1/2.25.1.1.2.dcm')
    writeFileSync(path, 'damaged on the disk')
    const { code, records } = check(dataDir)
    t.equal(code, 1)
    t.match(records, [{ type: 'error', code: 'E_DICOM_PARSE', record: { type: 'path', path } }])
    t.equal(records.length, 1)
    t.end()
  },
)

t.test(
  '--project looks at no other; what is nowhere is refused, and so is --rebuild with it',
  (t) => {
    const { dataDir } = site(t)
    stored(dataDir, { project: 'ABCD' })
    t.match(check(dataDir, '--project', 'default'), { code: 0, records: [] })
    const { code, records } = check(dataDir, '--project', 'ABCD')
    t.equal(code, 1)
    t.match(records, [{ type: 'drift', v: 1, project: 'ABCD', drift: 'missing' }, {}, {}])
    t.equal(check(dataDir, '--project', 'nobody').code, 65)
    t.equal(check(dataDir, '--rebuild').code, 64)
    t.equal(check(join(dataDir, 'nowhere')).code, 65)
    t.end()
  },
)

t.test('a reader that goes away ends it quietly, and no disk is blamed', (t) => {
  const dataDir = dataDirectory()
  for (let object = 1; object <= 600; object++) stored(dataDir, { object })
  for (const mode of ['--check', '--rebuild']) {
    // More than a pipe holds: each object is told twice, or cannot be linked.
    rmSync(join(dataDir, 'default/raw'), { recursive: true, force: true })
    if (mode === '--rebuild') writeFileSync(join(dataDir, 'default/raw'), 'in the way')
    const { code, err, first } = runUntilFirstLine([mode, '--data-dir', dataDir])
    t.match(first, /^{"type":"(drift|error)"/)
    t.equal(err, '', mode)
    t.equal(code, 0, mode)
  }
  rmSync(dataDir, { recursive: true })
  t.end()
})
