// Small causes that would have large effects: what a peer sends must not decide how much memory we take.
import { deflateRawSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { RawPeer, requestBytes } from '../commitment/raw-peer.ts'
import { ctElements, dataSetBytes, raw } from '../fixtures/dicom-writer.ts'
import {
  OddClient,
  associateRq,
  goodEcho,
  pdu,
  proposed,
  storePdus,
  uid,
} from '../fixtures/odd-client.ts'
import { residentBytes } from '../fixtures/process-memory.ts'
import { Scp } from '../tools/scp.ts'

const mostResidentBytes = 300e6
const elements = ctElements({ sopUID: '2.25.7', studyUID: '2.25.8' })
const object = { SOPInstanceUID: '2.25.7' }
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

async function store(scp: Scp, dataSet: Buffer, syntax: string = uid.explicit): Promise<number> {
  const client = await OddClient.associated(scp.port, {
    contexts: [proposed(1, uid.ctImageStorage, [syntax])],
  })
  client.send(storePdus({ ...object, dataSet }))
  const status = await client.status()
  await client.release()
  return status
}

async function isSmall(t: Test, scp: Scp): Promise<void> {
  t.equal(await goodEcho(scp.port), 0)
  const peak = residentBytes(scp.child.pid, 'peak')
  t.ok(peak < mostResidentBytes, `${String(Math.round(peak / 1e6))} MB at most`)
}

t.test('millions of elements, items and fragments are walked and forgotten', async (t) => {
  const scp = await Scp.start(t)
  const empty = hex('feff00e0 00000000')
  const end = hex('feffdde0 00000000')
  const items = Buffer.concat([
    hex('09001110 5351 0000 ffffffff'),
    Buffer.alloc(8 * 2e6, empty),
    end,
  ])
  const fragments = Buffer.concat([
    hex('e07f1000 4f42 0000 ffffffff'),
    Buffer.alloc(8 * 2e6, empty),
    end,
  ])
  const own = Buffer.alloc(8 * 2e6, hex('09001010 4c4f 0000'))
  const without = elements.filter(({ tag }) => tag !== 0x7fe00010)
  t.equal(await store(scp, dataSetBytes([...without, raw(items, 0x00091011)])), 0)
  t.equal(await store(scp, dataSetBytes([...without, raw(fragments, 0x7fe00010)])), 0)
  t.equal(await store(scp, dataSetBytes([...without, raw(own, 0x00091010)])), 0xc000)
  await isSmall(t, scp)
})

t.test(
  'SEC-18: a deflated data set is looked at without its inflated bytes in memory',
  async (t) => {
    const scp = await Scp.start(t)
    const length = 200 << 20
    const header = Buffer.concat([hex('e07f1000 4f42 0000'), Buffer.alloc(4)])
    header.writeUInt32LE(length, 8)
    const pixels = raw(Buffer.concat([header, Buffer.alloc(length)]), 0x7fe00010)
    const dataSet = dataSetBytes([...elements.filter(({ tag }) => tag !== pixels.tag), pixels])
    t.equal(await store(scp, deflateRawSync(dataSet, { level: 1 }), uid.deflated), 0)
    // Ten bytes of the pixels are missing when all is inflated.
    const short = deflateRawSync(dataSet.subarray(0, dataSet.length - 10), { level: 1 })
    t.equal(await store(scp, short, uid.deflated), 0xc000)
    t.same(scp.incoming(), [])
    await isSmall(t, scp)
  },
)

t.test(
  'SEC-11, SEC-13: a crowd that sends all but the end of the longest request is held in little',
  async (t) => {
    const scp = await Scp.start(t)
    const most = pdu(1, Buffer.alloc(255 << 10), 256 << 10)
    const crowd = await Promise.all(Array.from({ length: 1200 }, () => OddClient.connect(scp.port)))
    await Promise.all(crowd.map((client) => client.sent(most)))
    await isSmall(t, scp)
    // Whoever asks for little is not among those who have to go.
    const [first] = crowd
    t.equal(await first?.next(), 'closed', 'the first of the crowd made room')
    const client = await OddClient.connect(scp.port)
    client.send(associateRq())
    t.match(await client.next(), { type: 2 })
    for (const { socket } of [...crowd, client]) socket.destroy()
  },
)

t.test('a request to commit 100,000 objects costs a few times its bytes', async (t) => {
  const scp = await Scp.start(t)
  t.equal(await goodEcho(scp.port), 0)
  const before = residentBytes(scp.child.pid, 'peak')
  const grown = (): number => residentBytes(scp.child.pid, 'peak') - before
  const stem = `2.25.${'1234567890'.repeat(3)}`
  const references = Array.from({ length: 100_000 }, (_, n) => {
    return ['1.2.840.10008.5.1.4.1.1.2', stem + String(n)] as const
  })
  const request = requestBytes('2.25.77', references)
  const peer = await RawPeer.associated(scp.port)
  // Its 9 MB take 37 MB, and 63 MB at most when its report of 10 MB is out, which is made as it goes. Parsed
  // whole and made of objects, it took 140 MB and 360 MB.
  t.equal(await peer.asked(request), 0)
  t.ok(grown() < 80e6, `${String(Math.round(grown() / 1e6))} MB for the request`)
  const report = await peer.report()
  t.equal(
    Object.keys(report.failed).length,
    references.length,
    'each is reported: none was ever sent',
  )
  t.ok(grown() < 90e6, `${String(Math.round(grown() / 1e6))} MB with the report`)
  peer.answer(report.message)
  await peer.release()
})
