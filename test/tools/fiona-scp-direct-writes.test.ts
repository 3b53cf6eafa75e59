// Whether what comes in goes past the kernel's cache: seen at the flags of the open files of the tool itself.
import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Status } from '../../src/lib/dimse/index.ts'
import { Peer, storePdus } from '../dimse/peer.ts'
import { ctElements, dataSetBytes } from '../fixtures/dicom-writer.ts'
import { Scp } from './scp.ts'

const canBeDirect = (): boolean => {
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_DIRECT
    closeSync(openSync(join(t.testdir(), 'file'), flags))
    return true
  } catch {
    return false
  }
}
const skip = canBeDirect() ? false : 'this file system has no direct writes'

/** proc(5), fdinfo: flags, octal. */
function isAnyDirect(pid: number): boolean {
  const folder = `/proc/${String(pid)}/fdinfo`
  return readdirSync(folder).some((fd) => {
    try {
      const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(join(folder, fd), 'latin1'))?.[1]
      return (Number.parseInt(flags ?? '0', 8) & constants.O_DIRECT) !== 0
    } catch {
      return false
    }
  })
}

/** Of a receiver that has most of an object of 525 kB, and waits for the rest. */
async function isDirectWithin(t: Test, scp: Scp): Promise<boolean> {
  const peer = await Peer.associated(scp.port)
  const dataSet = dataSetBytes(ctElements({ instanceNumber: 1, rows: 512, columns: 512 }))
  const wire = storePdus({ SOPInstanceUID: '2.25.30011', dataSet })
  peer.send(wire.subarray(0, 400_000))
  while (
    !scp.incoming().some((name) => statSync(join(scp.dataDir, 'incoming', name)).size >= 262_144)
  )
    await delay(10)
  const isDirect = isAnyDirect(scp.child.pid ?? 0)
  peer.send(wire.subarray(400_000))
  t.equal(await peer.status(), Status.success)
  return isDirect
}

t.test('what is synced goes past the cache', { skip }, async (t) => {
  t.equal(await isDirectWithin(t, await Scp.start(t)), true)
})

t.test('where the configuration says so, it does not', { skip }, async (t) => {
  const config = join(t.testdir(), 'fiona.yaml')
  writeFileSync(config, 'receiver: { directWrites: false }\n')
  t.equal(await isDirectWithin(t, await Scp.start(t, { config })), false)
})

t.test('where nobody waits for the disk, it does not', { skip }, async (t) => {
  const scp = await Scp.start(t, { args: ['--durability', 'none'] })
  t.equal(await isDirectWithin(t, scp), false)
})
