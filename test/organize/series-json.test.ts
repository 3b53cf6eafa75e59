import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Organizer } from '../../src/lib/organize/index.ts'
import { csa } from '../fixtures/csa-writer.ts'
import { el } from '../fixtures/dicom-writer.ts'
import { classifiedSeries, dataDirectory, json, store } from './organized.ts'

const jsonPath = (dataDir: string) => join(dataDir, 'default/raw/2.25.1/2.25.1.1.json')

t.test('it has the fields of the original, in its forms', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  const elements = [
    el(0x00180024, 'SH', 'tfl3d1'),
    el(0x00180081, 'DS', '2.98'),
    el(0x00181310, 'US', [0, 256, 256, 0]),
    el(0x00181020, 'LO', 'VE11C release:27'),
    el(0x00201041, 'DS', '-12.5'),
    el(0x00510010, 'LO', 'SIEMENS MR HEADER'),
    el(0x0051100a, 'LO', 'TA 05:11'),
    el(0x0051100f, 'UN', Buffer.from('HEA;HEP ')),
  ]
  const source = { callingAET: 'MR1', calledAET: 'FIONA', address: '10.0.0.1' }
  const record = store(dataDir, { image: { elements } }, { source, ClassifyType: ['T1', 'brain'] })
  await organizer.record(record)
  await organizer.mark()
  t.match(json(jsonPath(dataDir)), {
    IncomingConnection: { AETitleCaller: 'MR1', AETitleCalled: 'FIONA', CallerIP: '10.0.0.1' },
    Modality: ['CT'],
    Manufacturer: 'Example Maker',
    AcquisitionMatrix: '[0, 256, 256, 0]',
    AcquisitionLength: 'TA 05:11',
    ActiveCoils: 'HEA;HEP',
    StudyInstanceUID: '2.25.1',
    SeriesInstanceUID: '2.25.1.1',
    SOPClassUID: '1.2.840.10008.5.1.4.1.1.2',
    StudyDate: '20240102',
    PatientID: 'EX-0001',
    PatientName: 'Example^Patient',
    StudyDescription: 'CT Chest',
    SeriesDescription: 'Axial 5 mm',
    SeriesNumber: '1',
    InstanceNumber: '1',
    SequenceName: 'tfl3d1',
    EchoTime: '2.98',
    SliceThickness: '5',
    SliceLocation: '-12.5',
    ImageType: "['ORIGINAL', 'PRIMARY', 'AXIAL']",
    OSLevel: '27',
    NumFiles: '1',
    ClassifyType: ['T1', 'brain'],
  })
  t.notOk('ScanOptions' in json(jsonPath(dataDir)), 'what the object lacks is absent')
})

t.test('the first object decides, but for what runs', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  const image = (slice: string, more: ReturnType<typeof el>[] = []) => ({
    elements: [el(0x00201041, 'DS', slice), ...more],
  })
  await organizer.record(store(dataDir, { object: 1, image: image('5') }, { ClassifyType: ['a'] }))
  await organizer.record(
    store(
      dataDir,
      {
        object: 2,
        image: image('-10', [el(0x0008103e, 'LO', 'other')]),
        attributes: { Modality: 'PR' },
      },
      { ClassifyType: ['b', 'a'] },
    ),
  )
  await organizer.record(store(dataDir, { object: 3, image: image('7') }))
  await organizer.mark()
  t.match(json(jsonPath(dataDir)), {
    SeriesDescription: 'Axial 5 mm',
    InstanceNumber: '1',
    SliceLocation: '-10',
    Modality: ['CT', 'PR'],
    ClassifyType: ['a', 'b'],
    NumFiles: '3',
  })
})

t.test('what is missing in the description is called missing', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  await organizer.record(store(dataDir, { image: { without: [0x00081030] } }))
  await organizer.mark()
  t.equal(json(jsonPath(dataDir))['StudyDescription'], 'missing')
})

t.test('it is not written for every object, but before a mark passes and at the end', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  await organizer.record(store(dataDir, { object: 1 }))
  t.notOk(existsSync(jsonPath(dataDir)))
  await organizer.mark()
  const { ino } = statSync(jsonPath(dataDir))
  await organizer.record(store(dataDir, { object: 2 }))
  t.equal(statSync(jsonPath(dataDir)).ino, ino)
  await organizer.end()
  t.equal(json(jsonPath(dataDir))['NumFiles'], '2')
  const last = statSync(jsonPath(dataDir)).ino
  await organizer.mark()
  t.equal(statSync(jsonPath(dataDir)).ino, last, 'nothing new, nothing written')
})

t.test('the same object again counts once, whoever sends it and after any restart', async (t) => {
  const dataDir = dataDirectory()
  for (const objects of [[1, 2, 1], [2, 1], [3], [1, 3]]) {
    const organizer = new Organizer(dataDir)
    for (const object of objects) await organizer.record(store(dataDir, { object }))
    await organizer.end()
  }
  t.equal(json(jsonPath(dataDir))['NumFiles'], '3')
})

t.test('a crash between link and JSON is mended by the replay, or by the study', async (t) => {
  const dataDir = dataDirectory()
  const before = new Organizer(dataDir)
  await before.record(store(dataDir, { object: 1 }))
  await before.mark()
  await before.record(store(dataDir, { object: 2 }))
  // Killed here: two links, and a JSON that says one.
  const study = {
    type: 'study',
    StudyInstanceUID: '2.25.1',
    path: join(dataDir, 'default/archive/2.25.1'),
    series: [{ SeriesInstanceUID: '2.25.1.1', instances: 2, ClassifyType: ['all'] }],
    instances: 2,
    bytes: 1,
    reason: 'quiet',
    revision: 1,
  }
  t.equal(json(jsonPath(dataDir))['NumFiles'], '1')
  await new Organizer(dataDir).record(study)
  t.match(json(jsonPath(dataDir)), { NumFiles: '2', ClassifyType: ['all'] })
})

t.test('a JSON that was removed or damaged is made again', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  await organizer.record(store(dataDir))
  await organizer.mark()
  const right = json(jsonPath(dataDir))
  for (const harm of [
    () => {
      rmSync(jsonPath(dataDir))
    },
    () => {
      writeFileSync(jsonPath(dataDir), '{"NumFiles": ')
    },
    () => {
      rmSync(join(dataDir, 'default/raw'), { recursive: true })
    },
  ]) {
    harm()
    const next = new Organizer(dataDir)
    await next.record(store(dataDir))
    await next.end()
    t.same(json(jsonPath(dataDir)), right)
  }
})

t.test(
  'a tree that is removed while it is followed is made again, with right counts',
  async (t) => {
    const dataDir = dataDirectory()
    const organizer = new Organizer(dataDir)
    for (const object of [1, 2]) await organizer.record(store(dataDir, { object }))
    rmSync(join(dataDir, 'default/raw'), { recursive: true })
    rmSync(join(dataDir, 'default/participants'), { recursive: true })
    await organizer.mark()
    for (const object of [2, 3, 4]) await organizer.record(store(dataDir, { object }))
    await organizer.mark()
    t.match(json(jsonPath(dataDir)), { NumFiles: '3', SeriesInstanceUID: '2.25.1.1' })
  },
)

t.test('types of a series record stand for the whole series', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  await organizer.record(store(dataDir, {}, { ClassifyType: ['one'] }))
  t.equal(await organizer.record(classifiedSeries), classifiedSeries)
  t.same(json(jsonPath(dataDir))['ClassifyType'], ['two'])
})

t.test('more series than are kept in mind are written all the same', async (t) => {
  const dataDir = dataDirectory()
  const organizer = new Organizer(dataDir)
  for (let series = 1; series <= 2100; series++) await organizer.record(store(dataDir, { series }))
  await organizer.record(store(dataDir, { series: 1, object: 2 }))
  await organizer.end()
  t.equal(json(jsonPath(dataDir))['NumFiles'], '2')
  t.equal(json(join(dataDir, 'default/raw/2.25.1/2.25.1.2100.json'))['NumFiles'], '1')
})

/** An image of a Siemens MR with private headers of both kinds. */
function siemensImage(bValue: string, measurement: string) {
  const image = csa([
    ['PhaseEncodingDirectionPositive', '1'],
    ...(bValue === '' ? [] : [['B_value', bValue] as const]),
    ['DiffusionGradientDirection', ...(bValue === '0' ? [] : ['1', '0', '0'])],
  ])
  const protocol = [
    'sWipMemBlock.tFree = "d6a3f1"',
    'sGroupArray.asGroup[0].nSize = 60',
    `SequenceID = ${measurement}`,
  ].join('\n')
  return {
    elements: [
      el(0x00290010, 'LO', 'SIEMENS CSA HEADER'),
      el(0x00291010, 'OB', image),
      el(0x00291020, 'OB', csa([['MrPhoenixProtocol', protocol]], 1)),
    ],
  }
}

t.test(
  "what Siemens' private headers say is in the series JSON, each weighted image once",
  async (t) => {
    const dataDir = dataDirectory()
    const images = [
      siemensImage('0', '7'),
      siemensImage('1000', '7'),
      siemensImage('', '8'),
      siemensImage('1000', '8'),
    ]
    const records = images.map((image, at) => store(dataDir, { object: at + 1, image }))
    const path = join(dataDir, 'default/raw/2.25.1/2.25.1.1.json')
    const expected = {
      siemensUUID: 'd6a3f1',
      NumSlices: '60',
      PhaseEncodingDirectionPositive: '1',
      MeasID: '8',
      siemensDiffusionInformation: [
        { SOPInstanceUID: '2.25.1.1.1', InstanceNumber: '1', B_value: '0' },
        ...['2', '4'].map((number) => ({
          SOPInstanceUID: `2.25.1.1.${number}`,
          InstanceNumber: number,
          B_value: '1000',
          DiffusionGradientDirection: ['1', '0', '0'],
        })),
      ],
    }
    const organizer = new Organizer(dataDir)
    for (const record of records.slice(0, 3)) await organizer.record(record)
    await organizer.mark()
    // Another process goes on, and is told of some again.
    const next = new Organizer(dataDir)
    for (const record of records) await next.record(record)
    await next.end()
    const found = json(path)
    t.match(found, expected)
    t.equal((found['siemensDiffusionInformation'] as unknown[]).length, 3)
    // What the first process still knows does not undo what the second wrote.
    await organizer.record(store(dataDir, { object: 5, image: siemensImage('50', '8') }))
    await organizer.end()
    t.same(
      (json(path)['siemensDiffusionInformation'] as { SOPInstanceUID: string }[]).map(
        ({ SOPInstanceUID }) => SOPInstanceUID,
      ),
      ['2.25.1.1.1', '2.25.1.1.2', '2.25.1.1.4', '2.25.1.1.5'],
    )
  },
)
