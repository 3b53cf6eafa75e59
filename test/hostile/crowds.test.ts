// Crowds that connect and do nothing, or next to nothing: who comes to work is served beside them, and what
// they took comes back.
import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import { ctElements, dataSetBytes } from '../fixtures/dicom-writer.ts'
import { OddClient, associateRq, goodEcho, goodStore, storePdus } from '../fixtures/odd-client.ts'
import { residentBytes } from '../fixtures/process-memory.ts'
import { Scp } from '../tools/scp.ts'

const object = { SOPInstanceUID: '2.25.30011', dataSet: dataSetBytes(ctElements()) }
const openFiles = (scp: Scp): number => readdirSync(`/proc/${String(scp.child.pid)}/fd`).length
const crowdOf = <T>(count: number, one: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, one))

/** Good clients are served while the crowd is there; then it is turned out, and its descriptors come back. */
async function isServedBeside(
  t: Test,
  scp: Scp,
  before: number,
  crowd: OddClient[],
): Promise<void> {
  t.ok(openFiles(scp) > before, 'there is a crowd')
  t.equal(await goodEcho(scp.port), 0)
  t.equal(await goodStore(scp.port, object), 0)
  t.equal(await goodEcho(scp.port), 0)
  for (const client of crowd) await client.rest()
  while (openFiles(scp) > before) await new Promise((resolve) => setTimeout(resolve, 20))
  t.ok(residentBytes(scp.child.pid, 'peak') < 300e6)
  t.equal(await goodEcho(scp.port), 0)
  t.same(scp.incoming(), [])
}

const impatient = { args: ['--idle-seconds', '3'] }

t.test('a thousand connections that say nothing', async (t) => {
  const scp = await Scp.start(t, impatient)
  const before = openFiles(scp)
  const crowd = await crowdOf(1000, () => OddClient.connect(scp.port))
  await isServedBeside(t, scp, before, crowd)
})

t.test('two hundred that drip, each a byte now and then, before and in associations', async (t) => {
  const scp = await Scp.start(t, impatient)
  const before = openFiles(scp)
  const crowd = await crowdOf(170, () => OddClient.connect(scp.port))
  crowd.push(...(await crowdOf(30, () => OddClient.associated(scp.port))))
  const request = associateRq()
  const store = storePdus(object)
  let at = 0
  const drip = setInterval(() => {
    crowd.forEach(({ socket }, number) => {
      if (socket.writable) socket.write((number < 170 ? request : store).subarray(at, at + 1))
    })
    at++
  }, 500)
  t.teardown(() => {
    clearInterval(drip)
  })
  await isServedBeside(t, scp, before, crowd)
})

t.test('thirty associations that say nothing', async (t) => {
  const scp = await Scp.start(t, impatient)
  const before = openFiles(scp)
  await isServedBeside(t, scp, before, await crowdOf(30, () => OddClient.associated(scp.port)))
})

t.test('three hundred that do not read what they asked for', async (t) => {
  const scp = await Scp.start(t, impatient)
  const before = openFiles(scp)
  const crowd = await crowdOf(300, () => OddClient.connect(scp.port))
  for (const { socket } of crowd) {
    socket.pause()
    socket.write(associateRq({ version: 2 }))
  }
  t.equal(await goodEcho(scp.port), 0)
  for (const { socket } of crowd) socket.resume()
  for (const client of crowd) await client.rest()
  while (openFiles(scp) > before) await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal(await goodEcho(scp.port), 0)
})
