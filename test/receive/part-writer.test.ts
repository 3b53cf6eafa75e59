import { createHash, randomBytes } from 'node:crypto'
import { openSync, readFileSync, readdirSync } from 'node:fs'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { digesterOn } from '../fixtures/digester.ts'
import { BlockPool, blockBytes } from '../../src/lib/receive/block-pool.ts'
import { PartWriter } from '../../src/lib/receive/part-writer.ts'
import { ArchiveWriter, type ArchivePart } from '../../src/lib/storage/index.ts'

function setUp(t: Test, blocks = 32) {
  const dataDir = t.testdir()
  const pool = new BlockPool(blocks * blockBytes)
  const digester = digesterOn(pool.memory)
  t.teardown(() => digester.close())
  const archive = new ArchiveWriter({ dataDir, durability: 'none' })
  return { dataDir, pool, digester, archive }
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** Cuts lie around the ends of blocks and of what a disk writes at once, or anywhere. */
const sizes = fc.oneof(
  fc.integer({ min: 1, max: 5 * blockBytes }),
  fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: -2, max: 2 }))
    .map(([blocks, beyond]) => blocks * blockBytes + beyond),
  fc
    .tuple(fc.integer({ min: 1, max: 90 }), fc.integer({ min: -1, max: 1 }))
    .map(([pages, beyond]) => pages * 4096 + beyond),
)

t.test(
  'however bytes come, the file has them, and size, head and digest are its own',
  async (t) => {
    const { pool, digester, archive } = setUp(t)
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.integer({ min: 1, max: 300_000 }),
        fc.boolean(),
        async (size, step, direct) => {
          const bytes = randomBytes(size)
          const part = await archive.begin()
          const writer = new PartWriter(part, { pool, digester, direct })
          for (let at = 0; at < size; at += step) {
            writer.write(bytes.subarray(at, at + step))
            await writer.congestion
          }
          const written = await writer.finish()
          t.equal(written.size, size)
          t.ok(written.head.equals(bytes.subarray(0, blockBytes)), 'head')
          t.equal(await written.sha256, sha256(bytes))
          t.ok(readFileSync(part.path).equals(bytes), `file of ${String(size)}`)
          await writer.release()
          await part.discard()
        },
      ),
      { numRuns: 60 },
    )
    t.equal(pool.inUse, 0, 'no block was kept')
  },
)

t.test(
  'many at once have their own bytes each, also when the pool has not enough for all',
  async (t) => {
    const { pool, digester, archive } = setUp(t, 6)
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        const bytes = randomBytes(700_000)
        const part = await archive.begin()
        const writer = new PartWriter(part, { pool, digester, direct: true })
        for (let at = 0; at < bytes.length; at += 50_000) {
          writer.write(bytes.subarray(at, at + 50_000))
          await new Promise(setImmediate)
          await writer.congestion
        }
        const written = await writer.finish()
        t.equal(await written.sha256, sha256(bytes))
        t.ok(readFileSync(part.path).equals(bytes))
        await writer.release()
        await part.discard()
      }),
    )
    await digester.close()
    pool.giveBack(pool.take())
    t.equal(pool.inUse, 0)
  },
)

t.test(
  'REL-01: a sender that is faster than the disk is asked to wait, and loses nothing',
  async (t) => {
    const { pool, digester, archive } = setUp(t)
    const part = await archive.begin()
    const writer = new PartWriter(part, { pool, digester, direct: true })
    const bytes = randomBytes(2 << 20)
    writer.write(bytes)
    const wait = writer.congestion
    t.ok(wait instanceof Promise)
    await wait
    writer.write(bytes)
    await writer.finish()
    t.ok(readFileSync(part.path).equals(Buffer.concat([bytes, bytes])))
    await writer.release()
  },
)

/** A part whose file is a device that is always full. */
function onFullDisk(part: ArchivePart): ArchivePart {
  return { ...part, fd: openSync('/dev/full', 'r+'), canBeDirect: false, direct: () => undefined }
}

t.test(
  'what cannot be written is told at the end, long or short, and nothing waits for ever',
  async (t) => {
    const { pool, digester, archive } = setUp(t)
    for (const size of [1000, 200_000, 3_000_000]) {
      const part = await archive.begin()
      const writer = new PartWriter(onFullDisk(part), { pool, digester, direct: true })
      for (let at = 0; at < size; at += 100_000) {
        writer.write(randomBytes(Math.min(100_000, size - at)))
        await writer.congestion
      }
      await t.rejects(writer.finish(), { code: 'ENOSPC' }, String(size))
      t.match(writer.trouble, { error: { code: 'ENOSPC' } })
      await writer.abandon()
      await part.discard()
    }
    await digester.close()
    pool.giveBack(pool.take())
    t.equal(pool.inUse, 0)
  },
)

t.test('what is given up gives its space back, and what comes then is not taken', async (t) => {
  const { pool, digester, archive, dataDir } = setUp(t)
  const part = await archive.begin()
  const writer = new PartWriter(part, { pool, digester, direct: true })
  writer.write(randomBytes(1_000_000))
  writer.giveUp(new Error('no more room'))
  writer.write(randomBytes(1_000_000))
  t.equal(writer.congestion, undefined)
  await writer.release()
  t.equal(readFileSync(part.path).length, 0)
  await part.discard()
  const left = readdirSync(dataDir, { recursive: true }).filter((name) =>
    String(name).endsWith('.part'),
  )
  t.strictSame(left, [])
})

t.test('an abandoned object leaves no block behind, wherever it was', async (t) => {
  const { pool, digester, archive } = setUp(t)
  for (const size of [10, blockBytes, 900_000]) {
    const part = await archive.begin()
    const writer = new PartWriter(part, { pool, digester, direct: true })
    writer.write(randomBytes(size))
    await writer.abandon()
    await part.discard()
  }
  await digester.close()
  pool.giveBack(pool.take())
  t.equal(pool.inUse, 0)
})
