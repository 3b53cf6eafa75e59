import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { LineSpool } from '../../src/lib/import/index.ts'
import { LineSplitter } from '../../src/lib/record/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'fiona-spool-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const open = (name: string) => LineSpool.open(join(folder, name), { isSynced: false })
const files = (name: string) =>
  readdirSync(join(folder, name)).filter((file) => file.endsWith('.lines'))

t.test('what was put and is not done is given again; what is done is removed', async (t) => {
  const spool = await open('again')
  spool.put(Buffer.from('one\ntwo\n'))
  t.equal(spool.next()?.toString(), 'one\ntwo\n')
  t.equal(spool.next(), undefined)
  spool.reached(4)
  spool.close()
  const again = await open('again')
  t.equal(again.position, 4)
  t.equal(again.next()?.toString(), 'two\n')
  again.reached(8)
  again.close()
  t.same(files('again'), [])
  const empty = await open('again')
  t.equal(empty.position, 8)
  t.equal(empty.next(), undefined)
  empty.close()
})

t.test('it knows that it stands within a line that was too long', async (t) => {
  const spool = await open('within')
  spool.put(Buffer.alloc(100, 'x'))
  spool.reached(100, true)
  spool.close()
  const again = await open('within')
  t.equal(again.isWithinLongLine, true)
  t.equal(again.lastByte(), undefined)
  again.put(Buffer.from('xx\nnext\n'))
  const splitter = new LineSplitter(50, undefined, again.isWithinLongLine)
  t.same([...splitter.push(again.next() ?? Buffer.alloc(0))].map(String), ['next'])
  again.reached(again.position + splitter.givenBytes, splitter.isWithinLongLine)
  t.equal(again.isWithinLongLine, false)
  again.close()
})

t.test('a place that a power loss left half written counts as none', async (t) => {
  const spool = await open('torn')
  spool.put(Buffer.from('one\n'))
  spool.close()
  writeFileSync(join(folder, 'torn/done'), '00000000')
  const again = await open('torn')
  t.equal(again.next()?.toString(), 'one\n')
  again.close()
})
