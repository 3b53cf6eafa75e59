import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { Seals, WhoIsWho } from '../../src/lib/crosswalk/index.ts'
import { temporaryPath } from '../../src/lib/storage/index.ts'
import { Pseudonyms } from '../../src/lib/deidentify/index.ts'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { archived, filesUnder, newSite, type Site } from '../deidentify/deidentified.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { binDir } from '../fixtures/peers.ts'
import { PseudoTerminal } from '../fixtures/pseudo-terminal.ts'

const tool = join(binDir, 'fiona-anon')
const mark = (seq: number) => ({ type: 'mark', seq })
const lineOf = (record: unknown) => `${JSON.stringify(record)}\n`
const burnedIn = ctImage({ instanceNumber: 9, elements: [el(0x00280301, 'CS', 'YES')] })
const leaking = ctImage({ elements: [el(0x00181020, 'LO', 'seen by EX-0001')] })

interface Ran {
  readonly code: number | null
  readonly err: string
  readonly out: string
  readonly records: readonly AnyRecord[]
}

function run(
  args: readonly string[],
  records: readonly unknown[] = [],
  env: NodeJS.ProcessEnv = {},
): Ran {
  const done = spawnSync(tool, args, {
    input: records.map(lineOf).join(''),
    encoding: 'utf8',
    env: environment(env),
  })
  const lines = done.stdout.split('\n').filter((line) => line.startsWith('{'))
  return {
    code: done.status,
    err: done.stderr,
    out: done.stdout,
    records: lines.map((line) => JSON.parse(line) as AnyRecord),
  }
}

/** What the developer's shell says is not what the tests are about. */
function environment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...process.env, FIONA_CONFIG: '', FIONA_STAGE: '', ...more }
}

/** A site with a key, and the arguments that name it. */
function withKey(): Site & { readonly args: readonly string[] } {
  const site = newSite()
  const keyFile = join(site.root, 'key')
  writeFileSync(keyFile, Buffer.alloc(32, 5), { mode: 0o600 })
  return { ...site, args: ['--key-file', keyFile, '--out', site.out, '--data-dir', site.dataDir] }
}

/** Beside what decisions at once are kept apart by. */
function visibleIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => !name.startsWith('.'))
}

function instanceOf(path: string, more: Record<string, unknown> = {}) {
  using file = DicomFile.open(path)
  const uid = (tag: number) => file.string(file.dataSet, tag)
  return {
    type: 'instance',
    path,
    size: file.size,
    SOPClassUID: uid(0x00080016),
    SOPInstanceUID: uid(0x00080018),
    SeriesInstanceUID: uid(0x0020000e),
    StudyInstanceUID: uid(0x0020000d),
    TransferSyntaxUID: file.transferSyntaxUID,
    attributes: { PatientName: 'Example^Patient', PatientID: 'EX-0001' },
    ...more,
  }
}

t.test('a study lies under its participant and new UIDs, and the record says where', (t) => {
  const site = withKey()
  const study = archived(
    site,
    [1, 2].map((instanceNumber) => ctImage({ instanceNumber })),
  )
  const { code, records, err } = run(
    [...site.args, '--participant', 'S001', '--event', 'v1'],
    [study],
  )
  t.equal(code, 0, err)
  t.match(records, [
    { type: 'deidentified', participant: 'S001', event: 'v1', project: 'default', instances: 2 },
  ])
  const [record] = records
  const { StudyInstanceUID, path, series } = record as AnyRecord & {
    series: { SeriesInstanceUID: string }[]
  }
  t.equal(path, join(site.out, 'S001', String(StudyInstanceUID)))
  for (const file of filesUnder(site.out)) {
    using object = DicomFile.open(file)
    const uid = (tag: number) => object.string(object.dataSet, tag) ?? ''
    t.equal(uid(0x0020000e), series[0]?.SeriesInstanceUID)
    t.equal(file, join(String(path), uid(0x0020000e), `${uid(0x00080018)}.dcm`))
  }
  t.end()
})

t.test('the program, as it was built, knows the letters that others write for ä, ß and ø', (t) => {
  const site = withKey()
  const spelled = ['Zwoelferhoss', 'ZWOLFERHOß', 'zwölferhoß', 'Jorgen', 'JOERGEN']
  const study = archived(
    site,
    spelled.map((text, index) =>
      ctImage({
        instanceNumber: index + 1,
        without: [0x00100010],
        elements: [
          el(0x00080005, 'CS', 'ISO_IR 192'),
          el(0x00100010, 'PN', Buffer.from('Zwölferhoß^Jørgen')),
          el(0x00181020, 'LO', Buffer.from(text)),
        ],
      }),
    ),
  )
  // With source maps Node's own loader would read it.
  const { records } = run(site.args, [study], { NODE_OPTIONS: '' })
  t.match(records, [{ type: 'held', reasons: [{ code: 'identity-found', count: spelled.length }] }])
  t.end()
})

t.test('neither records nor logs hold an original value, at any level', (t) => {
  const site = withKey()
  const study = archived(site, [ctImage(), burnedIn])
  const instances = filesUnder(site.dataDir).map((path) => instanceOf(path))
  const ran = run(
    [...site.args, '--log-level', 'trace'],
    [...instances, study, { ...study, path: 17 }, 'no record', { type: 'study', PatientName: 'X' }],
  )
  t.equal(ran.code, 1)
  const said =
    ran.err +
    ran.records
      .filter(({ type }) => type !== 'error')
      .map(lineOf)
      .join('')
  t.notMatch(said, /EX-0001|Example|2\.25\.1001|2\.25\.3001|19700101|ACC0001/)
  t.end()
})

t.test('records of the clinic are consumed; by hand others pass', (t) => {
  const site = withKey()
  const study = archived(site, [ctImage()])
  const [path = ''] = filesUnder(site.dataDir)
  const clinical = [
    instanceOf(path),
    { type: 'series', SeriesInstanceUID: '2.25.1', StudyInstanceUID: '2.25.1001' },
    { type: 'mpps', MPPSInstanceUID: '2.25.5', status: 'COMPLETED' },
    { type: 'release', StudyInstanceUID: '2.25.1001' },
    { type: 'association', association: 'a1', end: 'released', objects: 1 },
  ]
  const { code, records } = run(site.args, [...clinical, { type: 'x-other', n: 1 }, study, mark(1)])
  t.equal(code, 0)
  t.same(
    records.map(({ type }) => type),
    ['x-other', 'deidentified', 'mark'],
  )
  t.end()
})

t.test('in a stage nothing unknown crosses the boundary', (t) => {
  const site = withKey()
  const study = archived(site, [ctImage()])
  const { code, records } = run(
    site.args,
    [
      instanceOf(filesUnder(site.dataDir)[0] ?? ''),
      { type: 'x-other', PatientName: 'Zwartkops' },
      { type: 'deidentified', path: '/clinical/patient' },
      { type: 'error', tool: 'x', code: 'E_X', message: '', retryable: false, record: {} },
      study,
      mark(1),
    ],
    { FIONA_STAGE: 'deidentify' },
  )
  t.equal(code, 1)
  t.match(records, [
    { type: 'error', code: 'E_PRIVACY_BOUNDARY' },
    { type: 'error', code: 'E_PRIVACY_BOUNDARY' },
    { type: 'error', code: 'E_X' },
    { type: 'deidentified' },
    { type: 'mark', seq: 1 },
  ])
  t.equal(records.length, 5)
  t.end()
})

t.test(
  'instances that no study record spoke of are de-identified at the end, study by study',
  (t) => {
    const site = withKey()
    const folder = join(site.root, 'loose')
    mkdirSync(folder)
    const paths = ['2.25.1001', '2.25.1001', '2.25.2002'].map((studyUID, at) => {
      const path = join(folder, `${String(at)}.dcm`)
      writeFileSync(path, ctImage({ studyUID, instanceNumber: at + 1 }))
      return path
    })
    const { code, records } = run(
      [...site.args, '--participant', 'S1'],
      paths.map((path) => instanceOf(path)),
    )
    t.equal(code, 0)
    t.match(records, [
      { type: 'deidentified', instances: 2, revision: 1 },
      { type: 'deidentified', instances: 1 },
    ])
    const covered = {
      type: 'study',
      StudyInstanceUID: '2.25.1001',
      path: null,
      series: [{ SeriesInstanceUID: '2.25.1001.1', instances: 2, files: paths.slice(0, 2) }],
      instances: 2,
      bytes: 0,
      reason: 'flush',
      revision: 1,
    }
    const again = run(
      [...site.args, '--participant', 'S1'],
      [...paths.map((path) => instanceOf(path)), covered],
    )
    t.equal(again.records.length, 2, 'the covered study once, the other at the end')
    t.equal(filesUnder(site.out).length, 3)
    t.end()
  },
)

t.test('a request decides who it becomes, and for which project', (t) => {
  const site = withKey()
  const { StudyInstanceUID, path, series } = archived(site, [ctImage()])
  const request = {
    type: 'request',
    requestId: 'r-17',
    revision: 3,
    project: 'TRIAL',
    participant: 'T-042',
    event: 'month 3',
    StudyInstanceUID,
    path,
    series,
  }
  const args = site.args.filter((_, at) => at < 2 || at > 3)
  const { records, err } = run([...args, '--participant', 'OTHER', '--project', 'OTHER'], [request])
  t.match(
    records,
    [
      {
        type: 'deidentified',
        requestId: 'r-17',
        revision: 3,
        project: 'TRIAL',
        participant: 'T-042',
        event: 'month 3',
      },
    ],
    err,
  )
  t.match(records[0]?.['path'], `${site.dataDir}/TRIAL/outbox/T-042/`)
  const bad = run(args, [{ ...request, participant: 'Zwart\\kops' }])
  t.match(bad.records, [{ type: 'error', code: 'E_PARTICIPANT' }])
  t.end()
})

t.test('with requests configured, a study alone goes nowhere', (t) => {
  const site = withKey()
  const config = join(site.root, 'fiona.json')
  writeFileSync(
    config,
    JSON.stringify({
      dataDir: site.dataDir,
      requests: [{ table: 'coupling.csv' }],
      deidentification: { keyFile: join(site.root, 'key') },
    }),
  )
  const study = archived(site, [ctImage()])
  const { code, records } = run(['--config', config], [study, mark(1)])
  t.equal(code, 0)
  t.match(records, [mark(1)])
  t.end()
})

t.test('where a project asks for rules that are not there nothing is begun', (t) => {
  const site = withKey()
  const config = join(site.root, 'fiona.json')
  const projects = { ABCD: { deidentify: { profile: 'abcd.yaml' } } }
  writeFileSync(config, JSON.stringify({ dataDir: site.dataDir, projects }))
  const args = ['--config', config, ...site.args]
  const study = archived(site, [ctImage()])
  const { code, err, out } = run(args, [study])
  t.equal(code, 78)
  t.match(err, /no profile at .*abcd\.yaml/)
  t.equal(out, '', 'nothing of any project goes out')
  t.end()
})

t.test(
  'participants are counted where the project says so, and projects have keys of their own',
  (t) => {
    const site = withKey()
    const config = join(site.root, 'fiona.json')
    writeFileSync(join(site.root, 'own.key'), Buffer.alloc(32, 6), { mode: 0o600 })
    const deidentify = { pseudonym: 'counter', pattern: 'A-[0-9]{3}', keyFile: 'own.key' }
    const write = (more: object = {}) => {
      const projects = {
        A: { deidentify: { ...deidentify, ...more } },
        B: { deidentify: { pseudonym: 'hash' } },
      }
      const deidentification = { keyFile: join(site.root, 'key') }
      writeFileSync(config, JSON.stringify({ dataDir: site.dataDir, deidentification, projects }))
    }
    write()
    const of = (PatientID: string, more: object) => ({
      ...archived(site, [ctImage({ elements: [el(0x00100020, 'LO', PatientID)] })]),
      ...more,
    })
    const at = (record: object) => run(['--config', config], [record]).records
    const [one] = at(of('EX-0001', { project: 'A' }))
    t.match(one, { type: 'deidentified', participant: 'A-001' })
    t.match(at(of('EX-0002', { project: 'A' })), [{ participant: 'A-002' }])
    t.match(at(of('EX-0001', { project: 'A' })), [{ participant: 'A-001' }])
    const request = {
      type: 'request',
      requestId: 'r1',
      participant: 'EX-0001',
      project: 'B',
      revision: 1,
    }
    t.match(at(of('EX-0001', request)), [{ type: 'deidentified', participant: /^[0-9A-Z]{12}$/ }])
    const byOwn = new Pseudonyms(Buffer.alloc(32, 6), 'A').uid('2.25.1001')
    t.equal(one?.['StudyInstanceUID'], byOwn)
    write({ pattern: 'A+' })
    const refused = run(['--config', config], [of('EX-0001', { project: 'A' })])
    t.equal(refused.code, 78)
    t.match(refused.err, /pattern "A\+" makes no names/)
    t.end()
  },
)

t.test('the crosswalk has each link once, for its owner alone', async (t) => {
  const site = withKey()
  const study = archived(site, [ctImage()])
  run(site.args, [study, study])
  run(site.args, [study])
  const path = join(site.dataDir, 'crosswalk.ndjson')
  const links: AnyRecord[] = []
  const seals = new Seals([Buffer.alloc(32, 5)])
  await new WhoIsWho(path, seals).each((link) => links.push(link as unknown as AnyRecord))
  t.match(links, [
    { kind: 'participant', PatientID: 'EX-0001', project: 'default' },
    { kind: 'study', StudyInstanceUID: '2.25.1001', newStudyInstanceUID: /^2\.25\./ },
  ])
  t.equal(readFileSync(path, 'utf8').trim().split('\n').length, 2)
  t.equal(statSync(path).mode & 0o777, 0o600)
  const alone = withKey()
  const [, keyFile = '', , out = ''] = alone.args
  const copy = archived(alone, [ctImage()])
  t.equal(run(['--key-file', keyFile, '--out', out], [copy]).code, 0)
  t.notOk(existsSync(join(alone.dataDir, 'crosswalk.ndjson')))
})

t.test('without a crosswalk a person is told that several patients become one participant', (t) => {
  const site = withKey()
  const [, keyFile = ''] = site.args
  const of = (PatientID: string, study: string) => {
    const path = join(site.root, `${study}.dcm`)
    const elements = [el(0x00100020, 'LO', PatientID), el(0x0020000d, 'UI', study)]
    writeFileSync(path, ctImage({ elements }))
    return instanceOf(path)
  }
  const studies = [of('EX-0001', '2.25.1'), of('EX-0001', '2.25.2'), of('EX-0002', '2.25.3')]
  const args = ['--key-file', keyFile, '--out', site.out]
  const one = run([...args, '--participant', 'S001'], studies)
  t.equal(one.records.length, 3)
  const warnings = one.err.split('\n').filter((line) => line.includes('become one participant'))
  t.match(warnings, [/"code":"participant-of-other-patient"/], 'once, of the third study')
  t.equal(warnings.length, 1)
  t.notMatch(one.err, /EX-000/)
  t.notMatch(run(args, studies).err, /become one participant/, 'keyed names are one a patient')
  t.end()
})

t.test('wherever it runs, and in whatever language and zone, the bytes are the same', (t) => {
  const profile = 'options: [retainLongitudinalModifiedDates, cleanDescriptors]\n'
  const dated = [
    el(0x0008002a, 'DT', '20240331023000+0100'),
    el(0x0008103e, 'LO', 'INITIAL THORACIC'),
  ]
  const outputs = [
    { TZ: 'UTC', LC_ALL: 'C' },
    { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' },
    { TZ: 'Europe/Oslo', LC_ALL: 'de_DE.UTF-8', TMPDIR: '/var/tmp' },
  ].map((env) => {
    const site = withKey()
    const path = join(site.root, 'profile.yaml')
    writeFileSync(path, profile)
    const { code, err } = run(
      [...site.args, '--profile', path],
      [archived(site, [ctImage({ elements: dated }), ctImage({ instanceNumber: 2 })])],
      env,
    )
    t.equal(code, 0, err)
    const files = filesUnder(site.out)
    return files.map((file) => [file.slice(site.out.length), readFileSync(file).toString('hex')])
  })
  t.equal(outputs[0]?.length, 2)
  t.same(outputs[1], outputs[0])
  t.same(outputs[2], outputs[0])
  t.end()
})

t.test('a held study waits; its own record says how it is released, and that works', (t) => {
  const site = withKey()
  const { records } = run(site.args, [archived(site, [ctImage(), burnedIn])])
  t.match(records, [{ type: 'held', reasons: [{ code: 'burned-in-annotation', count: 1 }] }])
  t.same(filesUnder(site.out), [])
  const folder = join(site.dataDir, 'default/review', String(records[0]?.['requestId']))
  t.equal(statSync(join(folder, 'held.json')).mode & 0o777, 0o600)
  t.equal(statSync(folder).mode & 0o777, 0o700)
  t.equal(filesUnder(join(folder, 'objects')).length, 2)

  // Word for word as the record has it. The outbox is the one it would have gone to.
  const how = String(records[0]?.['how'])
  const env = { PATH: `${binDir}:${process.env['PATH'] ?? ''}` }
  const done = spawnSync('sh', ['-c', how], { encoding: 'utf8', env: environment(env) })
  t.equal(done.status, 0, done.stderr)
  const released = JSON.parse(done.stdout) as AnyRecord
  t.match(released, {
    type: 'deidentified',
    requestId: records[0]?.['requestId'],
    instances: 2,
    waived: [{ code: 'burned-in-annotation' }],
  })
  t.equal(filesUnder(site.out).length, 2)
  t.same(visibleIn(folder), ['released.json'])
  t.match(JSON.parse(readFileSync(join(folder, 'released.json'), 'utf8')), {
    released: { user: /./, waived: ['burned-in-annotation'] },
  })
  t.end()
})

t.test(
  'released, a record is in the journal that was named, or behind the stage that held it',
  (t) => {
    const stage = { FIONA_STAGE: 'deidentify', FIONA_STAGE_TO: 'outbox' }
    for (const [env, named] of [
      [{}, ['--journal', 'outbox']],
      [stage, []],
      [{ ...stage, FIONA_STAGE_TO: 'elsewhere' }, ['--journal', 'outbox']],
    ] as const) {
      const site = withKey()
      const { records } = run(site.args, [archived(site, [burnedIn]), mark(1)], env)
      const id = String(records[0]?.['requestId'])
      const { code, out, err } = run([...site.args, '--release', id, ...named])
      t.equal(code, 0, err)
      t.equal(out, `released ${id}: its record is in the journal outbox\n`)
      const lines = filesUnder(join(site.dataDir, 'journal'))
        .filter((path) => path.endsWith('.ndjson'))
        .map((path) => readFileSync(path, 'utf8'))
      t.match(JSON.parse(lines.join('')), { type: 'deidentified', requestId: id })
    }
    t.end()
  },
)

t.test('what the search found is not released by a mere --release', (t) => {
  const site = withKey()
  const { records } = run(site.args, [archived(site, [leaking, burnedIn])])
  const id = String(records[0]?.['requestId'])
  const refused = run([...site.args, '--release', id])
  t.equal(refused.code, 77)
  t.match(refused.err, /^error: values known of the patient/m)
  t.equal(refused.out, '')
  t.same(filesUnder(site.out), [])
  const { code, records: after } = run([
    ...site.args,
    ...['--release', id, '--release-anyway', '--because', 'the phantom has that name'],
  ])
  t.equal(code, 0)
  t.match(after, [{ type: 'deidentified', waived: [{}, { code: 'identity-found' }] }])
  t.end()
})

t.test('a revision that passes settles what an earlier one left open', (t) => {
  const site = withKey()
  const [held] = run(site.args, [archived(site, [burnedIn])]).records
  const mended = archived(site, [ctImage({ instanceNumber: 9 })], { revision: 2 })
  t.match(run(site.args, [mended]).records, [{ type: 'deidentified', revision: 2 }])
  const folder = join(site.dataDir, 'default/review', String(held?.['requestId']))
  t.same(visibleIn(folder), ['superseded.json'])
  t.end()
})

t.test('what is held can be dropped, and then is gone', (t) => {
  const site = withKey()
  const { records } = run(site.args, [archived(site, [burnedIn])])
  const id = String(records[0]?.['requestId'])
  const { code, out } = run([...site.args, '--drop', id])
  t.equal(code, 0)
  t.match(out, `dropped ${id}`)
  t.same(visibleIn(join(site.dataDir, 'default/review', id)), ['dropped.json'])
  const again = run([...site.args, '--drop', id])
  t.equal(again.code, 65)
  t.match(again.err, /^error: nothing is held under "\w+" any more: dropped by \w+ at 20/m)
  t.end()
})

t.test('of several who decide at once one does, and the others are told who it was', async (t) => {
  const site = withKey()
  const objects = Array.from({ length: 60 }, (_, at) => ctImage({ instanceNumber: at + 10 }))
  const { records } = run(site.args, [archived(site, [...objects, burnedIn])])
  const id = String(records[0]?.['requestId'])
  const decide = async (what: string, by: string) => {
    const child = spawn(tool, [...site.args, what, id, '--by', by], { env: environment({}) })
    const [out, err] = [child.stdout, child.stderr].map((stream) => text(stream))
    const [code] = (await once(child, 'close')) as [number]
    return { what, by, code, out: await out, err: await err }
  }
  const all = await Promise.all([
    ...[decide('--release', 'anna'), decide('--release', 'bert'), decide('--drop', 'carla')],
  ])
  const [first, ...others] = all.filter(({ code }) => code === 0)
  t.same(others, [], 'one decision')
  const released = first?.what === '--release'
  t.equal(filesUnder(site.out).length, released ? 61 : 0)
  const done = `${released ? 'released' : 'dropped'} by ${String(first?.by)} at 20`
  for (const { code, err } of all) if (code !== 0) t.match([code, err], [65, done])
  t.same(visibleIn(join(site.dataDir, 'default/review', id)), [
    released ? 'released.json' : 'dropped.json',
  ])
})

t.test('what waits is listed, shown in full, and decided by a named person for a reason', (t) => {
  const site = withKey()
  const [held] = run(site.args, [archived(site, [leaking, burnedIn])]).records
  const id = String(held?.['requestId'])
  const review = (...more: string[]) => run(['review', ...more, '--data-dir', site.dataDir])
  const listed = review()
  t.equal(listed.code, 0, listed.err)
  t.match(listed.records, [
    { requestId: id, project: 'default', objects: 2, since: /^20/, reasons: [{}, {}] },
  ])
  t.same(review('--project', 'other').records, [])
  t.match(review('--reason', 'identity-found').records, [{ requestId: id }])
  t.same(review('--reason', 'voice').records, [])
  t.match(review('--reason', 'identity-fuond'), { code: 64, err: /did you mean identity-found\?/ })
  const shown = review(id)
  t.match(shown.records, [
    {
      advice: [
        { code: 'burned-in-annotation', release: 'release' },
        { code: 'identity-found', release: 'releaseAnyway', look: /correct the objects/ },
      ],
    },
  ])
  // What is told without a terminal may be mailed: no path, and nothing of the patient.
  t.notMatch(listed.out + shown.out, /EX-0001|Example|2\.25\.1001|archive/)

  // A folder that is not ours is told of, and the others are listed.
  symlinkSync('/etc', join(site.dataDir, 'default/review/link\u001b[2J'))
  const withLink = review()
  t.equal(withLink.code, 1)
  t.match(withLink.records, [{ problem: /is no folder/ }, { requestId: id }])
  t.notMatch(withLink.out, '\u001b')

  t.equal(run([...site.args, '--release', id, '--release-anyway']).code, 64, 'not without a reason')
  t.equal(run([...site.args, '--by', 'Dr. Who']).code, 64)
  t.equal(review(id, 'another').code, 64)
  const because = ['--because', 'a phantom', '--by', 'Dr. Who']
  const { code, records } = run([...site.args, '--release', id, '--release-anyway', ...because])
  t.equal(code, 0)
  t.notMatch(JSON.stringify(records), /Who|phantom/, 'the record crosses the boundary without it')
  const text = readFileSync(join(site.dataDir, 'default/review', id, 'released.json'), 'utf8')
  t.match(JSON.parse(text), {
    released: { by: 'Dr. Who', because: 'a phantom', user: /./, host: /./, anyway: true },
  })
  t.same(review('--project', 'default').records.length, 1, 'only the link is left')
  t.end()
})

t.test('at a terminal a person reads what waits for what, and how to decide', async (t) => {
  const site = withKey()
  const stage = { FIONA_STAGE: 'deidentify', FIONA_STAGE_TO: 'outbox' }
  const [held] = run(site.args, [archived(site, [leaking, burnedIn]), mark(1)], stage).records
  const id = String(held?.['requestId'])
  const read = async (...args: string[]) => {
    const command = [tool, ...args, '--data-dir', site.dataDir]
    const terminal = new PseudoTerminal({ rows: 40, columns: 400 }, command, environment({}))
    return { code: await terminal.ended(), text: terminal.text }
  }
  const listed = await read('review')
  t.equal(listed.code, 0)
  t.match(listed.text, new RegExp(`^${id}  default / \\w+  \\d+ minutes?  2 objects, \\d+ kB\n`))
  t.match(listed.text, /^ {4}burned-in-annotation, identity-found$/m)
  t.match(listed.text, /^1 held\n +1 {2}burned-in-annotation {2}then --release\n/m)
  t.match(listed.text, /^ +1 {2}identity-found {8}only with --release-anyway$/m)
  t.match((await read('review', '--reason', 'voice')).text, /^0 held$/m)

  const { text } = await read('review', id)
  t.match(text, /^identity-found: .*correct the objects.*\(only with --release-anyway\)$/m)
  t.match(text, /^ {2}1 × at \(0018,1020\) SoftwareVersions$/m)
  t.match(text, `where it comes from:\n  burned-in-annotation  ${site.dataDir}`)
  t.match(text, String(held?.['how']), 'with the journal it goes to')
  t.match(text, /^ +only with --release-anyway; --because "…" says why/m)
})

t.test('a name that is no requestId finds nothing, and two decisions are none', (t) => {
  const site = withKey()
  const { records } = run(site.args, [archived(site, [burnedIn])])
  const id = String(records[0]?.['requestId'])
  const before = filesUnder(site.root)
  for (const hostile of [`../review/${id}`, 'x'.repeat(100_000)]) {
    for (const option of ['--release', '--drop']) {
      const { code, out, err } = run([...site.args, option, hostile])
      t.equal(code, 65)
      t.match(err, /^error: nothing is held/)
      t.equal(out, '')
    }
  }
  t.equal(run([...site.args, '--release=']).code, 64)
  t.equal(run([...site.args, '--release', id, '--drop', id]).code, 64)
  t.equal(run([...site.args, '--release-anyway']).code, 64)
  t.equal(run([...site.args, '--drop', id, '--journal', 'outbox']).code, 64)
  const link = join(site.dataDir, 'default/review/link')
  symlinkSync(join(site.dataDir, 'default/review', id), link)
  const followed = run([...site.args, '--drop', 'link'])
  t.equal(followed.code, 77)
  t.match(followed.err, /^error: .*is no folder\nhint: /)
  t.same(filesUnder(site.root), before)
  t.end()
})

t.test(
  'stopped with loose instances it says what it left undone, and that can be replayed',
  async (t) => {
    const site = withKey()
    const folder = join(site.root, 'loose')
    mkdirSync(folder)
    const paths = ['2.25.1001', '2.25.1001', '2.25.2002'].map((studyUID, at) => {
      const path = join(folder, `${String(at)}.dcm`)
      writeFileSync(path, ctImage({ studyUID, instanceNumber: at + 1 }))
      return path
    })
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const child = spawn(tool, site.args, {
        env: environment({}),
        stdio: ['pipe', 'pipe', 'ignore'],
      })
      let out = ''
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
      // What comes out behind the instances shows that they were read.
      child.stdin.write(
        [...paths.map((path) => instanceOf(path)), { type: 'x-last' }].map(lineOf).join(''),
      )
      while (!out.includes('x-last')) await once(child.stdout, 'data')
      child.kill(signal)
      const [code] = (await once(child, 'close')) as [number]
      t.equal(code, 75)
      const errors = out
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as AnyRecord)
        .filter(({ type }) => type === 'error')
      t.match(errors, [
        { code: 'E_STOPPED', retryable: true, record: { type: 'study', instances: 2 } },
        { code: 'E_STOPPED', retryable: true, record: { type: 'study', instances: 1 } },
      ])
      t.same(filesUnder(site.out), [])
      if (signal === 'SIGTERM') continue
      const again = run(
        site.args,
        errors.map(({ record }) => record),
      )
      t.match(again.records, [
        { type: 'deidentified', instances: 2 },
        { type: 'deidentified', instances: 1 },
      ])
    }
  },
)

t.test('without a key, or with one that others can read, it does not start', (t) => {
  const site = withKey()
  const study = archived(site, [ctImage()])
  const none = run(['--out', site.out], [study])
  t.equal(none.code, 78)
  t.match(none.err, /^error: no key file.*\nhint: .*urandom/m)
  t.equal(run(['--key-file', join(site.root, 'nokey'), '--out', site.out], [study]).code, 78)
  const open = join(site.root, 'open')
  writeFileSync(open, Buffer.alloc(32), { mode: 0o644 })
  t.equal(run(['--key-file', open, '--out', site.out], [study]).code, 77)
  t.equal(run([...site.args, '--profile', 'abcd.yaml'], [study]).code, 78)
  t.equal(run([...site.args, '--unknown-option'], [study]).code, 64)
  t.same(filesUnder(site.out), [])
  t.end()
})

t.test('help leads with what it is', (t) => {
  const { code, out } = run(['--help'])
  t.equal(code, 0)
  t.match(out, /privacy boundary/)
  t.match(out, /--key-file/)
  t.end()
})

t.test('SIGKILL in the middle of a study shows nothing of it, and the next run all', async (t) => {
  const site = withKey()
  const objects = Array.from({ length: 150 }, (_, at) =>
    ctImage({ instanceNumber: at + 1, rows: 128, columns: 128 }),
  )
  const study = archived(site, objects)
  const visible = () => filesUnder(site.out).filter((path) => !path.includes('/.incoming/'))
  const child = spawn(tool, site.args, {
    env: environment({}),
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.stdin.write(lineOf(study))
  const staging = join(site.out, '.incoming')
  // As soon as some of the objects are written.
  while (filesUnder(staging).length < 20) await new Promise((resolve) => setImmediate(resolve))
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.ok(filesUnder(staging).length >= 20, 'it was in the middle')
  t.same(visible(), [])
  const { code, records } = run(site.args, [study])
  t.equal(code, 0)
  t.match(records, [{ type: 'deidentified', instances: 150 }])
  t.equal(visible().length, 150)
  t.same(filesUnder(staging), [], 'what the dead one left is gone')
})

t.test('killed between two revisions, the earlier one is put back', (t) => {
  const site = withKey()
  const study = archived(site, [ctImage()])
  const [before] = run(site.args, [study]).records
  const path = String(before?.['path'])
  // What a process leaves that dies after it moved the earlier revision aside.
  const dead = temporaryPath(join(site.out, '.incoming')).replace(/\/\.(\d+)-\d*-/, '/.$1-1-')
  const aside = join(dead, 'replaced', path.slice(site.out.length + 1))
  mkdirSync(join(aside, '..'), { recursive: true })
  spawnSync('mv', [path, aside])
  t.notOk(existsSync(path))
  const other = archived(site, [ctImage({ studyUID: '2.25.5' })], { StudyInstanceUID: '2.25.5' })
  t.equal(run(site.args, [other]).code, 0)
  t.ok(existsSync(path))
  t.notOk(existsSync(dead))
  t.end()
})
