import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { walk, type Entry } from '../../src/lib/import/index.ts'

async function found(root: string | Buffer): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const entry of walk(root)) entries.push(entry)
  return entries
}
/** Where paths are short enough for a socket, and names may be what tap cannot clean up. */
function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'fiona-walk-'))
  t.teardown(() => execFileSync('rm', ['-rf', path]))
  return path
}
const told = (root: string, entry: Entry) =>
  entry.kind === 'file' || entry.kind === 'linkedFolder'
    ? `${entry.kind} ${relative(root, entry.path.toString())}`
    : entry.kind === 'trouble'
      ? `${entry.error.code} ${relative(root, (entry.input as { path: string }).path)}`
      : entry.kind

t.test('everything is found, sorted by name, folders where their names stand', async (t) => {
  const root = t.testdir({ b: { '2': '', '10': '', d: { x: '' } }, a: '', c: '', 'b.txt': '' })
  t.same(
    (await found(root)).map((entry) => told(root, entry)),
    ['file a', 'file b/10', 'file b/2', 'file b/d/x', 'file b.txt', 'file c'],
  )
})

t.test(
  'links to folders are told and not followed; links to files lead to the real file',
  async (t) => {
    const root = t.testdir({ real: { one: '' } })
    symlinkSync('..', join(root, 'real/up'))
    symlinkSync('real/one', join(root, 'link'))
    const entries = await found(root)
    t.same(
      entries.map((entry) => told(root, entry)),
      ['file real/one', 'file real/one', 'linkedFolder real/up'],
    )
    t.match(entries[0], { link: join(root, 'link'), isWalked: true })
  },
)

t.test('what is neither file nor folder is trouble, not silence', async (t) => {
  const root = folder(t)
  execFileSync('mkfifo', [join(root, 'a-pipe')])
  const server = createServer().listen(join(root, 'b-socket'))
  await once(server, 'listening')
  symlinkSync('nowhere', join(root, 'c-dangling'))
  symlinkSync('d-loop', join(root, 'd-loop'))
  symlinkSync('/dev/null', join(root, 'e-device'))
  t.same(
    (await found(root)).map((entry) => told(root, entry)),
    [
      'E_FILE_TYPE a-pipe',
      'E_FILE_TYPE b-socket',
      'E_FILE_MISSING c-dangling',
      'E_FILE_MISSING d-loop',
      'E_FILE_TYPE e-device',
    ],
  )
  server.close()
})

t.test('names are bytes: newlines, 255 of them, and no UTF-8', async (t) => {
  const root = folder(t)
  const names = ['a\nb', 'x'.repeat(255), '\ufffd']
  for (const name of names) writeFileSync(join(root, name), '')
  const odd = Buffer.concat([Buffer.from(`${root}/y`), Buffer.of(0xff, 0x2e)])
  mkdirSync(odd)
  writeFileSync(Buffer.concat([odd, Buffer.from('/inside')]), '')
  const paths = (await found(root)).map((entry) =>
    entry.kind === 'file' ? entry.path : entry.kind,
  )
  t.same(
    paths.map((path) => Buffer.from(path)),
    [
      Buffer.from(join(root, 'a\nb')),
      Buffer.from(join(root, 'x'.repeat(255))),
      Buffer.concat([odd, Buffer.from('/inside')]),
      Buffer.from(join(root, '\ufffd')),
    ],
  )
})

t.test('a folder that cannot be read is trouble, and the rest is found', async (t) => {
  const entries = await found(join(t.testdir(), 'gone'))
  t.match(entries, [{ kind: 'trouble', error: { code: 'E_FILE_MISSING' } }])
})

t.test('a tree of a thousand levels is walked', async (t) => {
  const root = t.testdir()
  const deep = join(root, ...Array.from({ length: 1000 }, () => 'd'))
  mkdirSync(deep, { recursive: true })
  writeFileSync(join(deep, 'f'), '')
  t.match(await found(root), [{ kind: 'file', path: join(deep, 'f') }])
})

t.test(
  'REL-16: a folder of more names than are sorted is walked whole, each name once',
  async (t) => {
    const root = folder(t)
    const count = 10_100
    for (let n = 0; n < count; n++) writeFileSync(join(root, String(n)), '')
    mkdirSync(join(root, 'sub/empty'), { recursive: true })
    const names = (await found(root)).map((entry) => told(root, entry))
    t.equal(new Set(names).size, count + 1)
    t.ok(names.includes('emptyFolder'))
  },
)

t.test(
  'what is ignored by its name is as if it were not there, with all that is in it',
  async (t) => {
    const root = t.testdir({ '.git': { x: '' }, a: { '.b': '' }, c: '' })
    const entries: Entry[] = []
    const ignores = (name: string | Buffer) => String(name).startsWith('.')
    for await (const entry of walk(root, { ignores })) entries.push(entry)
    t.same(
      entries.map((entry) => told(root, entry)),
      ['file c'],
    )
  },
)
