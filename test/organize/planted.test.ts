import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import { Organizer } from '../../src/lib/organize/index.ts'
import { classifiedSeries, dataDirectory, json, store, viewsOf } from './organized.ts'

const places = [
  'default/raw',
  'default/raw/2.25.1',
  'default/raw/2.25.1/2.25.1.1',
  'default/participants',
  'default/participants/P1',
  'default/participants/P1/20240102_030405',
  'default/participants/P1/20240102_030405/1_Axial',
]

t.test('a link planted in the place of a directory is not followed', async (t) => {
  for (const place of places) {
    const [dataDir, elsewhere] = [dataDirectory(), dataDirectory()]
    const record = store(dataDir)
    mkdirSync(dirname(join(dataDir, place)), { recursive: true })
    symlinkSync(elsewhere, join(dataDir, place))
    t.throws(() => new Organizer(dataDir).record(record), { code: 'E_VIEW_BLOCKED' }, place)
    t.same(readdirSync(elsewhere), [], place)
  }
})

t.test('neither is one that leads nowhere yet, or a file taken for a directory', async (t) => {
  for (const place of places) {
    const [dataDir, elsewhere] = [dataDirectory(), dataDirectory()]
    const record = store(dataDir)
    mkdirSync(dirname(join(dataDir, place)), { recursive: true })
    symlinkSync(join(elsewhere, 'new'), join(dataDir, place))
    t.throws(() => new Organizer(dataDir).record(record), { code: 'E_VIEW_BLOCKED' }, place)
    t.notOk(existsSync(join(elsewhere, 'new')), place)
  }
})

t.test('what a study record says is not written through a link', async (t) => {
  const [dataDir, elsewhere] = [dataDirectory(), dataDirectory()]
  mkdirSync(join(elsewhere, '2.25.1.1'))
  const before = '{"SeriesInstanceUID":"2.25.1.1","NumFiles":"9"}'
  writeFileSync(join(elsewhere, '2.25.1.1.json'), before)
  mkdirSync(join(dataDir, 'default/raw'), { recursive: true })
  symlinkSync(elsewhere, join(dataDir, 'default/raw/2.25.1'))
  await t.rejects(Promise.resolve(new Organizer(dataDir).record(classifiedSeries)), {
    code: 'E_VIEW_BLOCKED',
  })
  t.equal(readFileSync(join(elsewhere, '2.25.1.1.json'), 'utf8'), before)
})

t.test(
  'a link in the place of a series JSON is replaced, its file neither read nor changed',
  async (t) => {
    const [dataDir, elsewhere] = [dataDirectory(), dataDirectory()]
    const secret = join(elsewhere, 'secret.json')
    writeFileSync(secret, '{"SeriesInstanceUID":"2.25.1.1","secret":"yes"}')
    const record = store(dataDir)
    mkdirSync(join(dataDir, 'default/raw/2.25.1'), { recursive: true })
    const path = join(dataDir, 'default/raw/2.25.1/2.25.1.1.json')
    symlinkSync(secret, path)
    const organizer = new Organizer(dataDir)
    await organizer.record(record)
    await organizer.mark()
    t.match(json(path), { NumFiles: '1', Modality: ['CT'] })
    t.notOk('secret' in json(path))
    t.match(readFileSync(secret, 'utf8'), /secret/)
  },
)

t.test('a link of somebody else takes no directory over', async (t) => {
  const dataDir = dataDirectory()
  const directory = join(dataDir, 'default/participants/P1/20240102_030405/1_Axial')
  mkdirSync(directory, { recursive: true })
  symlinkSync('/etc/alternatives/2.25.9', join(directory, 'a'))
  const [, view = ''] = await viewsOf(new Organizer(dataDir), store(dataDir))
  t.equal(dirname(view), directory)
})

t.test('structured reports, and they alone, have a link by their maker', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  const cases: [Record<string, string>, string][] = [
    [{ Manufacturer: 'Maker A/B' }, 'Maker A%2FB'],
    [{}, '_'],
    [{ Manufacturer: '../..' }, '%2E.%2F.%2E'],
  ]
  for (const [at, [attributes, folder]] of cases.entries()) {
    const record = store(dataDir, { object: at, attributes: { Modality: 'SR', ...attributes } })
    const [raw = '', , report = ''] = await viewsOf(organizer, record)
    const name = `2.25.1.1.${String(at)}.dcm`
    t.equal(relative(dataDir, report), `default/srs/${folder}/2.25.1/${name}`)
    t.same(readFileSync(report), readFileSync(raw))
  }
  t.equal((await viewsOf(organizer, store(dataDir, { object: 9 }))).length, 2)
})
