import { mkdtempSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t from 'tap'
import { parseRecord } from '../../src/lib/record/index.ts'
import { ctImage, el } from '../fixtures/dicom-writer.ts'
import { Clock, arrivalOf, instance, listed, maxWaitMs, ofType, pass, quietMs } from './objects.ts'

t.test('an instance passes on unchanged, at once', async (t) => {
  const arrival = await arrivalOf(new Clock())
  const record = instance({}, { extra: { kept: true } })
  t.equal(await arrival.record(record), record)
})

t.test('a study is complete after the quiet time, its series before it, all valid', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(instance({ object: 1 }))
  await pass(arrival, clock, quietMs - 1)
  await arrival.record(instance({ series: 2, object: 1 }, { size: 7 }))
  const first = await pass(arrival, clock, quietMs - 1)
  t.match(
    first.map(({ type, SeriesInstanceUID }) => ({ type, SeriesInstanceUID })),
    [{ type: 'series', SeriesInstanceUID: '2.25.1.1' }],
    'the series that is quiet is said while the study goes on',
  )
  const then = await pass(arrival, clock, 1)
  for (const record of [...first, ...then]) parseRecord(record)
  t.match(then, [
    {
      type: 'series',
      SeriesInstanceUID: '2.25.1.2',
      StudyInstanceUID: '2.25.1',
      path: '/data/default/archive/2.25.1/2.25.1.2',
      instances: 1,
      bytes: 7,
      reason: 'quiet',
    },
    {
      type: 'study',
      StudyInstanceUID: '2.25.1',
      path: '/data/default/archive/2.25.1',
      series: [
        { SeriesInstanceUID: '2.25.1.1', instances: 1, added: 1, Modality: 'CT' },
        { SeriesInstanceUID: '2.25.1.2', instances: 1, added: 1, SeriesDescription: 'Axial' },
      ],
      instances: 2,
      bytes: 107,
      added: 2,
      reason: 'quiet',
      revision: 1,
      evidence: { quietSeconds: 16, sinceLastObjectSeconds: 16 },
      attributes: { PatientID: 'P1' },
      sources: { callingAET: ['CT1'], calledAET: ['FIONA'], address: ['10.0.0.1'] },
    },
  ])
  t.equal(arrival.timer.dueAt(), undefined, 'nothing is left to wait for')
})

t.test('late objects make the next revision, with running totals and what is new', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(instance({ series: 1, object: 1 }))
  await arrival.record(instance({ series: 2, object: 1 }))
  await pass(arrival, clock, quietMs)
  await arrival.record(instance({ series: 2, object: 2 }))
  const said = await pass(arrival, clock, quietMs)
  t.match(said, [
    { type: 'series', SeriesInstanceUID: '2.25.1.2', instances: 2, added: 1 },
    {
      type: 'study',
      revision: 2,
      instances: 3,
      added: 1,
      series: [
        { instances: 1, added: 0 },
        { instances: 2, added: 1 },
      ],
    },
  ])
  t.equal(said.length, 2, 'the series without news is not said again')
})

t.test('an object that comes again neither counts nor reopens', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(instance())
  await arrival.record(instance({}, { duplicate: true }))
  await arrival.record(instance())
  const [, study] = await pass(arrival, clock, quietMs)
  t.match(study, { instances: 1, bytes: 100 })
  const again = instance({}, { duplicate: true, path: '/elsewhere/1.dcm' })
  t.equal(await arrival.record(again), again, 'it passes')
  t.equal(arrival.timer.dueAt(), undefined)
  t.same(await arrival.end(), [])
})

t.test('an object said to be a duplicate that was never counted is counted', async (t) => {
  // The receiver died between storing it and writing its record; the sender sent it again.
  const arrival = await arrivalOf(new Clock())
  await arrival.record(instance({}, { duplicate: true }))
  t.match(ofType('study', await arrival.end()), [{ instances: 1 }])
})

t.test('what a sender repeats shows that it is still sending', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(instance())
  await pass(arrival, clock, quietMs - 1)
  await arrival.record(instance({}, { duplicate: true }))
  t.same(ofType('study', await pass(arrival, clock, quietMs - 1)), [])
  t.equal(ofType('study', await pass(arrival, clock, 1)).length, 1)
})

t.test('a study that is never quiet is complete at the hard cap', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  const said = []
  for (let object = 1; said.length === 0; object++) {
    await arrival.record(instance({ object }))
    said.push(...(await pass(arrival, clock, quietMs / 2)))
  }
  t.match(said, [
    { type: 'series', reason: 'maxWait' },
    { type: 'study', reason: 'maxWait', instances: (2 * maxWaitMs) / quietMs },
  ])
})

t.test('the end of the input completes what is open', async (t) => {
  const arrival = await arrivalOf(new Clock())
  for (const study of [1, 2]) await arrival.record(instance({ study }))
  t.match(await arrival.end(), [
    { type: 'series', reason: 'flush' },
    { type: 'study', StudyInstanceUID: '2.25.1', reason: 'flush' },
    { type: 'series' },
    { type: 'study', StudyInstanceUID: '2.25.2' },
  ])
})

t.test('one study in two projects is two studies', async (t) => {
  const arrival = await arrivalOf(new Clock())
  await arrival.record(instance({}, { project: 'A' }))
  await arrival.record(instance({}, { project: 'B' }))
  t.match(ofType('study', await arrival.end()), [
    { project: 'A', instances: 1 },
    { project: 'B', instances: 1 },
  ])
})

t.test('what must be the same in a study and is not, is named', async (t) => {
  const arrival = await arrivalOf(new Clock())
  const attributes = { PatientID: 'P1', StudyDate: '20240101', SeriesDescription: 'a' }
  await arrival.record(instance({ object: 1 }, { attributes }))
  await arrival.record(
    instance(
      { series: 2, object: 2 },
      { attributes: { PatientID: 'P2', AccessionNumber: 'A', SeriesDescription: 'b' } },
    ),
  )
  const said = await arrival.end()
  t.same(ofType('study', said)[0]?.['attributes'], {
    ...attributes,
    AccessionNumber: 'A',
    conflicts: ['PatientID'],
  })
  t.notOk(JSON.stringify(ofType('series', said)).includes('conflicts'))
})

t.test(
  'two patients under one study are flagged in its record, and told of once a revision',
  async (t) => {
    const warned: unknown[] = []
    const clock = new Clock()
    const arrival = await arrivalOf(clock, {
      onWarning: ({ StudyInstanceUID, revision }, { code }) => {
        warned.push([StudyInstanceUID, revision + 1, code])
      },
    })
    const object = (number: number, PatientID: string) =>
      arrival.record(instance({ object: number }, { attributes: { PatientID, PatientName: 'A' } }))
    await object(1, 'P1')
    await object(2, '')
    const [first] = ofType('study', await arrival.end())
    t.notOk(first && 'warnings' in first, 'no patient ID at all is not another one')
    t.same(warned, [])

    await object(3, 'P2')
    const [second] = ofType('study', await arrival.end())
    const warning = { code: 'patient-conflict', where: '(0010,0020) PatientID' }
    t.match(second, { revision: 2, instances: 3, warnings: [warning] })
    t.same(parseRecord(second), second)
    t.same(warned, [[second?.['StudyInstanceUID'], 2, 'patient-conflict']])
  },
)

t.test('all senders of a study are named', async (t) => {
  const arrival = await arrivalOf(new Clock())
  await arrival.record(instance({ object: 1 }))
  await arrival.record(instance({ object: 2 }, { source: { callingAET: 'WS2' } }))
  t.match(ofType('study', await arrival.end()), [
    { sources: { callingAET: ['CT1', 'WS2'], calledAET: ['FIONA'] } },
  ])
})

t.test('objects without a directory of their own are listed', async (t) => {
  const arrival = await arrivalOf(new Clock())
  await arrival.record(instance({ object: 1 }, { path: '/usb/IM1' }))
  await arrival.record(instance({ object: 2 }, { path: '/usb/IM2' }))
  t.match(await arrival.end(), [
    { type: 'series', path: null, files: ['/usb/IM1', '/usb/IM2'] },
    { type: 'study', path: null, series: [{ files: ['/usb/IM1', '/usb/IM2'] }] },
  ])
})

t.test('a study that lies partly in the archive lists all its objects', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'fiona-arrive-'))
  const arrival = await arrivalOf(new Clock())
  const directory = join(root, '2.25.1', '2.25.1.1')
  const archived = join(directory, '2.25.1.1.1.dcm')
  await mkdir(dirname(archived), { recursive: true })
  await writeFile(archived, '')
  await writeFile(join(directory, '2.25.1.1.99.dcm'), 'not counted yet')
  await arrival.record(instance({ object: 1 }, { path: archived }))
  await arrival.record(instance({ object: 2 }, { path: '/usb/IM2' }))
  t.match(ofType('study', await arrival.end()), [
    { path: null, series: [{ instances: 2, files: ['/usb/IM2', archived] }] },
  ])
})

t.test('under a load that never pauses decisions are said all the same', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(instance({ study: 1 }))
  const said = []
  for (let object = 1; object < 200; object++) {
    clock.ms += 100
    said.push(...listed(await arrival.record(instance({ study: 2, object }))))
  }
  const at = said.findIndex(({ type }) => type === 'study')
  t.match(said[at], { StudyInstanceUID: '2.25.1', reason: 'quiet' })
  t.ok(at > 160, 'what is in the pipe goes first')
  t.equal(ofType('instance', said).length, 199)
})

t.test('a record that is none becomes an error', async (t) => {
  const arrival = await arrivalOf(new Clock())
  t.throws(() => arrival.record(instance({}, { StudyInstanceUID: '../../x' })), {
    code: 'E_RECORD_INVALID',
  })
  t.same(await arrival.end(), [])
})

t.test('100,000 open studies: each is decided once', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  for (let study = 1; study <= 100_000; study++) await arrival.record(instance({ study }))
  t.equal(arrival.openStudies, 100_000)
  t.equal(ofType('study', await pass(arrival, clock, quietMs)).length, 100_000)
})

t.test('another object under a UID that was counted is an object of its own', async (t) => {
  const image = (instanceNumber: number) => ctImage({ sopUID: '2.25.1.1.1', instanceNumber })
  const root = t.testdir({
    a: image(1),
    same: ctImage({ sopUID: '2.25.1.1.1', meta: [el(0x00020016, 'AE', 'OTHER')] }),
    b: image(2),
    c: image(3),
    copyOfB: image(2),
  })
  const arrival = await arrivalOf(new Clock())
  for (const name of ['a', 'same', 'b', 'c', 'copyOfB', 'a', 'b', 'missing']) {
    await arrival.record(instance({}, { path: join(root, name) }))
  }
  const files = ['a', 'b', 'c', 'missing'].map((name) => join(root, name))
  t.match(ofType('study', await arrival.end()), [
    { instances: 4, path: null, series: [{ instances: 4, files }] },
  ])
})

t.test(
  'what the archive calls a duplicate is one, also after its directory was moved',
  async (t) => {
    const root = t.testdir({ moved: ctImage({ sopUID: '2.25.1.1.1' }) })
    const arrival = await arrivalOf(new Clock())
    await arrival.record(instance())
    await arrival.record(instance({}, { path: join(root, 'moved'), duplicate: true }))
    t.match(ofType('study', await arrival.end()), [{ instances: 1 }])
  },
)

t.test('one UID in two series of the archive is two objects', async (t) => {
  const archived = (series: number, more: Record<string, unknown> = {}) => {
    const { SeriesInstanceUID } = instance({ series })
    const path = `/data/default/archive/2.25.1/${String(SeriesInstanceUID)}/2.25.9.dcm`
    return instance({ series }, { SOPInstanceUID: '2.25.9', path, ...more })
  }
  const arrival = await arrivalOf(new Clock())
  await arrival.record(instance({ series: 2 }))
  await arrival.record(archived(1))
  await arrival.record(archived(2))
  await arrival.record(archived(1, { duplicate: true }))
  await arrival.record(archived(2, { duplicate: true }))
  t.match(ofType('study', await arrival.end()), [
    {
      path: '/data/default/archive/2.25.1',
      instances: 3,
      series: [{ instances: 2 }, { instances: 1 }],
    },
  ])
})

t.test('records that say the same digest speak of one object, wherever it lies', async (t) => {
  const said = (path: string, digit: string) =>
    instance({}, { path, sha256: digit.repeat(64), duplicate: false })
  const arrival = await arrivalOf(new Clock())
  for (const record of [said('/a', '1'), said('/b', '1'), said('/c', '2'), said('/d', '2')]) {
    await arrival.record(record)
  }
  t.match(ofType('study', await arrival.end()), [{ series: [{ files: ['/a', '/c'] }] }])
})

t.test('what the archive keeps beside the first object of a UID makes a revision', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  const first = instance()
  const beside = String(first['path']).replace('.dcm', '~0123456789abcdef.dcm')
  await arrival.record(first)
  await pass(arrival, clock, quietMs)
  await arrival.record(instance({}, { path: beside, conflict: true }))
  const [, study] = await pass(arrival, clock, quietMs)
  t.match(study, { revision: 2, instances: 2, path: '/data/default/archive/2.25.1' })
  // Imported again from where it lies.
  await arrival.record(instance({}, { path: beside, duplicate: true }))
  t.equal(arrival.timer.dueAt(), undefined)
})
