import t from 'tap'
import { isUnfinishedName, lastWriteMs } from '../../src/lib/import/index.ts'

t.test('the last writing: mtime where nobody has set it, else ctime', (t) => {
  const rows: readonly [what: string, mtime: number, ctime: number, birth: number, is: number][] = [
    ['just written', 900, 900, 500, 900],
    ['finished long ago, then renamed to here', 600, 900, 500, 600],
    ['copied with the time of its original', 100, 900, 500, 900],
    ['its time set into the future', 2000, 900, 500, 900],
    ['a file system that knows no birth', 600, 900, 0, 900],
  ]
  for (const [what, mtimeMs, ctimeMs, birthtimeMs, is] of rows) {
    t.equal(lastWriteMs({ mtimeMs, ctimeMs, birthtimeMs }), is, what)
  }
  t.end()
})

t.test('names that say: not yet', (t) => {
  for (const name of ['.x.dcm.Ab3', 'x.part', 'x.TMP', 'x.filepart', 'x.crdownload', 'x~']) {
    t.ok(isUnfinishedName(name), name)
  }
  for (const name of ['x', 'x.dcm', 'part', 'tmp', 'x.part.dcm', Buffer.from([0xff])]) {
    t.notOk(isUnfinishedName(name), String(name))
  }
  t.end()
})
