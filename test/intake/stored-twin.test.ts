import { closeSync, openSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { StoredTwins } from '../../src/lib/intake/stored-twin.ts'
import { ctImage } from '../fixtures/dicom-writer.ts'

const hour = 3_600_000

/** A stored object, looked for with clocks of the test's own; `synced` counts syncs of its directory. */
function storedObject(t: Test) {
  const folder = t.testdir()
  const path = join(folder, 'a.dcm')
  const bytes = ctImage({ sopUID: '2.25.7' })
  writeFileSync(path, bytes)
  const fd = openSync(path, 'r')
  t.teardown(() => closeSync(fd))
  const clock = { wall: statSync(path).ctimeMs, steady: 5000, synced: 0, whileSyncing: () => {} }
  const twins = new StoredTwins(true, {
    wallClock: () => clock.wall,
    now: () => clock.steady,
    syncDirectory: () => {
      clock.synced++
      clock.whileSyncing()
      return Promise.resolve()
    },
  })
  const dataSetOffset = 144 + bytes.readUInt32LE(140)
  const source = { fd, size: bytes.length, dataSetOffset }
  return {
    clock,
    find: () => twins.find(path, source),
    pass: (ms: number) => {
      clock.wall += ms
      clock.steady += ms
    },
    /** What a crash of a receiver leaves: linked at this moment, and no sync of the name. */
    linkAnew: () => {
      writeFileSync(path, bytes)
      clock.wall = statSync(path).ctimeMs
    },
  }
}

t.test('a directory is synced once for what was there long before', async (t) => {
  const { clock, find, pass } = storedObject(t)
  t.match(await find(), { size: Number })
  t.equal(clock.synced, 1)
  await find()
  t.equal(clock.synced, 2, 'the file may have been linked behind the first')
  pass(20_000)
  await find()
  t.equal(clock.synced, 3)
  pass(1)
  await find()
  t.equal(clock.synced, 3, 'this one began when it had long been there')
})

t.test('by a clock that was set back no file looks older than it is', async (t) => {
  const { clock, find, linkAnew } = storedObject(t)
  const before = clock.wall
  clock.wall += hour
  await find()
  t.equal(clock.synced, 1, 'by the clock that is wrong')
  // It is set right, and another process links a file behind that sync.
  clock.wall = before
  linkAnew()
  await find()
  t.equal(clock.synced, 2)
  clock.wall += 20_000
  clock.steady += 20_000
  await find()
  await find()
  t.equal(clock.synced, 3, 'and then once is enough again')
})

t.test('a clock that is set back in small steps is seen, too', async (t) => {
  const { clock, find, linkAnew } = storedObject(t)
  const before = clock.wall
  clock.wall += hour
  await find()
  for (; clock.wall > before + 20_000; clock.wall -= 500) await find()
  const { synced } = clock
  t.ok(synced > 1)
  clock.wall = before
  linkAnew()
  await find()
  t.equal(clock.synced, synced + 1)
})

t.test('a sync during which the clock is set back counts for nothing later', async (t) => {
  const { clock, find, linkAnew, pass } = storedObject(t)
  const before = clock.wall
  clock.wall += hour
  clock.whileSyncing = () => {
    clock.wall = before
  }
  await find()
  clock.whileSyncing = () => {}
  linkAnew()
  await find()
  t.equal(clock.synced, 2)
  pass(20_000)
  await find()
  await find()
  t.equal(clock.synced, 3)
})
