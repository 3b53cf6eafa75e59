import { createHash, randomBytes } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { projectRoot } from '../fixtures/peers.ts'
import { FileDigester } from '../../src/lib/receive/file-digester.ts'

function digester(t: Test): FileDigester {
  const made = new FileDigester(pathToFileURL(join(projectRoot, 'dist/digest-worker.js')))
  t.teardown(() => made.close())
  return made
}

/** Writes as a receiver does: in pieces of any size, each told of behind it. */
function writeInPieces(fd: number, bytes: Buffer, pieces: readonly number[]) {
  return {
    into: (digest: { wrote(bytes: number): void }) => {
      let at = 0
      for (let n = 0; at < bytes.length; n++) {
        const piece = bytes.subarray(at, at + (pieces[n % pieces.length] ?? 1))
        writeSync(fd, piece)
        digest.wrote(piece.length)
        at += piece.length
      }
    },
  }
}

t.test(
  'the digest is that of the file, however it was written, many files at a time',
  async (t) => {
    const files = digester(t)
    const folder = t.testdir()
    const sizes = [0, 1, 262_143, 262_144, 262_145, 524_288, 3_000_001]
    await Promise.all(
      sizes.map(async (size, n) => {
        const fd = openSync(join(folder, String(n)), 'w+')
        const bytes = randomBytes(size)
        const digest = files.begin(fd)
        writeInPieces(fd, bytes, [7, 131_060, 40_000]).into(digest)
        t.equal(await digest.finish(), createHash('sha256').update(bytes).digest('hex'))
        closeSync(fd)
      }),
    )
  },
)

t.test(
  'a digest that nobody wants any more leaves the descriptor, and its number, alone',
  async (t) => {
    const files = digester(t)
    const path = join(t.testdir(), 'file')
    const first = openSync(path, 'w+')
    const unwanted = files.begin(first)
    writeInPieces(first, randomBytes(600_000), [300_000]).into(unwanted)
    await unwanted.abandon()
    closeSync(first)
    const second = openSync(path, 'w+')
    t.equal(second, first, 'the same number is another file now')
    const bytes = randomBytes(600_000)
    const digest = files.begin(second)
    writeInPieces(second, bytes, [100_000]).into(digest)
    t.equal(await digest.finish(), createHash('sha256').update(bytes).digest('hex'))
    closeSync(second)
    await files.begin(second).abandon()
  },
)

t.test('a file that cannot be read, or is shorter than it should be, has no digest', async (t) => {
  const files = digester(t)
  const path = join(t.testdir(), 'file')
  const writeOnly = openSync(path, 'w')
  const unread = files.begin(writeOnly)
  writeInPieces(writeOnly, randomBytes(200_000), [100_000]).into(unread)
  await t.rejects(unread.finish(), { code: 'EBADF' })
  closeSync(writeOnly)
  const fd = openSync(path, 'w+')
  const short = files.begin(fd)
  short.wrote(10)
  await t.rejects(short.finish(), { message: /shorter/ })
  const good = files.begin(fd)
  t.match(await good.finish(), /^e3b0c442/, 'and the thread goes on')
  closeSync(fd)
})

t.test('when the thread ends, what waits hears of it, and the next file has another', async (t) => {
  const files = digester(t)
  const fd = openSync(join(t.testdir(), 'file'), 'w+')
  const waiting = files.begin(fd).finish()
  const lost = t.rejects(waiting, { message: 'the digest thread has ended' })
  await files.close()
  await lost
  t.match(await files.begin(fd).finish(), /^e3b0c442/)
  closeSync(fd)
})
