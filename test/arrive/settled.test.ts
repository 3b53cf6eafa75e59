import t from 'tap'
import type { AnyRecord } from '../../src/lib/record/index.ts'
import { Clock, arrivalOf, instance, ofType, pass, quietMs } from './objects.ts'

const settledMs = 3000
const times = { settledSeconds: settledMs / 1000 }
const by = (association: string | undefined, more = {}) => ({
  source: { callingAET: 'CT1', calledAET: 'FIONA', address: '10.0.0.1', association },
  ...more,
})
const ended = (association: string, end = 'released'): AnyRecord => ({
  type: 'association',
  association,
  end,
  objects: 1,
})

t.test('a study whose sender has gone is complete sooner', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock, times)
  await arrival.record(instance({}, by('a1')))
  await arrival.record(instance({ object: 2 }, by('a2')))
  await arrival.record(ended('a1'))
  t.same(ofType('study', await pass(arrival, clock, settledMs)), [], 'a2 is still there')
  const end = ended('a2')
  t.equal(await arrival.record(end), end, 'it passes')
  t.match(ofType('study', await pass(arrival, clock, 0)), [
    {
      reason: 'quiet',
      instances: 2,
      evidence: { quietSeconds: 3, configuredQuietSeconds: 16, sinceLastObjectSeconds: 3 },
    },
  ])
  await arrival.record(instance({ object: 3 }, by('a3')))
  t.same(ofType('study', await pass(arrival, clock, quietMs - 1)), [], 'a revision settles anew')
  t.match(ofType('study', await pass(arrival, clock, 1)), [{ revision: 2 }])
  t.equal(arrival.timer.dueAt(), undefined)
})

t.test('what speaks against it leaves the quiet time as it is', async (t) => {
  for (const [why, records] of [
    ['aborted', [instance({}, by('a1')), ended('a1', 'aborted')]],
    ['timed out', [instance({}, by('a1')), ended('a1', 'timeout')]],
    ['another association', [instance({}, by('a1')), ended('a2')]],
    ['one by no association', [instance(), instance({ object: 2 }, by('a1')), ended('a1')]],
    [
      'one by no association, later',
      [instance({}, by('a1')), instance({ object: 2 }), ended('a1')],
    ],
    [
      'cut off, then sent by another one',
      [
        instance({}, by('a1')),
        ended('a1', 'closed'),
        instance({ object: 2 }, by('a2')),
        ended('a2'),
      ],
    ],
    [
      'its header announces more',
      [instance({}, by('a1', { attributes: { ImagesInAcquisition: '2' } })), ended('a1')],
    ],
  ] as const) {
    const clock = new Clock()
    const arrival = await arrivalOf(clock, times)
    for (const record of records) await arrival.record(record)
    t.same(ofType('study', await pass(arrival, clock, quietMs - 1)), [], why)
    t.equal(ofType('study', await pass(arrival, clock, 1)).length, 1, why)
  }
})

t.test('as many objects as the headers announce, or more, are enough', async (t) => {
  for (const [ImagesInAcquisition, objects, announced] of [
    ['2', 2, 2],
    ['2', 3, 3],
    ['0', 1, undefined],
    ['-5', 1, undefined],
    ['1e400', 1, undefined],
    ['many', 1, undefined],
  ] as const) {
    const clock = new Clock()
    const arrival = await arrivalOf(clock, times)
    for (let object = 1; object <= objects; object++) {
      await arrival.record(instance({ object }, by('a1', { attributes: { ImagesInAcquisition } })))
    }
    await arrival.record(ended('a1'))
    t.match(
      ofType('study', await pass(arrival, clock, settledMs)),
      [{ evidence: { announced } }],
      `${String(objects)} of ${ImagesInAcquisition}`,
    )
  }
})

t.test('an object of several frames is as many images', async (t) => {
  const enhanced = (NumberOfFrames: string) =>
    instance({}, by('a1', { attributes: { ImagesInAcquisition: '60', NumberOfFrames } }))
  for (const [frames, isSettled] of [
    ['60', true],
    ['61', true],
    ['59', false],
    ['0', false],
    ['-60', false],
    ['1e400', false],
    ['60.5', false],
    ['many', false],
  ] as const) {
    const clock = new Clock()
    const arrival = await arrivalOf(clock, times)
    await arrival.record(enhanced(frames))
    await arrival.record(ended('a1'))
    const said = ofType('study', await pass(arrival, clock, settledMs))
    t.equal(said.length, isSettled ? 1 : 0, frames)
  }
})

t.test('how many images there are outlives the process', async (t) => {
  const clock = new Clock()
  const directory = t.testdir()
  const attributes = { ImagesInAcquisition: '120', NumberOfFrames: '60' }
  for (const object of [1, 2]) {
    const arrival = await arrivalOf(clock, { directory, atEnd: 'keep' })
    await arrival.record(instance({ object }, { attributes }))
    await arrival.end()
    await arrival.close()
  }
  const last = await arrivalOf(clock, { directory })
  t.match(ofType('study', await pass(last, clock, quietMs)), [
    { instances: 2, evidence: { announced: 120, images: 120 } },
  ])
  await last.close()
})

t.test('a sender that is known to pause is not taken at its word', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock, times)
  await arrival.record(instance({}, by('a1')))
  await pass(arrival, clock, 6000)
  await arrival.record(instance({ object: 2 }, by('a2')))
  await pass(arrival, clock, quietMs)
  await arrival.record(instance({ study: 2 }, by('a3')))
  await arrival.record(ended('a3'))
  t.same(ofType('study', await pass(arrival, clock, 8999)), [])
  t.match(ofType('study', await pass(arrival, clock, 1)), [{ evidence: { quietSeconds: 9 } }])
})

t.test('without the setting, and after a restart, it says nothing', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  await arrival.record(instance({}, by('a1')))
  await arrival.record(ended('a1'))
  t.same(ofType('study', await pass(arrival, clock, quietMs - 1)), [])
  await t.rejects(async () => arrival.record({ type: 'association', association: 'a1' }), {
    code: 'E_RECORD_INVALID',
  })
})

t.test('associations that never end do not fill the memory', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock, times)
  for (let n = 1; n <= 10_001; n++) {
    await arrival.record(instance({ study: n }, by(`a${String(n)}`)))
  }
  await arrival.record(ended('a1'))
  await arrival.record(ended('a10001'))
  t.match(ofType('study', await pass(arrival, clock, settledMs)), [
    { StudyInstanceUID: '2.25.10001' },
  ])
})
