import {
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { RealDirectories } from '../../src/lib/storage/index.ts'
import { Syncs } from '../../src/lib/storage/syncs.ts'

const aDay = 86_400_000

function setUp(t: Test, keptMs: number) {
  const root = t.testdir({ data: { a: {}, b: {} }, elsewhere: {} })
  const real = new RealDirectories(join(root, 'data'), undefined, { keptMs })
  const put = (folder: string, name: string): void => {
    real.within(join(root, 'data', folder), (directory) => {
      writeFileSync(join(directory, name), '')
    })
  }
  const has = (...path: string[]): boolean => existsSync(join(root, ...path))
  return { root, real, put, has }
}

/** Descriptors of this process that mean something below the folder. */
function openBelow(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`)
      return path.startsWith(`${folder}/`) ? [path] : []
    } catch {
      return []
    }
  })
}

for (const keptMs of [0, aDay]) {
  const how = keptMs === 0 ? 'opened each time' : 'kept open'

  t.test(`${how}: a link put in a directory’s place is not followed`, (t) => {
    const { root, put, has } = setUp(t, keptMs)
    put('a', '1')
    t.ok(has('data/a/1'))
    renameSync(join(root, 'data/a'), join(root, 'gone'))
    symlinkSync(join(root, 'elsewhere'), join(root, 'data/a'))
    t.throws(
      () => {
        put('a', '2')
      },
      { code: 'E_ARCHIVE_WRITE' },
    )
    t.notOk(has('elsewhere/2'))
    t.notOk(has('gone/2'), 'nor is what was there before')
    t.end()
  })

  t.test(`${how}: one that was moved and made anew is the new one`, (t) => {
    const { root, put, has } = setUp(t, keptMs)
    put('a', '1')
    renameSync(join(root, 'data/a'), join(root, 'data/c'))
    mkdirSync(join(root, 'data/a'))
    put('a', '2')
    t.ok(has('data/a/2'))
    t.notOk(has('data/c/2'))
    t.end()
  })

  t.test(`${how}: one that was removed is not there`, async (t) => {
    const { root, real, put, has } = setUp(t, keptMs)
    await real.sync(join(root, 'data/b'), new Syncs())
    rmdirSync(join(root, 'data/b'))
    t.throws(
      () => {
        put('b', '1')
      },
      { code: 'ENOENT' },
    )
    await t.rejects(real.sync(join(root, 'data/b'), new Syncs()), { code: 'ENOENT' })
    mkdirSync(join(root, 'data/b'))
    put('b', '1')
    t.ok(has('data/b/1'))
  })
}

t.test('without a time to keep them nothing stays open, also when the work fails', async (t) => {
  const { root, real, put } = setUp(t, 0)
  put('a', '1')
  t.throws(() => {
    put('a', 'no/such/folder')
  })
  await real.sync(join(root, 'data/a'), new Syncs())
  t.strictSame(openBelow(root), [])
})

t.test('what is kept is closed after its time', async (t) => {
  const { root, put } = setUp(t, 50)
  // Keeps the event loop going, for the timer alone does not.
  const alive = setInterval(() => undefined, 10)
  t.teardown(() => {
    clearInterval(alive)
  })
  put('a', '1')
  put('b', '1')
  while (openBelow(root).length > 0) await new Promise((resolve) => setTimeout(resolve, 10))
  put('a', '2')
  t.pass('and can be opened again')
})

t.test('of many directories only some stay open, and nobody loses the one in use', async (t) => {
  const { root, real, put } = setUp(t, aDay)
  const names = Array.from({ length: 100 }, (_, n) => `d${String(n)}`)
  for (const name of names) mkdirSync(join(root, 'data', name))
  const syncing = real.sync(join(root, 'data/a'), new Syncs())
  real.within(join(root, 'data/b'), (directory) => {
    for (const name of names) put(name, '1')
    writeFileSync(join(directory, 'still'), '')
  })
  await syncing
  t.ok(existsSync(join(root, 'data/b/still')))
  t.ok(openBelow(root).length <= 32, 'some are kept')
  t.notOk(openBelow(root).includes(join(root, 'data/b')), 'the others are closed')
})
