import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { HeldDirectories } from '../../src/lib/storage/held-directories.ts'
import { RealDirectories, Syncs } from '../../src/lib/storage/index.ts'
import { openBelow } from '../fixtures/open-below.ts'

function setUp(t: Test) {
  const root = t.testdir({ data: { a: {}, b: {} }, elsewhere: {} })
  const held = new HeldDirectories(new RealDirectories(join(root, 'data')))
  const put = (folder: string, name: string): void => {
    held.within(join(root, 'data', folder), (directory) => {
      writeFileSync(join(directory, name), '')
    })
  }
  const has = (...path: string[]): boolean => existsSync(join(root, ...path))
  return { root, held, put, has }
}

t.test(
  'a directory is opened once for many uses, and closed when none comes any more',
  async (t) => {
    const { root, held, put } = setUp(t)
    for (const name of ['1', '2', '3']) put('a', name)
    await held.sync(join(root, 'data/a'), new Syncs())
    t.strictSame(openBelow(root), [join(root, 'data/a')])
    const until = performance.now() + 20_000
    while (openBelow(root).length > 0 && performance.now() < until) await pause(50)
    t.strictSame(openBelow(root), [])
    put('a', '4')
    t.strictSame(openBelow(root), [join(root, 'data/a')])
  },
)

t.test('one that was moved is left alone; one made anew under its name is used', (t) => {
  const { root, put, has } = setUp(t)
  put('a', '1')
  renameSync(join(root, 'data/a'), join(root, 'data/c'))
  t.throws(
    () => {
      put('a', '2')
    },
    { code: 'ENOENT' },
  )
  mkdirSync(join(root, 'data/a'))
  put('a', '2')
  t.ok(has('data/a/2'))
  t.notOk(has('data/c/2'))
  t.strictSame(openBelow(root), [join(root, 'data/a')])
  t.end()
})

t.test(
  'SEC-09: nothing goes through a link in its place, whether it leads elsewhere or back',
  (t) => {
    const { root, put, has } = setUp(t)
    put('a', '1')
    put('b', '1')
    renameSync(join(root, 'data/a'), join(root, 'gone'))
    symlinkSync(join(root, 'elsewhere'), join(root, 'data/a'))
    renameSync(join(root, 'data/b'), join(root, 'moved'))
    symlinkSync(join(root, 'moved'), join(root, 'data/b'))
    for (const folder of ['a', 'b']) {
      t.throws(
        () => {
          put(folder, '2')
        },
        { code: 'E_ARCHIVE_WRITE' },
      )
    }
    for (const folder of ['elsewhere', 'gone', 'moved']) t.notOk(has(folder, '2'), folder)
    t.end()
  },
)

t.test('one that was removed is not there, for a sync either', async (t) => {
  const { root, held, put, has } = setUp(t)
  const path = join(root, 'data/b')
  await held.sync(path, new Syncs())
  rmdirSync(path)
  t.throws(
    () => {
      put('b', '1')
    },
    { code: 'ENOENT' },
  )
  await t.rejects(held.sync(path, new Syncs()), { code: 'ENOENT' })
  mkdirSync(path)
  put('b', '1')
  t.ok(has('data/b/1'))
})

t.test('however many there are, few stay open, and none is closed under whoever is in it', (t) => {
  const { root, held, has } = setUp(t)
  const first = join(root, 'data/a')
  held.within(first, (outer) => {
    for (let count = 0; count < 200; count++) {
      held.within(mkdtempSync(join(root, 'data/b/')), (inner) => {
        writeFileSync(join(inner, 'here'), '')
      })
    }
    writeFileSync(join(outer, 'there'), '')
  })
  t.ok(has('data/a/there'))
  t.ok(openBelow(root).length <= 64)
  t.end()
})
