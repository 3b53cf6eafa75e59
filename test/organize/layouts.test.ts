import {
  existsSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import {
  checkViews,
  chooseViews,
  noDrift,
  Organizer,
  rebuildViews,
  type Drift,
} from '../../src/lib/organize/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { el } from '../fixtures/dicom-writer.ts'
import { dataDirectory, store, tree, type StoredObject } from './organized.ts'

const { signal } = new AbortController()
const bidsLike =
  'bids-like/{PatientID}/{StudyDate}_{StudyTime}/{SeriesNumber}_{SeriesDescription}/{SOPInstanceUID}.dcm'
const byNumber = 'by-day/{StudyDate}/{PatientID}/{InstanceNumber}.dcm'

const views = (...layouts: string[]) => chooseViews({ layouts, layoutsOnly: undefined })

/** An object whose header says what is told of it; its record carries no attributes. */
function stored(
  dataDir: string,
  object: StoredObject = {},
  names: Readonly<Record<string, string>> = {},
): AnyRecord {
  const elements = [
    el(0x00080020, 'DA', '20240102'),
    el(0x00100020, 'LO', names['PatientID'] ?? 'P1'),
    el(0x00081010, 'SH', names['StationName'] ?? 'CT 7'),
    el(0x0008103e, 'LO', names['SeriesDescription'] ?? 'Axial'),
  ]
  return { ...store(dataDir, { ...object, image: { elements } }), attributes: undefined }
}

async function madeOf(organizer: Organizer, ...records: AnyRecord[]): Promise<string[][]> {
  const all: string[][] = []
  for (const record of records) {
    all.push(((await organizer.record(record)) as AnyRecord)['views'] as string[])
  }
  await organizer.end()
  return all
}

async function drifts(dataDir: string, ...layouts: string[]): Promise<string[]> {
  const found: Drift[] = []
  await checkViews({
    dataDir,
    views: views(...layouts),
    signal,
    found: async (drift) => void found.push(drift),
    failed: async (path) => {
      throw new Error(path)
    },
    counts: noDrift(),
  })
  return found.map(({ drift, view, path }) => `${drift} ${view} ${relative(dataDir, path)}`)
}

async function rebuild(dataDir: string, ...layouts: string[]): Promise<void> {
  const failed = async (_path: string, error: Error) => Promise.reject(error)
  const counts = { objects: 0, errors: 0, foreign: 0 }
  await rebuildViews({ dataDir, views: views(...layouts), signal, failed, counts })
}

t.test('a layout is made beside the standard views, or in their place', async (t) => {
  const dataDir = dataDirectory()
  const record = stored(dataDir)
  const organizer = new Organizer(dataDir, { views: views(bidsLike) })
  const [made = []] = await madeOf(organizer, record)
  const link = join(dataDir, 'default/bids-like/P1/20240102_030405/1_Axial/2.25.1.1.1.dcm')
  t.equal(made.length, 3)
  t.equal(made[2], link)
  t.match(readlinkSync(link), /^\.\.\/\.\.\/\.\.\/\.\.\/raw\//, 'relative, by way of raw')
  t.equal(realpathSync(link), realpathSync(String(record['path'])))
  const other = dataDirectory()
  const only = chooseViews({ layouts: [bidsLike], layoutsOnly: true })
  const [few = []] = await madeOf(new Organizer(other, { views: only }), stored(other))
  t.same(
    few.map((path) => relative(other, path).split('/')[1]),
    ['raw', 'bids-like'],
  )
  t.notOk(existsSync(join(other, 'default/participants')))
})

t.test('a field that no record has comes from the header; what a record says counts', async (t) => {
  const dataDir = dataDirectory()
  const layout = 'stations/{StationName}/{PatientID}/{callingAET}/{SOPInstanceUID}.dcm'
  const record = {
    ...stored(dataDir, {}, { StationName: 'CT/7' }),
    attributes: { PatientID: 'P9' },
    source: { callingAET: 'SCANNER' },
  }
  const [made = []] = await madeOf(new Organizer(dataDir, { views: views(layout) }), record)
  t.equal(relative(dataDir, made[2] ?? ''), 'default/stations/CT%2F7/P9/SCANNER/2.25.1.1.1.dcm')
})

t.test('a project has layouts of its own', async (t) => {
  const dataDir = dataDirectory()
  const configured = {
    organize: { layouts: [bidsLike], layoutsOnly: false },
    projects: {
      ABCD: { destinations: [], organize: { layouts: [byNumber], layoutsOnly: true } },
      OLD: { destinations: [], organize: { layouts: [] } },
    },
  }
  const chosen = chooseViews({ layouts: [], layoutsOnly: undefined }, configured)
  const organizer = new Organizer(dataDir, { views: chosen })
  const folders = async (project?: string) => {
    const object = project === undefined ? {} : { project }
    const [made = []] = await madeOf(organizer, stored(dataDir, object))
    return made.map((path) => relative(dataDir, path).split('/')[1])
  }
  t.same(await folders(), ['raw', 'participants', 'bids-like'])
  t.same(await folders('ABCD'), ['raw', 'by-day'])
  t.same(await folders('OLD'), ['raw', 'participants'])
})

t.test('a template that is none is refused, with what was meant', (t) => {
  t.throws(() => views('x/{PatientIDs}.dcm'), {
    code: 'E_USAGE',
    message:
      /"x\/\{PatientIDs\}\.dcm" has an unknown field "PatientIDs"; did you mean "PatientID"\?/,
  })
  t.end()
})

t.test('studies, series and objects of one name stay apart, also in a replay', async (t) => {
  const dataDir = dataDirectory()
  const records = [
    stored(dataDir, { study: '2.25.1', series: 1 }),
    stored(dataDir, { study: '2.25.1', series: 2 }),
    stored(dataDir, { study: '2.25.2', series: 1 }),
    // One instance number in two series of a study: byNumber has one directory for a study.
    stored(dataDir, { study: '2.25.2', series: 2 }),
  ]
  const made = await madeOf(
    new Organizer(dataDir, { views: views(bidsLike, byNumber) }),
    ...records,
  )
  t.same(
    made[0]?.slice(2).map((path) => relative(dataDir, path)),
    [
      'default/bids-like/P1/20240102_030405/1_Axial/2.25.1.1.1.dcm',
      'default/by-day/20240102/P1/1.dcm',
    ],
  )
  t.match(made[1]?.[2], /1_Axial~[0-9a-f]{8}\/2\.25\.1\.2\.1\.dcm$/)
  t.match(made[1]?.[3], /by-day\/20240102\/P1\/1~[0-9a-f]{8}\.dcm$/)
  t.match(made[2]?.[2], /P1\/20240102_030405~[0-9a-f]{8}\/1_Axial\//)
  t.match(made[2]?.[3], /by-day\/20240102\/P1~[0-9a-f]{8}\/1\.dcm$/)
  for (const [at, paths] of made.entries()) {
    for (const path of paths) {
      t.equal(
        realpathSync(path),
        realpathSync(String(records[at]?.['path'])),
        relative(dataDir, path),
      )
    }
  }
  const before = tree(dataDir)
  const backwards = records.toReversed()
  const again = await madeOf(
    new Organizer(dataDir, { views: views(bidsLike, byNumber) }),
    ...backwards,
  )
  t.same(again.toReversed(), made)
  await rebuild(dataDir, bidsLike, byNumber)
  t.same(tree(dataDir), before)
  t.same(await drifts(dataDir, bidsLike, byNumber), [])
})

t.test(
  'another object under one UID, and one UID in two studies, have links of their own',
  async (t) => {
    const dataDir = dataDirectory()
    const flat = 'flat/{PatientID}/{SOPInstanceUID}.dcm'
    const first = stored(dataDir)
    const digest = '~0123456789abcdef'
    const twin = stored(dataDir, {
      path: String(first['path']).replace(/\.dcm$/, `${digest}.dcm`),
    })
    const made = await madeOf(new Organizer(dataDir, { views: views(flat, byNumber) }), first, twin)
    t.same(
      made.map(([, , ...paths]) => paths.map((path) => path.split('/').at(-1))),
      [
        ['2.25.1.1.1.dcm', '1.dcm'],
        [`2.25.1.1.1${digest}.dcm`, `1${digest}.dcm`],
      ],
    )
    t.same(await drifts(dataDir, flat, byNumber), [])
  },
)

t.test('a study record tells the directory of its study, where a layout has one', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir, {
    views: views(bidsLike, byNumber, 'flat/{PatientID}/{SOPInstanceUID}.dcm'),
  })
  await organizer.record(store(dataDir))
  const study = (await organizer.record({
    type: 'study',
    StudyInstanceUID: '2.25.1',
    path: null,
    revision: 1,
    instances: 1,
    bytes: 1,
    reason: 'quiet',
    series: [{ SeriesInstanceUID: '2.25.1.1', instances: 1, bytes: 1 }],
    attributes: { PatientID: 'P1', StudyDate: '20240102', StudyTime: '030405' },
  })) as AnyRecord
  t.same(
    (study['views'] as string[]).map((path) => relative(join(dataDir, 'default'), path)),
    [
      'raw/2.25.1',
      'participants/P1/20240102_030405',
      'bids-like/P1/20240102_030405',
      'by-day/20240102/P1',
    ],
  )
})

t.test('a check tells what is wrong in a layout, and a rebuild mends it', async (t) => {
  const dataDir = dataDirectory()
  const records = [1, 2, 3, 4].map((object) => stored(dataDir, { object }))
  const organizer = new Organizer(dataDir, { views: views(byNumber) })
  const made = await madeOf(organizer, ...records)
  const [one = '', two = '', three = '', four = ''] = made.map((paths) => paths[2] ?? '')
  t.same(await drifts(dataDir, byNumber), [])
  t.same(await drifts(dataDir), [], 'who is not told of a layout does not look at it')
  unlinkSync(one)
  unlinkSync(two)
  symlinkSync('/etc/hostname', two)
  unlinkSync(three)
  writeFileSync(three, 'somebody was here')
  renameSync(four, join(dirname(four), 'other.dcm'))
  writeFileSync(join(dataDir, 'default/by-day/notes.txt'), '')
  const directory = 'by-day default/by-day/20240102/P1'
  t.same(
    (await drifts(dataDir, byNumber)).sort(),
    [
      `missing ${directory}/1.dcm`,
      `wrong ${directory}/2.dcm`,
      `blocked ${directory}/3.dcm`,
      `missing ${directory}/4.dcm`,
      `surplus ${directory}/other.dcm`,
      'surplus by-day default/by-day/notes.txt',
    ].sort(),
    'each thing once',
  )
  rmSync(three)
  await rebuild(dataDir, byNumber)
  t.same(
    new Set(await drifts(dataDir, byNumber)),
    new Set([`surplus ${directory}/other.dcm`, 'surplus by-day default/by-day/notes.txt']),
  )
})

t.test('no link that somebody planted in a layout is followed', async (t) => {
  const [dataDir, outside] = [dataDirectory(), dataDirectory()]
  const day = join(dataDir, 'default/by-day/20240102')
  mkdirSync(dirname(day), { recursive: true })
  symlinkSync(outside, day)
  const organizer = new Organizer(dataDir, { views: views(byNumber) })
  t.throws(() => organizer.record(stored(dataDir)), { code: 'E_VIEW_BLOCKED' })
  t.same(tree(outside), [])
})
