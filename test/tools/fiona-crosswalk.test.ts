import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Crosswalk } from '../../src/lib/crosswalk/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { archived, bytesOf, filesUnder, newSite, type Site } from '../deidentify/deidentified.ts'
import { ctImage } from '../fixtures/dicom-writer.ts'
import { binDir } from '../fixtures/peers.ts'

type Machine = Site & { readonly args: readonly string[]; readonly crosswalk: string }

/** A place with the key that all of them have. */
function machine(): Machine {
  const site = newSite()
  const keyFile = join(site.root, 'key')
  writeFileSync(keyFile, Buffer.from('a key of no hospital, thirty-two bytes'), { mode: 0o600 })
  return {
    ...site,
    args: ['--key-file', keyFile, '--data-dir', site.dataDir],
    crosswalk: join(site.dataDir, 'crosswalk.ndjson'),
  }
}

function run(name: string, args: readonly string[], input = '') {
  const done = spawnSync(join(binDir, name), args, {
    input,
    encoding: 'utf8',
    env: { ...process.env, FIONA_CONFIG: '', FIONA_STAGE: '', SUDO_USER: 'anna' },
  })
  const lines = done.stdout.split('\n').filter((line) => line.startsWith('{'))
  return {
    code: done.status,
    out: done.stdout,
    err: done.stderr,
    records: lines.map((line) => JSON.parse(line) as AnyRecord),
  }
}

function deidentifyAt({ args, out }: Machine, study: AnyRecord) {
  return run('fiona-anon', [...args, '--out', out], `${JSON.stringify(study)}\n`)
}

t.test('key and crosswalk are all it takes to go on elsewhere', (t) => {
  const [one, other] = [machine(), machine()]
  deidentifyAt(one, archived(one, [ctImage()]))
  mkdirSync(other.dataDir, { recursive: true })
  copyFileSync(one.crosswalk, other.crosswalk)
  chmodSync(other.crosswalk, 0o600)
  const { records } = deidentifyAt(other, archived(other, [ctImage()]))
  t.same(bytesOf(filesUnder(other.out)), bytesOf(filesUnder(one.out)), 'the same bytes')
  t.same(readFileSync(other.crosswalk), readFileSync(one.crosswalk), 'and no other link')
  const newStudy = String(records[0]?.['StudyInstanceUID'])
  const found = run('fiona-crosswalk', [
    'find',
    ...other.args,
    '--new-study',
    newStudy,
    '--reason',
    'moved',
  ])
  t.match(found.records, [
    { kind: 'participant', PatientID: 'EX-0001' },
    { kind: 'study', StudyInstanceUID: '2.25.1001', newStudyInstanceUID: newStudy },
  ])
  t.end()
})

t.test('a look-up is in the trail before it is answered: who, why, and not whom', (t) => {
  const site = machine()
  deidentifyAt(site, archived(site, [ctImage()]))
  const find = (...more: string[]) => run('fiona-crosswalk', ['find', ...site.args, ...more])
  t.equal(find('--patient', 'EX-0001').code, 64, 'no answer without a reason')
  t.equal(find('--reason', 'x').code, 64)
  const found = find('--patient', ' EX-0001 ', '--reason', 'incidental\u001b[2J finding')
  t.match(found.records, [{ PatientID: 'EX-0001' }, { StudyInstanceUID: '2.25.1001' }])
  t.equal(find('--patient', 'EX-9999', '--reason', 'x').code, 65)
  const piped = run(
    'fiona-crosswalk',
    ['find', ...site.args, '--study=-', '--reason', 'x'],
    '2.25.1001\n',
  )
  t.equal(piped.records.length, 2)
  const trail = readFileSync(`${site.crosswalk}.audit`, 'utf8')
  t.notMatch(trail, /EX-0001|2\.25\.1001/)
  t.equal(statSync(`${site.crosswalk}.audit`).mode & 0o777, 0o600)
  const audit = run('fiona-crosswalk', ['audit', ...site.args, '--patient', 'EX-0001'])
  t.match(audit.records, [
    { action: 'find', hits: 2, sudo: 'anna', user: /./, host: /./, reason: /incidental/ },
  ])
  t.notMatch(audit.out, '\u001b')
  t.equal(run('fiona-crosswalk', ['audit', ...site.args]).records.length, 3)

  // No trail, no answer.
  chmodSync(`${site.crosswalk}.audit`, 0o644)
  const refused = find('--patient', 'EX-0001', '--reason', 'x')
  t.equal(refused.code, 77)
  t.equal(refused.out, '')
  t.end()
})

t.test('a trail with something removed, changed or put in is noticed', (t) => {
  const site = machine()
  deidentifyAt(site, archived(site, [ctImage()]))
  for (const reason of ['one', 'two', 'three']) {
    run('fiona-crosswalk', ['list', ...site.args, '--project', 'default', '--reason', reason])
  }
  const path = `${site.crosswalk}.audit`
  const lines = readFileSync(path, 'utf8').split('\n')
  const [one = '', two = '', three = ''] = lines
  const verified = () => run('fiona-crosswalk', ['verify', ...site.args])
  t.equal(verified().code, 0, verified().out)
  const damages: Readonly<Record<string, readonly string[]>> = {
    'the first removed': [two, three],
    'one in the middle removed': [one, three],
    'the last removed': [one, two],
    'a reason changed': [one, two.replace('two', 'too'), three],
    'two changed places': [two, one, three],
    'all removed': [],
  }
  for (const [what, changed] of Object.entries(damages)) {
    writeFileSync(path, changed.map((line) => `${line}\n`).join(''))
    const { code, out } = verified()
    t.equal(code, 65, what)
    t.match(out, /^wrong: audit trail: /m, what)
  }
  writeFileSync(path, lines.join('\n') + '{"half of a')
  t.equal(verified().code, 0, 'a line that a crash cut off is none')
  run('fiona-crosswalk', ['list', ...site.args, '--project', 'default', '--reason', 'after it'])
  t.equal(verified().code, 0)
  t.equal(run('fiona-crosswalk', ['audit', ...site.args]).records.length, 4)
  t.end()
})

t.test('what others may read is not opened, and another key opens nothing', (t) => {
  const site = machine()
  deidentifyAt(site, archived(site, [ctImage()]))
  chmodSync(site.crosswalk, 0o640)
  const open = run('fiona-crosswalk', ['verify', ...site.args])
  t.equal(open.code, 77)
  t.match(open.err, /^error: others may read.*\nhint: chmod 600/)
  chmodSync(site.crosswalk, 0o600)
  const otherKey = join(site.root, 'other')
  const made = run('fiona-crosswalk', ['key', 'create', otherKey])
  t.equal(made.code, 0)
  const withOther = ['--key-file', otherKey, '--data-dir', site.dataDir]
  t.equal(run('fiona-crosswalk', ['verify', ...withOther]).code, 65)
  const refused = deidentifyAt({ ...site, args: withOther }, archived(site, [ctImage()]))
  t.equal(refused.code, 78)
  t.match(refused.err, /sealed with another key.*\nhint: .*fiona-crosswalk/)

  // A rotation: the old key is given once, and is needed no more for the crosswalk.
  const [, oldKey = ''] = site.args
  const rotated = run('fiona-crosswalk', ['reseal', ...withOther, '--old-key-file', oldKey])
  t.equal(rotated.code, 0, rotated.err)
  t.equal(run('fiona-crosswalk', ['verify', ...withOther]).code, 0)
  t.end()
})

/** A study of one image; several of one patient. */
function studyAt(site: Site, studyUID: string): AnyRecord {
  const path = join(site.dataDir, 'default', 'archive', studyUID)
  mkdirSync(join(path, `${studyUID}.1`), { recursive: true })
  const image = ctImage({ studyUID, seriesUID: `${studyUID}.1`, sopUID: `${studyUID}.2` })
  writeFileSync(join(path, `${studyUID}.1`, `${studyUID}.2.dcm`), image)
  const series = [{ SeriesInstanceUID: `${studyUID}.1`, instances: 1 }]
  const counts = { instances: 1, bytes: image.length, reason: 'flush', revision: 1 }
  return { type: 'study', StudyInstanceUID: studyUID, path, series, ...counts }
}

t.test('a rotation of the key: nothing that is known comes out as something else', (t) => {
  const site = machine()
  const [, oldKey = ''] = site.args
  const newKey = join(site.root, 'new key')
  const configuration = (keyFile: string, ofProject?: string) => {
    const deidentify = ofProject === undefined ? {} : { keyFile: ofProject }
    const projects = { default: { deidentify } }
    const text = JSON.stringify({ dataDir: site.dataDir, deidentification: { keyFile }, projects })
    writeFileSync(join(site.root, 'fiona.yaml'), text)
  }
  const shifting = join(site.root, 'shifting.yaml')
  writeFileSync(shifting, 'options: [retainLongitudinalModifiedDates]\n')
  const anon = (study: AnyRecord, ...more: string[]) => {
    const args = ['--config', join(site.root, 'fiona.yaml'), '--out', site.out, ...more]
    return run('fiona-anon', args, `${JSON.stringify(study)}\n`).records[0]
  }
  const [first, second] = [studyAt(site, '2.25.1001'), studyAt(site, '2.25.1002')]
  configuration(oldKey)
  const before = anon(first, '--profile', shifting)
  t.equal(before?.type, 'deidentified')
  const delivered = bytesOf(filesUnder(site.out))

  t.equal(run('fiona-crosswalk', ['key', 'create', newKey]).code, 0)
  const keys = ['--key-file', newKey, '--data-dir', site.dataDir]
  t.equal(run('fiona-crosswalk', ['reseal', ...keys, '--old-key-file', oldKey]).code, 0)
  configuration(newKey)
  const again = anon(first, '--profile', shifting)
  t.match(again, { type: 'held', reasons: [{ code: 'study-has-other-uid' }] })
  t.equal(again?.['participant'], before?.['participant'], 'who was somebody stays that')
  const next = anon(second, '--profile', shifting)
  t.match(next, { type: 'held', reasons: [{ code: 'dates-have-other-shift' }] })
  t.same(bytesOf(filesUnder(site.out)), delivered, 'nothing was added, nothing changed')

  // The project goes on with its key: the same bytes, and intervals that are right.
  configuration(newKey, oldKey)
  const known = anon(first, '--profile', shifting)
  t.match(known, { type: 'deidentified', StudyInstanceUID: before?.['StudyInstanceUID'] })
  t.same(bytesOf(filesUnder(site.out)), delivered)
  rmSync(site.out, { recursive: true })
  anon(first, '--profile', shifting)
  t.same(bytesOf(filesUnder(site.out)), delivered, 'made anew, too')

  // Without dates there are no intervals: a new study is the same participant's.
  configuration(newKey)
  const dateless = anon(second)
  t.match(dateless, { type: 'deidentified', participant: before?.['participant'] })
  // Somebody wants the study a second time.
  const release = ['--config', join(site.root, 'fiona.yaml'), '--out', site.out]
  const ids = [String(again?.['requestId']), '--profile', shifting]
  const released = run('fiona-anon', [...release, '--release', ...ids])
  t.match(released.records, [{ type: 'deidentified', waived: [{ code: 'study-has-other-uid' }] }])
  t.equal(anon(first, '--profile', shifting)?.type, 'deidentified', 'that was decided')
  t.end()
})

t.test('a hand-over: exported, imported, and contradictions stop it', async (t) => {
  const [one, other] = [machine(), machine()]
  deidentifyAt(one, archived(one, [ctImage()]))
  const file = join(one.root, 'links.ndjson')
  const exporting = (out: string, format: string) =>
    run('fiona-crosswalk', [
      'export',
      ...one.args,
      '--out',
      out,
      '--format',
      format,
      '--reason',
      'hand-over',
    ])
  t.equal(exporting(file, 'ndjson').code, 0)
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.equal(exporting(file, 'ndjson').code, 73, 'never over a file that is there')
  const importing = (...more: string[]) =>
    run('fiona-crosswalk', ['import', file, ...other.args, '--reason', 'hand-over', ...more])
  const first = importing()
  t.equal(first.code, 0, first.err)
  t.equal(importing().code, 0, 'twice is once')
  const listed = run('fiona-crosswalk', [
    'list',
    ...other.args,
    '--project',
    'default',
    '--reason',
    'x',
  ])
  t.equal(listed.records.length, 2)

  const [participant] = listed.records
  appendFileSync(file, `${JSON.stringify({ ...participant, PatientID: '=EX-0002' })}\n`)
  appendFileSync(file, `${JSON.stringify({ ...participant, participant: 'S-other' })}\n`)
  const refused = importing()
  t.equal(refused.code, 65)
  t.match(refused.err, /two patients are one participant.*a patient is two participants/)
  t.notMatch(refused.err, /EX-000/, 'told in research identities')
  t.equal(run('fiona-crosswalk', ['verify', ...other.args]).code, 0, 'nothing was taken over')
  t.equal(importing('--despite-conflicts').code, 65)
  const verified = run('fiona-crosswalk', ['verify', ...other.args])
  t.equal(verified.code, 65)
  t.match(verified.out, /^wrong: two patients are one participant/m)

  const crosswalk = await Crosswalk.open(one.crosswalk, [readFileSync(one.args[1] ?? '')])
  await crosswalk.note([
    { kind: 'participant', project: 'p', participant: 'S', PatientID: '=1+"x"' },
  ])
  await crosswalk.close()
  t.equal(exporting(join(one.root, 'links.csv'), 'csv').code, 0)
  t.match(readFileSync(join(one.root, 'links.csv'), 'utf8'), `p,S,"'=1+""x""",,,\r\n`)
})

t.test('a key is made, printed, lost, typed in again, and is the same', (t) => {
  const { root } = newSite()
  mkdirSync(root, { recursive: true })
  const key = join(root, 'key')
  const made = run('fiona-crosswalk', ['key', 'create', key])
  const [, fingerprint = ''] = /fingerprint (\S+)/.exec(made.out) ?? []
  t.equal(statSync(key).mode & 0o777, 0o600)
  t.equal(run('fiona-crosswalk', ['key', 'create', key]).code, 73)
  const printed = run('fiona-crosswalk', ['key', 'escrow', key])
  const copy = join(root, 'copy')
  const restored = run('fiona-crosswalk', ['key', 'restore', copy], printed.out)
  t.equal(restored.code, 0, restored.err)
  t.ok(readFileSync(copy).equals(readFileSync(key)))
  t.equal(run('fiona-crosswalk', ['key', 'fingerprint', copy]).out, `${fingerprint}\n`)
  const wrong = run(
    'fiona-crosswalk',
    ['key', 'restore', join(root, 'wrong')],
    printed.out.replace(/^ 2/m, ' 3'),
  )
  t.equal(wrong.code, 65)
  t.match(wrong.err, /^error: line 2 of the key/)
  t.notOk(existsSync(join(root, 'wrong')))
  writeFileSync(join(root, 'weak'), Buffer.alloc(40), { mode: 0o600 })
  t.match(
    run('fiona-crosswalk', ['key', 'fingerprint', join(root, 'weak')]).err,
    /could be guessed/,
  )
  chmodSync(key, 0o644)
  t.equal(run('fiona-crosswalk', ['key', 'escrow', key]).code, 77)
  t.equal(run('fiona-crosswalk', ['key', 'burn', key]).code, 64)
  t.end()
})
