import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { stateDirectory } from '../../src/lib/arrive/index.ts'
import type { Arrival } from '../../src/lib/arrive/index.ts'
import { explain } from '../../src/lib/arrive/explain.ts'
import { Rhythms } from '../../src/lib/arrive/rhythms.ts'
import { Clock, arrivalOf, instance, ofType, pass, quietMs } from './objects.ts'

const pauseMs = 20_000
const ct = { callingAET: ['CT1'], address: ['10.0.0.1'] }

/** Two objects of a study with a pause between them; how many revisions were told until it was over? */
async function sendWithPause(arrival: Arrival, clock: Clock, study: number, more = {}) {
  const said = []
  for (const object of [1, 2]) {
    await arrival.record(instance({ study, object }, more))
    said.push(...(await pass(arrival, clock, object === 1 ? pauseMs : 4 * quietMs)))
  }
  return ofType('study', said)
}

t.test('what a sender paused once, its next study is waited for', async (t) => {
  const clock = new Clock()
  const arrival = await arrivalOf(clock)
  t.equal((await sendWithPause(arrival, clock, 1)).length, 2, 'nobody knew it yet')
  t.match(await sendWithPause(arrival, clock, 2), [
    {
      revision: 1,
      instances: 2,
      evidence: { quietSeconds: 30, configuredQuietSeconds: 16, sinceLastObjectSeconds: 30 },
    },
  ])
  const other = { source: { callingAET: 'MR1', calledAET: 'FIONA', address: '10.0.0.2' } }
  t.match(
    await sendWithPause(arrival, clock, 3, other),
    [{ evidence: { configuredQuietSeconds: undefined } }, {}],
    'another sender has a rhythm of its own',
  )
})

t.test('the quiet time grows to a limit, and not by what came far too late', async (t) => {
  for (const [longestQuietSeconds, expected] of [
    [25, 25],
    [undefined, 30],
    [16, 16],
    [5, 16],
    [19, 16],
  ] as const) {
    const clock = new Clock()
    const arrival = await arrivalOf(clock, { longestQuietSeconds })
    await sendWithPause(arrival, clock, 1)
    await arrival.record(instance({ study: 2 }))
    const [told] = ofType('study', await pass(arrival, clock, 4 * quietMs))
    t.match(told, { evidence: { quietSeconds: expected } }, `limit ${String(longestQuietSeconds)}`)
  }
})

t.test('a rhythm outlives the process, and explains why a study waits', async (t) => {
  const clock = new Clock()
  const dataDir = mkdtempSync(join(tmpdir(), 'fiona-arrive-'))
  t.teardown(() => {
    rmSync(dataDir, { recursive: true, force: true })
  })
  const directory = join(stateDirectory(dataDir), 'organize')
  const options = { directory, deliveredBy: 'marks', atEnd: 'keep' } as const
  const first = await arrivalOf(clock, options)
  await sendWithPause(first, clock, 1)
  await first.mark({ type: 'mark', seq: 1 })
  await first.close()
  // Twice: the log is written anew at each start.
  await (await arrivalOf(clock, options)).close()
  const second = await arrivalOf(clock, options)
  await second.record(instance({ study: 2 }))
  await second.mark({ type: 'mark', seq: 1 })
  const times = { quietSeconds: quietMs / 1000, maxWaitSeconds: 3600 }
  t.match(
    (await explain(dataDir, '2.25.2', () => times)).join('\n'),
    /no object comes for 30 s \(as its sender pauses; quietSeconds: 16\)/,
  )
  t.same(ofType('study', await pass(second, clock, pauseMs)), [])
  await second.close()
})

t.test('one study in ten may have been interrupted; the last twenty count', (t) => {
  const rhythms = new Rhythms()
  t.equal(rhythms.longestOf(ct), 0)
  for (let study = 0; study < 20; study++) {
    rhythms.paused(ct, String(study), study < 2 ? 10_000 : 1000 + study)
  }
  t.equal(rhythms.longestOf(ct), 1019, 'two of twenty are outliers')
  t.ok(rhythms.paused(ct, '2', 9000), 'a longer pause of a known study is news')
  t.equal(rhythms.paused(ct, '2', 8000), undefined, 'a shorter one is none')
  t.equal(rhythms.longestOf(ct), 9000, 'three are a rhythm')
  for (let study = 20; study < 40; study++) rhythms.paused(ct, String(study), 100)
  t.equal(rhythms.longestOf(ct), 100, 'what was long ago is forgotten')
  t.equal([...rhythms.values()].length, 20)
  t.end()
})

t.test('a site with ever new senders does not fill the memory', (t) => {
  const rhythms = new Rhythms()
  for (let n = 0; n < 1500; n++) rhythms.paused({ callingAET: [`A${String(n)}`] }, 's', 500)
  t.equal([...rhythms.values()].length, 1000)
  t.equal(rhythms.longestOf({ callingAET: ['A0'] }), 0)
  t.equal(rhythms.longestOf({ callingAET: ['A1499'] }), 500)
  t.end()
})
