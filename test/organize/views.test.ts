import {
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { Organizer } from '../../src/lib/organize/index.ts'
import { dataDirectory, isLink, store, tree, viewsOf } from './organized.ts'

t.test(
  'an object gets a link by UID and one by patient, both relative, both to the file',
  async (t) => {
    const dataDir = dataDirectory()
    const record = store(dataDir)
    const views = await viewsOf(new Organizer(dataDir), record)
    t.same(
      views.map((view) => relative(dataDir, view)),
      [
        'default/raw/2.25.1/2.25.1.1/2.25.1.1.1.dcm',
        'default/participants/P1/20240102_030405/1_Axial/2.25.1.1.1.dcm',
      ],
    )
    for (const view of views) {
      t.ok(isLink(view))
      t.match(readlinkSync(view), /^\.\.\//)
      t.equal(realpathSync(view), realpathSync(String(record['path'])))
    }
  },
)

t.test('the data directory can be moved as a whole', async (t) => {
  const dataDir = dataDirectory()
  const record = store(dataDir)
  const views = await viewsOf(new Organizer(dataDir), record)
  const bytes = readFileSync(String(record['path']))
  renameSync(dataDir, `${dataDir}-moved`)
  for (const view of views) {
    t.same(readFileSync(join(`${dataDir}-moved`, relative(dataDir, view))), bytes)
  }
})

t.test('a project has a tree of its own', async (t) => {
  const dataDir = dataDirectory()
  const [raw] = await viewsOf(new Organizer(dataDir), store(dataDir, { project: 'ABCD' }))
  t.equal(relative(dataDir, raw ?? ''), 'ABCD/raw/2.25.1/2.25.1.1/2.25.1.1.1.dcm')
})

t.test(
  'an object that lies elsewhere is linked absolutely, until the archive has it',
  async (t) => {
    const [dataDir, usb] = [dataDirectory(), dataDirectory()]
    const organizer = new Organizer(dataDir)
    const [raw = ''] = await viewsOf(organizer, store(dataDir, { path: join(usb, 'IM1') }))
    t.equal(readlinkSync(raw), join(usb, 'IM1'))
    const archived = store(dataDir)
    await viewsOf(organizer, archived)
    t.equal(realpathSync(raw), realpathSync(String(archived['path'])))
    await viewsOf(organizer, store(dataDir, { path: join(usb, 'IM2') }))
    t.equal(realpathSync(raw), realpathSync(String(archived['path'])), 'and there it stays')
  },
)

t.test('a link whose file has gone leads to the next one', async (t) => {
  const [dataDir, usb] = [dataDirectory(), dataDirectory()]
  const organizer = new Organizer(dataDir)
  const first = store(dataDir, { path: join(usb, 'IM1') })
  await organizer.record(first)
  rmSync(String(first['path']))
  const [raw = ''] = await viewsOf(organizer, store(dataDir, { path: join(usb, 'IM2') }))
  t.equal(readlinkSync(raw), join(usb, 'IM2'))
})

t.test(
  'names with a slash, of other scripts, empty, hidden or long stay one readable name',
  async (t) => {
    const cases: [attributes: Record<string, string>, expected: RegExp][] = [
      [{ SeriesDescription: 'T1/T2 mix' }, /^P1\/20240102_030405\/1_T1%2FT2 mix\//],
      [
        { PatientID: '山田^太郎', SeriesDescription: '頭部 CT' },
        /^山田\^太郎\/20240102_030405\/1_頭部 CT\//,
      ],
      [{ PatientID: '김희중' }, /^김희중\//],
      [{ PatientID: '' }, /^unknown\//],
      [{ StudyDate: '', StudyTime: '' }, /^P1\/unknown_unknown\//],
      // Dates that no calendar has are names like all others: nothing is computed from them.
      [{ StudyDate: '00000000', StudyTime: '250099' }, /^P1\/00000000_250099\//],
      [
        { StudyDate: '20241399', StudyTime: '24:61:61.9999999' },
        /^P1\/20241399_24%3A61%3A61\.9+\//,
      ],
      [{ StudyDate: '2024-13-99', StudyTime: '-1' }, /^P1\/2024-13-99_-1\//],
      [{ StudyDate: '1e400', StudyTime: '../../x' }, /^P1\/1e400_\.\.%2F\.\.%2Fx\//],
      [{ StudyDate: '20240101-20241231', StudyTime: ' ' }, /^P1\/20240101-20241231_unknown\//],
      [{ SeriesNumber: '', SeriesDescription: '' }, /\/unknown_missing\//],
      [{ PatientID: '..' }, /^%2E%2E\//],
      [{ PatientID: '../../../ESCAPE' }, /^%2E\.%2F\.\.%2F\.\.%2FESCAPE\//],
      [{ PatientID: '/etc/passwd' }, /^%2Fetc%2Fpasswd\//],
      [{ PatientID: '.hidden' }, /^%2Ehidden\//],
      [{ PatientID: '-rf' }, /^%2Drf\//],
      [{ PatientID: 'NUL.1' }, /^%4EUL\.1\//],
      [{ PatientID: 'P~1' }, /^P%7E1\//],
      [{ SeriesDescription: 'a\nb\u0000c\u001b[2J' }, /\/1_a%0Ab%00c%1B%5B2J\//],
      [{ SeriesDescription: 'x'.repeat(64_000) }, /\/1_x{187}~[0-9a-f]{32}\//],
    ]
    for (const [attributes, expected] of cases) {
      const dataDir = dataDirectory()
      const [, view = ''] = await viewsOf(new Organizer(dataDir), store(dataDir, { attributes }))
      t.match(relative(join(dataDir, 'default/participants'), view), expected)
      t.ok(readFileSync(view).length > 0)
    }
  },
)

t.test('whatever the values are, everything made lies in the tree, four levels deep', async (t) => {
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('..', '/', '.', '~', '%2F'),
  )
  const attributes = fc.record({
    PatientID: value,
    StudyDate: value,
    StudyTime: value,
    SeriesNumber: value,
    SeriesDescription: value,
  })
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  const path = String(store(dataDir)['path'])
  const law = fc.asyncProperty(attributes, value, async (attributes, project) => {
    const record = store(dataDir, { attributes, path }, { project })
    for (const view of await viewsOf(organizer, record)) {
      const names = relative(dataDir, view).split('/')
      if (names.length !== (names[1] === 'raw' ? 5 : 6) || names.includes('..')) return false
      if (realpathSync(view) !== realpathSync(path)) return false
    }
    return true
  })
  await t.resolves(fc.assert(law, { numRuns: 200 }))
})

t.test('hostile UIDs are refused and nothing is made', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  for (const field of ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID']) {
    const record = store(dataDir, {}, { [field]: '../../1' })
    t.throws(() => organizer.record(record), { code: 'E_RECORD_INVALID' }, field)
  }
  t.ok(tree(dataDir).every((name) => name.startsWith('default/archive/')))
})

t.test('two series of one number and description keep apart, also after a restart', async (t) => {
  const dataDir = dataDirectory()
  const views: string[] = []
  for (const series of [1, 2, 1, 2]) {
    const object = views.length + 1
    const [, view = ''] = await viewsOf(new Organizer(dataDir), store(dataDir, { series, object }))
    views.push(basename(dirname(view)))
  }
  const [first, second] = views
  t.equal(first, '1_Axial')
  t.match(second, /^1_Axial~[0-9a-f]{8}$/)
  t.same(views, [first, second, first, second])
})

t.test('two studies of one patient at one time keep apart', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  const names: string[] = []
  for (const study of ['2.25.1', '2.25.2', '2.25.1']) {
    for (const series of [1, 2]) {
      const attributes = { SeriesNumber: String(series) }
      const [, view = ''] = await viewsOf(organizer, store(dataDir, { study, series, attributes }))
      names.push(relative(join(dataDir, 'default/participants/P1'), dirname(view)))
    }
  }
  t.match(names, [
    '20240102_030405/1_Axial',
    '20240102_030405/2_Axial',
    /^20240102_030405~[0-9a-f]{8}\/1_Axial$/,
    /^20240102_030405~[0-9a-f]{8}\/2_Axial$/,
    '20240102_030405/1_Axial',
    '20240102_030405/2_Axial',
  ])
})

t.test('a name made to look like that of a collision takes nothing over', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  await organizer.record(store(dataDir, { series: 1 }))
  const [, theirs = ''] = await viewsOf(organizer, store(dataDir, { series: 2 }))
  const SeriesDescription = basename(dirname(theirs)).slice(2)
  const attributes = { SeriesDescription }
  const [, mine = ''] = await viewsOf(organizer, store(dataDir, { series: 3, attributes }))
  t.not(dirname(mine), dirname(theirs))
  t.equal(basename(dirname(mine)), `1_${SeriesDescription.replace('~', '%7E')}`)
})

t.test('objects of two patients in one study are linked each under its own', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  await organizer.record(store(dataDir, { object: 1 }))
  await organizer.record(store(dataDir, { object: 2, attributes: { PatientID: 'P2' } }))
  t.same(tree(join(dataDir, 'default/participants')).sort(), [
    'P1/20240102_030405/1_Axial/2.25.1.1.1.dcm',
    'P2/20240102_030405/1_Axial/2.25.1.1.2.dcm',
  ])
})

t.test('a record without attributes: they are read from the object', async (t) => {
  const dataDir = dataDirectory()
  const record = store(dataDir, {}, { attributes: undefined })
  const [, view = ''] = await viewsOf(new Organizer(dataDir), record)
  t.match(view, /\/EX-0001\/20240102_030405\/1_Axial 5 mm\//)
})

t.test('an object that is missing or no DICOM leaves nothing behind', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  const record = store(dataDir)
  writeFileSync(String(record['path']), 'plain text')
  t.throws(() => organizer.record(record), {
    code: 'E_DICOM_PARSE',
    message: String(record['path']),
  })
  rmSync(String(record['path']))
  t.throws(() => organizer.record(record), { code: 'E_FILE_MISSING' })
  t.same(tree(dataDir), [])
})

t.test('once more changes nothing', async (t) => {
  const dataDir = dataDirectory()
  const records = [1, 2].map((object) => store(dataDir, { object }))
  const look = () => tree(dataDir).sort()
  const views: string[][] = []
  for (const round of [1, 2]) {
    const organizer = new Organizer(dataDir)
    for (const record of records) views.push(await viewsOf(organizer, record))
    await organizer.mark()
    if (round === 1) views.push(look())
  }
  views.push(look())
  t.same(views.slice(0, 3), views.slice(3))
})

t.test('a study gets its directories as views', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  const { attributes } = store(dataDir)
  await organizer.record(store(dataDir))
  const study = {
    type: 'study',
    StudyInstanceUID: '2.25.1',
    path: join(dataDir, 'default/archive/2.25.1'),
    series: [{ SeriesInstanceUID: '2.25.1.1', instances: 1 }],
    instances: 1,
    bytes: 1,
    reason: 'quiet',
    revision: 1,
    attributes,
  }
  t.same(await viewsOf(organizer, study), [
    join(dataDir, 'default/raw/2.25.1'),
    join(dataDir, 'default/participants/P1/20240102_030405'),
  ])
  const unknown = { ...study, StudyInstanceUID: '2.25.77' }
  t.same(await viewsOf(organizer, unknown), [], 'one that has none gets none')
})

t.test('a file in the way of a link stays, and is named', async (t) => {
  const dataDir = dataDirectory()
  const directory = join(dataDir, 'default/raw/2.25.1/2.25.1.1')
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, '2.25.1.1.1.dcm'), 'mine')
  const record = store(dataDir)
  t.throws(() => new Organizer(dataDir).record(record), { code: 'E_VIEW_BLOCKED' })
  t.equal(readFileSync(join(directory, '2.25.1.1.1.dcm'), 'utf8'), 'mine')
})
