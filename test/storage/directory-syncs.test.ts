import t from 'tap'
import { DirectorySyncs } from '../../src/lib/storage/directory-syncs.ts'

/** Syncs that end when the test says so. */
function controlled() {
  const running: { path: string; end: (error?: Error) => void }[] = []
  const syncs = new DirectorySyncs(
    (path) =>
      new Promise((resolve, reject) => {
        running.push({
          path,
          end: (error) => {
            if (error === undefined) resolve()
            else reject(error)
          },
        })
      }),
  )
  return { running, syncs }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

t.test(
  'who comes during a sync shares the next one, and does not count the one before',
  async (t) => {
    const { running, syncs } = controlled()
    const done: string[] = []
    const ask = (name: string) => syncs.sync('/a').then(() => done.push(name))
    const all = [ask('first'), ask('second'), ask('third')]
    await turn()
    t.equal(running.length, 1)
    running[0]?.end()
    await turn()
    t.same(done, ['first'])
    t.equal(running.length, 2)
    all.push(ask('fourth'))
    running[1]?.end()
    await turn()
    t.same(done, ['first', 'second', 'third'])
    t.equal(running.length, 3)
    running[2]?.end()
    await Promise.all(all)
    t.same(done, ['first', 'second', 'third', 'fourth'])
  },
)

t.test('directories do not wait for each other, and nothing is kept of them', async (t) => {
  const { running, syncs } = controlled()
  const both = [syncs.sync('/a'), syncs.sync('/b')]
  t.same(
    running.map(({ path }) => path),
    ['/a', '/b'],
  )
  for (const { end } of running) end()
  await Promise.all(both)
  const again = syncs.sync('/a')
  t.equal(running.length, 3)
  running[2]?.end()
  await again
})

t.test('a sync that fails fails those who shared it; the next tries anew', async (t) => {
  const { running, syncs } = controlled()
  const first = syncs.sync('/a')
  const second = syncs.sync('/a')
  running[0]?.end(new Error('EIO'))
  await t.rejects(first, { message: 'EIO' })
  await turn()
  running[1]?.end()
  await t.resolves(second)
})
