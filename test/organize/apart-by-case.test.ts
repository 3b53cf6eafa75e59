import { mkdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import { apartByCase, type Names } from '../../src/lib/organize/apart-by-case.ts'

/** A directory of a file system that keeps the case of names, and finds them in any. */
function folding(): { readonly names: Names; readonly make: (path: string) => void } {
  const made = new Map<string, string>()
  return {
    names: {
      identityOf: (path) => made.get(path.toLowerCase()),
      namesIn: (directory) =>
        [...made.values()]
          .filter((path) => dirname(path) === directory)
          .map((path) => basename(path)),
    },
    make: (path) => {
      if (!made.has(path.toLowerCase())) made.set(path.toLowerCase(), path)
    },
  }
}

t.test('patients whose IDs differ in case alone keep apart where the disk folds it', async (t) => {
  const { names, make } = folding()
  const directoryFor = (patient: string) => {
    const path = apartByCase(join('/participants', patient), names)
    make(path)
    return path
  }
  const first = directoryFor('P1')
  const second = directoryFor('p1')
  const third = directoryFor('\u00e4\u00d6')
  const fourth = directoryFor('\u00c4\u00f6')
  t.equal(first, '/participants/P1')
  t.match(second, /^\/participants\/p1~[0-9a-f]{8}$/)
  t.equal(third, '/participants/\u00e4\u00d6')
  t.match(fourth, /^\/participants\/\u00c4\u00f6~[0-9a-f]{8}$/)
  // Whoever comes again, in whichever order, finds his own.
  t.same(['\u00c4\u00f6', 'p1', 'P1', '\u00e4\u00d6'].map(directoryFor), [
    fourth,
    second,
    first,
    third,
  ])
  t.equal(directoryFor('123'), '/participants/123')
})

t.test('where case counts, each has its plain name, also beside a twin', async (t) => {
  const root = t.testdir()
  for (const name of ['P1', 'p1', 'ab', '1']) {
    t.equal(apartByCase(join(root, name)), join(root, name))
    mkdirSync(join(root, name))
    t.equal(apartByCase(join(root, name)), join(root, name))
  }
  t.equal(apartByCase(join(root, 'P1', 'x')), join(root, 'P1', 'x'))
})
