import {
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { filesPutAside, holdNamedPipe, makeNamedPipe } from '../../src/lib/storage/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'fiona-pipes-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants

t.test('a pipe takes the place of a plain file, whose lines stay, and can be held', async (t) => {
  const pipe = join(folder, 'one.pipe')
  for (const text of ['first\n', 'second\n']) {
    rmSync(pipe, { force: true })
    writeFileSync(pipe, text)
    await makeNamedPipe(pipe)
    t.ok(lstatSync(pipe).isFIFO())
    t.equal(lstatSync(pipe).mode & 0o7777, 0o620)
  }
  const aside = filesPutAside(pipe)
  t.same(
    aside.map((path) => readFileSync(path, 'utf8')),
    ['first\n', 'second\n'],
    'neither took the place of the other',
  )
  const letGo = holdNamedPipe(pipe)
  const writer = openSync(pipe, O_WRONLY | O_NONBLOCK)
  writeSync(writer, 'kept')
  closeSync(writer)
  const reader = openSync(pipe, O_RDONLY | O_NONBLOCK)
  const bytes = Buffer.alloc(16)
  t.equal(bytes.toString('utf8', 0, readSync(reader, bytes)), 'kept', 'with nobody else at it')
  closeSync(reader)
  letGo()
})

t.test('links of either kind are left as they are, and not held', async (t) => {
  const target = join(folder, 'target')
  writeFileSync(target, 'not ours')
  const [soft, hard] = [join(folder, 'soft.pipe'), join(folder, 'hard.pipe')]
  symlinkSync(target, soft)
  linkSync(target, hard)
  for (const path of [soft, hard]) {
    await makeNamedPipe(path)
    holdNamedPipe(path)()
    t.same(filesPutAside(path), [])
  }
  t.ok(lstatSync(soft).isSymbolicLink())
  t.equal(readFileSync(hard, 'utf8'), 'not ours')
})
