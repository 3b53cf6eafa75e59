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

function setUp(t: Test) {
  const root = t.testdir({ data: { a: {}, b: {} }, elsewhere: {} })
  const real = new RealDirectories(join(root, 'data'))
  const put = (folder: string, name: string): void => {
    real.within(join(root, 'data', folder), (directory) => {
      writeFileSync(join(directory, name), '')
    })
  }
  const has = (...path: string[]): boolean => existsSync(join(root, ...path))
  return { root, put, has }
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

t.test('a link put in a directory’s place is not followed', (t) => {
  const { root, put, has } = setUp(t)
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

t.test('one that was moved and made anew is the new one', (t) => {
  const { root, put, has } = setUp(t)
  put('a', '1')
  renameSync(join(root, 'data/a'), join(root, 'data/c'))
  mkdirSync(join(root, 'data/a'))
  put('a', '2')
  t.ok(has('data/a/2'))
  t.notOk(has('data/c/2'))
  t.end()
})

t.test('one that was removed is not there', (t) => {
  const { root, put, has } = setUp(t)
  rmdirSync(join(root, 'data/b'))
  t.throws(
    () => {
      put('b', '1')
    },
    { code: 'ENOENT' },
  )
  mkdirSync(join(root, 'data/b'))
  put('b', '1')
  t.ok(has('data/b/1'))
  t.end()
})

t.test('nothing stays open, also when the work fails', (t) => {
  const { root, put } = setUp(t)
  put('a', '1')
  t.throws(() => {
    put('a', 'no/such/folder')
  })
  t.strictSame(openBelow(root), [])
  t.end()
})
