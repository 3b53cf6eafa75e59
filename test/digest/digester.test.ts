import { createHash, randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { digesterOn } from '../fixtures/digester.ts'
import { type Block, BlockPool, blockBytes } from '../../src/lib/receive/block-pool.ts'
import type { Digest } from '../../src/lib/digest/index.ts'

function made(t: Test, blocks: number) {
  const pool = new BlockPool(blocks * blockBytes)
  const digester = digesterOn(pool.memory)
  t.teardown(() => digester.close())
  return { pool, digester }
}

/** As a receiver does: a block at a time, given back at once. */
function feed(pool: BlockPool, digest: Digest, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = pool.take()
    const length = bytes.copy(block.bytes, 0, at, at + blockBytes)
    pool.giveBack(block, digest.update(block, length))
  }
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

t.test(
  'the digest is that of the bytes, many objects at a time, also beside the pool',
  async (t) => {
    const { pool, digester } = made(t, 4)
    const sizes = [1, blockBytes - 1, blockBytes, blockBytes + 1, 3_000_001, 5 * blockBytes]
    await Promise.all(
      sizes.map(async (size) => {
        const bytes = randomBytes(size)
        const digest = digester.begin()
        feed(pool, digest, bytes)
        t.equal(await digest.finish(), sha256(bytes), String(size))
      }),
    )
  },
)

t.test('when the thread has read a block, somebody else may have it', async (t) => {
  const { pool, digester } = made(t, 2)
  const digest = digester.begin()
  const block = pool.take()
  const isRead = digest.update(block, blockBytes)
  pool.giveBack(block, isRead)
  await digest.caughtUp()
  t.ok(isRead())
  t.equal(pool.take(), block)
})

t.test('questions of one object are answered each, in their order', async (t) => {
  const { pool, digester } = made(t, 4)
  const digest = digester.begin()
  const bytes = randomBytes(2 * blockBytes)
  feed(pool, digest, bytes)
  const [, , found] = await Promise.all([digest.caughtUp(), digest.caughtUp(), digest.finish()])
  t.equal(found, sha256(bytes))
})

t.test('what was abandoned is forgotten', async (t) => {
  const { pool, digester } = made(t, 4)
  const unwanted = digester.begin()
  feed(pool, unwanted, randomBytes(300_000))
  unwanted.abandon()
  await t.rejects(unwanted.finish(), { message: /has not seen all of it/ })
})

t.test(
  'when the thread ends, what waits hears of it, and the next object has another',
  async (t) => {
    const { pool, digester } = made(t, 8)
    const first = digester.begin()
    const blocks: Block[] = []
    const read = Array.from({ length: 3 }, () => {
      const block = pool.take()
      blocks.push(block)
      return first.update(block, blockBytes)
    })
    const lost = t.rejects(first.finish(), { message: 'the digest thread has ended' })
    await digester.close()
    await lost
    t.ok(
      read.every((isRead) => isRead()),
      'nobody reads its blocks any more',
    )
    feed(pool, first, randomBytes(10))
    await t.rejects(first.finish(), { message: /has not seen all of it/ }, 'half a digest is none')
    const next = digester.begin()
    const bytes = randomBytes(1000)
    feed(pool, next, bytes)
    t.equal(await next.finish(), sha256(bytes))
  },
)

t.test('shared memory that the thread was not given is read where it is', async (t) => {
  const digester = digesterOn()
  t.teardown(() => digester.close())
  const bytes = Buffer.from(new SharedArrayBuffer(100_000))
  randomBytes(bytes.length).forEach((byte, at) => (bytes[at] = byte))
  const digest = digester.begin()
  const parts = [bytes.subarray(0, 10), bytes.subarray(10, 70_000), bytes.subarray(70_000)]
  const read = parts.map((part) => digest.update({ bytes: part }, part.length))
  t.notOk(
    read.some((isRead) => isRead()),
    'not yet',
  )
  t.equal(await digest.finish(), sha256(bytes))
  t.ok(read.every((isRead) => isRead()))
})
