import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { BlockPool, blockBytes } from '../../src/lib/receive/block-pool.ts'

t.test('blocks do not overlap, and the last that came back is the next to go', async (t) => {
  const pool = new BlockPool(3 * blockBytes)
  const blocks = [pool.take(), pool.take(), pool.take()]
  for (const [n, { bytes }] of blocks.entries()) bytes.fill(n + 1)
  for (const [n, { bytes }] of blocks.entries()) {
    t.ok(bytes.every((byte) => byte === n + 1))
  }
  const [first, second] = blocks
  if (first === undefined || second === undefined) throw new Error('three were taken')
  pool.giveBack(first)
  pool.giveBack(second)
  t.equal(pool.inUse, 1)
  t.equal(pool.take(), second)
  t.equal(pool.take(), first)
})

t.test('when all are in use there is one beside the pool, which does not come back', async (t) => {
  const pool = new BlockPool(blockBytes)
  const own = pool.take()
  const beside = pool.take()
  t.equal(beside.offset, undefined)
  t.equal(beside.bytes.length, blockBytes)
  pool.giveBack(beside)
  t.equal(pool.take().offset, undefined)
  pool.giveBack(own)
  t.equal(pool.take(), own)
})

t.test('what is lent comes back when it is said to have been read', async (t) => {
  const pool = new BlockPool(blockBytes)
  const block = pool.take()
  let isRead = false
  pool.giveBack(block, () => isRead)
  t.not(pool.take(), block)
  isRead = true
  t.equal(pool.take(), block)
})

const path = join(t.testdir(), 'file')

/** A descriptor that is written past the kernel's cache; undefined where there is no such thing. */
function openDirect(): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_DIRECT)
  } catch {
    return undefined
  }
}

const fd = openDirect()

t.test(
  'every block can be written past the kernel’s cache',
  { skip: fd === undefined ? 'this file system has no direct writes' : false },
  async (t) => {
    const pool = new BlockPool(4 * blockBytes)
    t.ok(pool.isAligned)
    for (let n = 0; n < 4; n++) {
      const { bytes } = pool.take()
      t.equal(writeSync(fd ?? -1, bytes, 0, blockBytes, n * blockBytes), blockBytes)
    }
    closeSync(fd ?? -1)
  },
)
