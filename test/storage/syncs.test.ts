import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Syncs } from '../../src/lib/storage/index.ts'

/** A disk whose syncs take as long as `disk.ms` says, and where each was waited for. */
function madeUpDisk() {
  let clock = 0
  const disk = { ms: 0.2, where: [] as string[] }
  const wait = (place: string): void => {
    clock += disk.ms
    disk.where.push(place)
  }
  const syncs = new Syncs({
    inPool: async () => {
      wait('pool')
    },
    here: () => {
      wait('here')
    },
    now: () => clock,
  })
  const placesOf = async (count: number): Promise<string[]> => {
    disk.where = []
    for (let n = 0; n < count; n++) await syncs.sync(1, 'all')
    return [...new Set(disk.where)]
  }
  return { disk, syncs, placesOf }
}

t.test(
  'one object alone on a quick disk is waited for here, after a look at the disk',
  async (t) => {
    const { syncs, placesOf } = madeUpDisk()
    syncs.inHand = 1
    t.same(await placesOf(16), ['pool'])
    t.same(await placesOf(100), ['here'])
  },
)

t.test('with more in hand, or nothing, nobody is held up', async (t) => {
  const { syncs, placesOf } = madeUpDisk()
  syncs.inHand = 2
  t.same(await placesOf(100), ['pool'])
  syncs.inHand = 0
  t.same(await placesOf(100), ['pool'])
  syncs.inHand = 1
  t.same(await placesOf(1), ['here'])
})

t.test('a disk that was slow once has to be quick for a while', async (t) => {
  const { disk, syncs, placesOf } = madeUpDisk()
  syncs.inHand = 1
  await placesOf(20)
  disk.ms = 3000
  t.same(await placesOf(1), ['here'])
  t.same(await placesOf(20), ['pool'])
  disk.ms = 0.2
  t.same(await placesOf(16), ['pool'])
  t.same(await placesOf(1), ['here'])
})

t.test('a real file is synced in both ways, and trouble is a rejection in both', async (t) => {
  const syncs = new Syncs()
  syncs.inHand = 1
  const fd = openSync(join(t.testdir(), 'file'), 'w')
  for (let n = 0; n < 40; n++) await syncs.sync(fd, n % 2 === 0 ? 'all' : 'data')
  closeSync(fd)
  await t.rejects(syncs.sync(fd, 'all'), { code: 'EBADF' })
  syncs.inHand = 2
  await t.rejects(syncs.sync(fd, 'data'), { code: 'EBADF' })
})
