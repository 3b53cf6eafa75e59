import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { lastWords } from '../../src/lib/deidentify/faces/run-defacing.ts'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { binDir, missing, missingPydicom, projectRoot } from '../fixtures/peers.ts'
import { deidentify, filesUnder, key, newSite, reasonsOf, type Site } from './deidentified.ts'
import { deidentifyBy, profileOf, valueIn } from './with-profile.ts'

const python = '/usr/bin/python3'
const fixture = (name: string) => join(projectRoot, 'test/fixtures', name)
const skip = missingPydicom() || missing('python3')
const pixelData = 0x7fe00010

/** What a project's profile says of faces, by how its command goes wrong. */
const commandThat = (how: string, more = '') =>
  `deface: { command: [${python}, ${fixture('deface-with-pydicom.py')}, ${how}], seconds: 60${more} }`

interface Ran {
  readonly records: readonly AnyRecord[]
  readonly err: string
  readonly code: number | null
}

/** The study, once; and a site whose projects have these profiles. */
const source = newSite()
if (skip === false) {
  const { status, stderr } = spawnSync(
    python,
    [fixture('head-series-with-pydicom.py'), source.root],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
}

function siteOf(profiles: Readonly<Record<string, string>>): Site {
  const site = newSite()
  for (const [name, text] of Object.entries(profiles)) {
    writeFileSync(join(site.root, `${name}.yaml`), text)
  }
  writeFileSync(join(site.root, 'key'), key, { mode: 0o600 })
  const projects = Object.keys(profiles).map(
    (name) => [name, { deidentify: { profile: join(site.root, `${name}.yaml`) } }] as const,
  )
  const config = {
    dataDir: site.dataDir,
    deidentification: { keyFile: join(site.root, 'key') },
    projects: Object.fromEntries(projects),
  }
  writeFileSync(join(site.root, 'fiona.yaml'), JSON.stringify(config))
  return site
}

/** The real tool, with a study record for each project. */
function anon(site: Site, projects: readonly string[]): Ran {
  const records = projects.map((project) => ({
    type: 'study',
    project,
    StudyInstanceUID: '2.25.1001',
    path: source.root,
    series: [
      { SeriesInstanceUID: '2.25.1001.1', instances: 3 },
      { SeriesInstanceUID: '2.25.1001.2', instances: 1 },
    ],
    instances: 4,
    bytes: 0,
    reason: 'flush',
    revision: 1,
  }))
  const done = spawnSync(
    join(binDir, 'fiona-anon'),
    ['--config', join(site.root, 'fiona.yaml'), '--participant', 'S001', '--durability', 'none'],
    {
      input: records.map((record) => `${JSON.stringify(record)}\n`).join(''),
      encoding: 'utf8',
      env: { ...process.env, FIONA_CONFIG: '', FIONA_STAGE: '', SECRET_OF_OURS: 'x' },
    },
  )
  const lines = done.stdout.split('\n').filter((line) => line.startsWith('{'))
  return {
    code: done.status,
    err: done.stderr,
    records: lines.map((line) => JSON.parse(line) as AnyRecord),
  }
}

const outboxOf = (site: Site, project: string) => join(site.dataDir, project, 'outbox')

function objectsOf(site: Site, project: string): DicomFile[] {
  return filesUnder(outboxOf(site, project)).map((path) => DicomFile.open(path))
}

function pixelsOf(file: DicomFile): Buffer {
  const element = file.dataSet.get(pixelData)
  if (element === undefined) throw new Error('no pixels')
  return file.bytes(element)
}

const isMr = (file: DicomFile) => valueIn(file, 0x00080060) === 'MR'
const methodsOf = (file: DicomFile) =>
  (file.dataSet.get(0x00120064)?.items ?? []).map((item) => valueIn(file, 0x00080100, item))

t.test('a series of a head is defaced, and nothing else of the study', { skip }, (t) => {
  const nifti = `deface: { command: [env, PYTHON=${python}, ${join(projectRoot, 'share/deface/deface-nifti.sh')}, ${python}, ${fixture('blank-nifti.py')}] }`
  const site = siteOf({ GOOD: commandThat('blank'), NONE: 'base: basic\n', NIFTI: nifti })
  const { records, err } = anon(site, ['GOOD', 'NONE', 'NIFTI'])
  t.match(records[0], {
    type: 'deidentified',
    instances: 4,
    pixels: { defaced: 3, masked: 0 },
    verified: { objects: 4 },
  })
  t.match(records[1], { type: 'deidentified', instances: 4 })
  t.notOk(records[1] && 'pixels' in records[1], 'nothing is said where nothing was done')
  t.match(records[2], { type: 'deidentified', pixels: { defaced: 3 } }, JSON.stringify(records[2]))
  t.notMatch(err, /Zwartkops|EX-0001/)
  const [good, none, viaNifti] = ['GOOD', 'NONE', 'NIFTI'].map((name) => objectsOf(site, name))
  const ofCt = (files: readonly DicomFile[] = []) =>
    files.filter((file) => !isMr(file)).map(pixelsOf)
  t.same(ofCt(good), ofCt(none), 'the CT is as it was')
  for (const file of good ?? []) {
    t.equal(valueIn(file, 0x00100020), 'S001')
    t.equal(valueIn(file, 0x00280302), isMr(file) ? 'NO' : undefined)
    t.equal(methodsOf(file).includes('113102'), isMr(file))
    if (!isMr(file)) continue
    const upper = pixelsOf(file).subarray(0, (64 * 64 * 2) / 4)
    t.ok(upper.equals(Buffer.alloc(upper.length)), 'what the command blanked is blank')
    t.notOk(
      pixelsOf(file)
        .subarray(upper.length)
        .every((byte) => byte === 0),
    )
    t.equal(file.dataSet.get(0x00280106), undefined, 'the smallest value is another one now')
  }
  const original = pixelsOf(DicomFile.open(join(source.root, '2.25.1001.1', '2.25.1001.1.1.dcm')))
  for (const file of (viaNifti ?? []).filter(isMr)) {
    const pixels = pixelsOf(file)
    const smallest = Math.min(
      ...new Uint16Array(
        original.buffer.slice(original.byteOffset, original.byteOffset + original.length),
      ),
    )
    for (const [row, column] of [
      [20, 3],
      [40, 31],
      [63, 0],
    ] as const) {
      t.equal(pixels.readInt16LE((row * 64 + column) * 2), smallest, 'the blank half')
    }
    for (const [row, column] of [
      [20, 40],
      [40, 32],
      [63, 63],
    ] as const) {
      const at = (row * 64 + column) * 2
      t.equal(pixels.readInt16LE(at), original.readInt16LE(at), 'the other half')
    }
  }
  // The same again: what is there stays, and is the same on another machine.
  const filesNow = () =>
    filesUnder(outboxOf(site, 'GOOD')).map((path) => [readFileSync(path), statSync(path).ino])
  const before = filesNow()
  const again = anon(site, ['GOOD'])
  t.match(again.records[0], { type: 'deidentified', instances: 4, pixels: { defaced: 3 } })
  t.same(filesNow(), before)
  t.equal(readdirSync(outboxOf(site, 'GOOD')).includes('.incoming'), false, 'no folder of work')
  t.end()
})

/** How a command goes wrong, and what the person who looks is told. */
const wrongs: Readonly<Record<string, readonly [where: RegExp, more?: string]>> = {
  fail: [/^deface: the command failed \(exit code 1\): cannot write \(path\) any more$/],
  hang: [/^deface: the command did not end in 1 s/],
  'leave-out': [/^deface: the command left out 1 of 3 instances$/],
  identity: [/changed more than pixels: \(0010,0020\) PatientID$/],
  size: [/changed more than pixels: \(0028,0010\) Rows$/],
  place: [/changed more than pixels: \(0020,0032\) ImagePositionPatient$/],
  plant: [/changed more than pixels: \(0020,4000\) ImageComments$/],
  behind: [/pixels that are not those described: bytes-behind-pixels$/],
  nothing: [/changed no pixel of the series$/],
  link: [/left something that is no file$/],
  twice: [/left an instance twice$/],
  more: [/left 4 files, and was given 3$/],
  'no-dicom': [/left a file that is no DICOM object, or not a whole one$/],
  look: [/: ; 0o700; S001; \(path\)$/],
}

t.test('whatever goes wrong holds the study, and nothing of it goes on', { skip }, (t) => {
  const names = Object.keys(wrongs)
  const project = (name: string) => name.toUpperCase()
  const profiles = names.map((name) => {
    const text = commandThat(name)
    return [project(name), name === 'hang' ? text.replace('60', '1') : text] as const
  })
  const site = siteOf({
    ...Object.fromEntries(profiles),
    GONE: 'deface: { command: [/nowhere/deface] }\n',
    DEMANDED: 'deface: { required: true }\n',
  })
  const projects = [...names.map(project), 'GONE', 'DEMANDED']
  const { records, err } = anon(site, projects)
  const expected: Readonly<Record<string, RegExp>> = {
    ...Object.fromEntries(names.map((name) => [project(name), wrongs[name]?.[0] ?? /^$/])),
    GONE: /^deface: the command cannot be started$/,
    DEMANDED: /^deface: the profile demands it and has no command$/,
  }
  t.equal(records.length, projects.length, err)
  for (const [at, name] of projects.entries()) {
    const record = records[at]
    t.match(record, {
      type: 'held',
      reasons: [{ code: 'faces-not-removed', where: expected[name], count: 3 }],
      how: /fiona-anon .*--release/,
    })
    t.same(filesUnder(outboxOf(site, name)), [], `${name}: nothing is in the outbox`)
    t.notOk(existsSync(join(outboxOf(site, name), '.incoming')), `${name}: no folder of work`)
  }
  t.notMatch(err, /cannot write|Traceback|Zwartkops|EX-0001/, 'what it says is in no log')
  const held = JSON.stringify(records)
  t.notMatch(held, /Zwartkops|EX-0001|SOMEBODY|SECRET_OF_OURS/)
  t.end()
})

t.test('killed in the middle it leaves nothing to be seen, and is made anew', { skip }, (t) => {
  const site = siteOf({ A: commandThat('kill') })
  const { records, code } = anon(site, ['A'])
  t.not(code, 0)
  t.same(records, [])
  const left = filesUnder(outboxOf(site, 'A'))
  t.not(left.length, 0, 'it was killed while it worked')
  t.ok(
    left.every((path) => path.includes('/.incoming/.')),
    'under hidden names',
  )
  writeFileSync(join(site.root, 'A.yaml'), commandThat('blank'))
  t.match(anon(site, ['A']).records[0], { type: 'deidentified', pixels: { defaced: 3 } })
  t.equal(filesUnder(outboxOf(site, 'A')).length, 4)
  t.notOk(existsSync(join(outboxOf(site, 'A'), '.incoming')))
  t.end()
})

const recognizable = ctImage({ elements: [el(0x00280302, 'CS', 'YES')] })

t.test('RecognizableVisualFeatures YES is held unless the project accepts it', async (t) => {
  const accepted = await deidentifyBy('deface: { accept: true }\n', [recognizable])
  t.match(accepted.record, { type: 'deidentified' })
  const [path = ''] = accepted.files
  t.equal(valueIn(DicomFile.open(path), 0x00280302), 'YES', 'and says so still')
  const held = await deidentifyBy('base: basic\n', [recognizable])
  t.same(reasonsOf(held.record), ['recognizable-visual-features'])
  const demanded = await deidentifyBy('deface: { required: true }\n', [recognizable])
  t.same(reasonsOf(demanded.record), ['faces-not-removed', 'recognizable-visual-features'])
})

t.test('what a head is', async (t) => {
  const demanded = await profileOf('deface: { required: true }\n')
  const chosen = await profileOf(
    'deface: { required: true, when: [{ seriesDescription: ^mprage }] }\n',
  )
  const reasonsBy = async (
    profile: typeof demanded,
    elements: readonly ReturnType<typeof el>[],
    types: readonly string[] = [],
  ) => {
    const series = [{ SeriesInstanceUID: '2.25.1001.1', instances: 1, ClassifyType: types }]
    const object = ctImage({ elements: [...elements] })
    const { record } = await deidentify([object], { profileOf: () => profile }, { series })
    return reasonsOf(record)
  }
  const not = ['faces-not-removed']
  const part = (name: string) => [el(0x00180015, 'CS', name)]
  t.same(await reasonsBy(demanded, part('BRAIN')), not)
  t.same(await reasonsBy(demanded, part('HEADNECK')), not)
  t.same(await reasonsBy(demanded, part('CHEST')), [])
  t.same(await reasonsBy(demanded, [], ['head']), not)
  t.same(await reasonsBy(demanded, [...part('HEAD'), el(0x00280302, 'CS', 'NO')]), [])
  t.same(await reasonsBy(chosen, part('HEAD')), [])
  t.same(await reasonsBy(chosen, [el(0x0008103e, 'LO', 'MPRAGE sag')]), not)
})

t.test('what contradicts itself in a profile is a mistake, with its place', async (t) => {
  const mistakes: Readonly<Record<string, RegExp>> = {
    'deface: {}': /:1:\d+: deface says nothing/,
    'deface: { accept: true, required: true }': /:1:11: faces are accepted, or they are removed/,
    'deface: { command: [tools/x] }': /:1:11: .*whole path/,
    'deface: { required: true, seconds: 5 }': /"seconds" is the time that a command has/,
    'deface: { command: [x], when: { bodypart: HEAD } }':
      /deface\.when has an unknown key "bodypart"/,
    'deface: { command: x }': /:1:20:/,
    'deface: { comand: [x] }': /:1:11: .*comand/,
  }
  for (const [text, message] of Object.entries(mistakes)) {
    await t.rejects(profileOf(`${text}\n`), { code: 'E_PROFILE', message }, text)
  }
})

t.test('--lint and fiona-ctl check see whether the command is there', (t) => {
  const site = siteOf({ A: 'deface: { command: [/nowhere/deface] }\n' })
  mkdirSync(join(site.root, 'b'))
  writeFileSync(join(site.root, 'b', 'B.yaml'), 'deface: { command: [sh, -c, "exit 1"] }\n')
  const say = (tool: string, ...args: readonly string[]) =>
    spawnSync(join(binDir, tool), args, {
      encoding: 'utf8',
      env: { ...process.env, FIONA_CONFIG: '' },
    }).stdout
  const warning = /A\.yaml:1:20: warning: "\/nowhere\/deface" is not there, or may not be executed/
  t.match(say('fiona-anon', '--lint', join(site.root, 'A.yaml')), warning)
  t.match(say('fiona-anon', '--lint', join(site.root, 'b', 'B.yaml')), /no mistakes, no warnings/)
  t.match(say('fiona-ctl', 'check', '--config', join(site.root, 'fiona.yaml')), warning)
  t.end()
})

t.test('last words are one printable line without paths', (t) => {
  t.equal(lastWords('one\nno space on /data/a b/c.dcm left\n\n'), 'no space on (path) left')
  t.equal(lastWords('\x1b[31mred\x07'), '?[31mred?')
  t.equal(lastWords(''), '')
  t.equal(lastWords('x'.repeat(500)).length, 120)
  t.end()
})
