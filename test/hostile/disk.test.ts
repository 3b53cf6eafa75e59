// A file system that fills up, is full, or cannot be written: a small one of our own, mounted in memory.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ctElements, dataSetBytes } from '../fixtures/dicom-writer.ts'
import {
  OddClient,
  associateRq,
  goodEcho,
  goodStore,
  pduType,
  storePdus,
} from '../fixtures/odd-client.ts'
import { Scp, newDataDir } from '../tools/scp.ts'

const outOfResources = 0xa700
/** A-ASSOCIATE-RJ: transient, presentation, temporary congestion (PS3.8 table 9-21). */
const congestion = { type: pduType.rj, body: Buffer.of(0, 2, 3, 1) }

const mount = (...args: readonly string[]): boolean => spawnSync('mount', args).status === 0
const mayMount = {
  skip: canMount() ? false : 'mounting a file system takes root and a system that allows it',
}

function canMount(): boolean {
  if (process.getuid?.() !== 0) return false
  // A container may refuse it to its root.
  const probe = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt'])
  return probe.status === 0
}

async function startOn(t: Test, megabytes: number, reserveBytes: number): Promise<Scp> {
  const dataDir = newDataDir(t)
  t.ok(mount('-t', 'tmpfs', '-o', `size=${String(megabytes)}m`, 'fiona-test', dataDir))
  t.teardown(() => spawnSync('umount', ['-l', dataDir]))
  const config = join(newDataDir(t), 'fiona.yaml')
  writeFileSync(config, JSON.stringify({ receiver: { reserveBytes } }))
  return Scp.start(t, { dataDir, args: ['--config', config, '--journal', 'received'] })
}

const objectOf = (number: number, side: number) => {
  const SOPInstanceUID = `2.25.3001${String(number)}`
  const image = { instanceNumber: number, sopUID: SOPInstanceUID, rows: side, columns: side }
  return { SOPInstanceUID, dataSet: dataSetBytes(ctElements(image)) }
}

/** Takes what is left, to the last block. @returns a function that gives it back */
function fill(dataDir: string): () => void {
  const path = join(dataDir, 'filler')
  spawnSync('dd', ['if=/dev/zero', `of=${path}`, 'bs=4096'])
  return () => {
    rmSync(path)
  }
}

t.test(
  'REL-15: a folder of the archive on another file system refuses until it is not',
  mayMount,
  async (t) => {
    const scp = await startOn(t, 16, 0)
    t.equal(await goodStore(scp.port, objectOf(1, 64)), 0)
    const archive = join(scp.dataDir, 'default/archive')
    t.ok(mount('-t', 'tmpfs', 'fiona-test', archive))
    t.equal(await goodStore(scp.port, objectOf(2, 64)), outOfResources)
    t.match(await scp.logged('object refused'), { code: 'E_ARCHIVE_WRITE' })
    t.same(
      readdirSync(archive, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()),
      [],
    )
    t.equal(spawnSync('umount', [archive]).status, 0)
    t.equal(await goodStore(scp.port, objectOf(2, 64)), 0)
    isWhole(t, scp, 2)
  },
)

/** Everything that has a record is there and whole, and nothing is there without. */
function isWhole(t: Test, scp: Scp, records: number): void {
  t.equal(scp.journal().length, records)
  const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
  t.same(
    scp.journal().filter(({ path, sha256 }) => digest(path) !== sha256),
    [],
  )
  t.same(scp.incoming(), [])
  t.notOk(existsSync(join(scp.dataDir, 'quarantine')))
}

t.test(
  'REL-13: an object too large for the disk is refused, and its space given back',
  mayMount,
  async (t) => {
    const scp = await startOn(t, 16, 0)
    const client = await OddClient.associated(scp.port)
    client.send(storePdus(objectOf(1, 3200)))
    t.equal(await client.status(), outOfResources)
    client.send(storePdus(objectOf(2, 64)))
    t.equal(await client.status(), 0, 'a smaller one behind it is taken')
    await client.release()
    isWhole(t, scp, 1)
  },
)

t.test(
  'REL-13: an object that grows into the reserve is refused before the disk is full',
  mayMount,
  async (t) => {
    const scp = await startOn(t, 64, 32 << 20)
    const client = await OddClient.associated(scp.port)
    const { SOPInstanceUID, dataSet } = objectOf(1, 64)
    const wire = storePdus({
      SOPInstanceUID,
      dataSet: Buffer.concat([dataSet, Buffer.alloc(48 << 20)]),
    })
    client.send(wire)
    t.equal(await client.status(), outOfResources)
    t.match(await scp.logged('object refused'), { code: 'E_DISK_FULL' })
    await client.release()
    isWhole(t, scp, 0)
  },
)

t.test(
  'REL-13: storing until the disk is full, and on when there is space again',
  mayMount,
  async (t) => {
    const scp = await startOn(t, 8, 0)
    const client = await OddClient.associated(scp.port)
    let stored = 0
    for (let number = 0; ; number++) {
      client.send(storePdus(objectOf(number, 200)))
      const status = await client.status()
      if (status === 0) stored++
      else {
        t.equal(status, outOfResources)
        break
      }
    }
    t.ok(stored > 50, `${String(stored)} objects`)
    await client.release()
    isWhole(t, scp, stored)

    const giveBack = fill(scp.dataDir)
    const refused = await OddClient.connect(scp.port)
    refused.send(associateRq())
    t.same(await refused.next(), congestion, 'full: told at the association')
    t.equal(await goodEcho(scp.port), 0, 'an echo is still answered')
    giveBack()
    rmSync(join(scp.dataDir, 'default/archive'), { recursive: true })
    t.equal(await goodStore(scp.port, objectOf(5000, 200)), 0)
    t.match(scp.journal().at(-1), { SOPInstanceUID: '2.25.30015000' })
  },
)

t.test('REL-13: a disk that fills up in the middle of an association', mayMount, async (t) => {
  const scp = await startOn(t, 8, 0)
  const client = await OddClient.associated(scp.port)
  client.send(storePdus(objectOf(1, 64)))
  t.equal(await client.status(), 0)
  const giveBack = fill(scp.dataDir)
  client.send(storePdus(objectOf(2, 64)))
  t.equal(await client.status(), outOfResources)
  giveBack()
  client.send(storePdus(objectOf(2, 64)))
  t.equal(await client.status(), 0, 'the same again is taken')
  await client.release()
  isWhole(t, scp, 2)
})

t.test(
  'REL-14: an archive gone read-only refuses until it can be written again',
  mayMount,
  async (t) => {
    const scp = await startOn(t, 16, 0)
    t.equal(await goodStore(scp.port, objectOf(1, 64)), 0)
    // The journal is open for writing, and a file system in use is not made read-only from outside.
    const frozen = join(scp.dataDir, 'default')
    t.ok(mount('--bind', frozen, frozen) && mount('-o', 'remount,bind,ro', frozen))
    t.equal(await goodStore(scp.port, objectOf(2, 64)), outOfResources)
    t.equal(await goodEcho(scp.port), 0)
    t.equal(spawnSync('umount', [frozen]).status, 0)
    t.equal(await goodStore(scp.port, objectOf(2, 64)), 0)
    isWhole(t, scp, 2)
  },
)
