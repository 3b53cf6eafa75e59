// What an earlier version left on disk when it was upgraded: nothing is said twice, and nothing forgotten.
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { arrivalOf, Clock, instance, ofType, pass, quietMs } from './objects.ts'

/**
 * Written by the last version that wrote format 2. A study of two objects was said to be complete, its file is in
 * complete/. Of the second study a series of three objects and an object of another one came, of the third one object.
 */
const earlier = new URL('state-version-2', import.meta.url).pathname

function upgraded(test: typeof t): string {
  const directory = join(test.testdir(), 'state')
  cpSync(earlier, directory, { recursive: true })
  return directory
}
const options = { deliveredBy: 'marks', atEnd: 'keep' } as const

t.test('the state of version 2 is read and gone on with', async (t) => {
  const directory = upgraded(t as never)
  const clock = new Clock()
  clock.ms += 100_000
  const arrival = await arrivalOf(clock, { directory, ...options })
  t.equal(arrival.openStudies, 2)
  await arrival.record(instance({ study: 2, object: 1 }))
  await arrival.record(instance({ study: 2, object: 5 }))
  const studies = ofType('study', await pass(arrival, clock, 2 * quietMs))
  t.match(
    studies.sort((a, b) =>
      String(a['StudyInstanceUID']) < String(b['StudyInstanceUID']) ? -1 : 1,
    ),
    [
      { StudyInstanceUID: '2.25.2', revision: 1, instances: 5, added: 5, bytes: 500 },
      { StudyInstanceUID: '2.25.3', revision: 1, instances: 1 },
    ],
    'objects that were counted before the upgrade are not counted again',
  )
  await arrival.close()
})

t.test('a study that was complete before the upgrade gets its next revision', async (t) => {
  const directory = upgraded(t as never)
  const clock = new Clock()
  clock.ms += 100_000
  const arrival = await arrivalOf(clock, { directory, ...options })
  await arrival.record(instance({ object: 1 }))
  await arrival.record(instance({ object: 3 }))
  const said = ofType('study', await pass(arrival, clock, 2 * quietMs))
  t.match(
    said.filter(({ StudyInstanceUID }) => StudyInstanceUID === '2.25.1'),
    [{ revision: 2, instances: 3, added: 1 }],
  )
  await arrival.close()
})

t.test('from then on it is written in the present format, and read again', async (t) => {
  const directory = upgraded(t as never)
  const clock = new Clock()
  clock.ms += 100_000
  await (await arrivalOf(clock, { directory, ...options })).close()
  const [first] = readFileSync(join(directory, 'log'), 'utf8').split('\n')
  t.same(JSON.parse(first ?? ''), { format: 'fiona-arrive state', version: 3 })
  const again = await arrivalOf(clock, { directory, ...options })
  t.equal(again.openStudies, 2)
  await again.close()
})
