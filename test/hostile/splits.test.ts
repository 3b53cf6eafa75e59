// PS3.8 annex E lets a sender cut a message into fragments as it likes, pack fragments into PDUs as it
// likes, and TCP cuts once more. Whatever it does, the file is the same.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { ctElements, dataSetBytes, el } from '../fixtures/dicom-writer.ts'
import { OddClient, fragments, pData, storeCommand, storePdus } from '../fixtures/odd-client.ts'
import { Scp, dataSetOf } from '../tools/scp.ts'

const usedLengths = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 16_000 }))
const waysToSend = fc.record({
  /** The longest fragments of the command and of the data set. */
  commandBytes: fc.oneof(usedLengths, fc.constant(1)),
  dataBytes: usedLengths,
  /** How many fragments go into one PDU, in turn. */
  perPdu: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
  /** Whether command and data may share a PDU, as dcm4che packs them. */
  shares: fc.boolean(),
  /** What is given to the kernel at once, in turn. */
  segments: fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 30 }),
  side: fc.integer({ min: 1, max: 60 }),
})
type Way = typeof waysToSend extends fc.Arbitrary<infer T> ? T : never

const objectOf = (number: number, side: number) => {
  const SOPInstanceUID = `2.25.4001${String(number)}`
  const image = { instanceNumber: number, sopUID: SOPInstanceUID, rows: side, columns: side }
  return { SOPInstanceUID, dataSet: dataSetBytes(ctElements(image)) }
}

function pack(pdvs: readonly Buffer[], perPdu: readonly number[]): Buffer[] {
  const pdus: Buffer[] = []
  for (let at = 0, turn = 0; at < pdvs.length; turn++) {
    const most = perPdu[turn % perPdu.length] ?? 1
    let count = 0
    for (let bytes = 0; count < most && at + count < pdvs.length; count++) {
      bytes += pdvs[at + count]?.length ?? 0
      // The receiver's announced maximum.
      if (count > 0 && bytes > 131_072) break
    }
    pdus.push(pData(...pdvs.slice(at, at + count)))
    at += count
  }
  return pdus
}

function wireOf(way: Way, object: ReturnType<typeof objectOf>): Buffer {
  const command = fragments(1, true, storeCommand(object), way.commandBytes)
  const data = fragments(1, false, object.dataSet, way.dataBytes)
  return Buffer.concat(
    way.shares
      ? pack([...command, ...data], way.perPdu)
      : [...pack(command, way.perPdu), ...pack(data, way.perPdu)],
  )
}

async function send(client: OddClient, wire: Buffer, segments: readonly number[]): Promise<number> {
  let at = 0
  for (const length of segments) {
    if (at >= wire.length) break
    await client.sent(wire.subarray(at, at + length))
    at += length
  }
  client.send(wire.subarray(at))
  return client.status()
}

t.test(
  'REL-02: however an object is cut and packed, its file is the one of the plain way',
  async (t) => {
    const scp = await Scp.start(t, { args: ['--durability', 'none'] })
    let number = 0
    await fc.assert(
      fc.asyncProperty(waysToSend, async (way) => {
        const object = objectOf(++number, way.side)
        const client = await OddClient.associated(scp.port)
        const status = await send(client, wireOf(way, object), way.segments)
        await client.release()
        if (status !== 0) return false
        const record = (await scp.recorded(number)).at(-1)
        if (record === undefined) return false
        return dataSetOf(readFileSync(record.path)).equals(object.dataSet)
      }),
      { numRuns: 120 },
    )
    t.equal(scp.records.length, number)
  },
)

/** As some pack: dcm4che lets command and data share a PDU, others fill PDUs with short fragments. */
const packings: Readonly<Record<string, (object: ReturnType<typeof objectOf>) => Buffer[]>> = {
  'REL-01: four data fragments of 16 KiB in each PDU': (object) => [
    pData(...fragments(1, true, storeCommand(object), 16_000)),
    ...pack(fragments(1, false, object.dataSet, 16_384), [4]),
  ],
  'REL-02: command and data in one PDU': (object) =>
    pack(
      [
        ...fragments(1, true, storeCommand(object), 16_000),
        ...fragments(1, false, object.dataSet, 65_000),
      ],
      [2],
    ),
  'fragments of 50 bytes, each in a PDU': (object) =>
    [
      ...fragments(1, true, storeCommand(object), 50),
      ...fragments(1, false, object.dataSet, 50),
    ].map((one) => pData(one)),
}
/** Of a megabyte and a half, no two parts of which are alike. */
function longObjectOf(number: number): ReturnType<typeof objectOf> {
  const SOPInstanceUID = `2.25.4002${String(number)}`
  const pixels = Buffer.alloc(1_600_000)
  for (let at = 0; at < pixels.length; at += 4) pixels.writeUInt32LE(at + number, at)
  const elements = [el(0x7fe00010, 'OW', pixels)]
  return { SOPInstanceUID, dataSet: dataSetBytes(ctElements({ sopUID: SOPInstanceUID, elements })) }
}

for (const [what, packed] of Object.entries(packings)) {
  t.test(`${what}, on four associations at once: every byte is there`, async (t) => {
    const scp = await Scp.start(t)
    const objects = [1, 2, 3, 4].map(longObjectOf)
    const store = async (object: ReturnType<typeof objectOf>): Promise<number> => {
      const client = await OddClient.associated(scp.port)
      client.send(Buffer.concat(packed(object)))
      const status = await client.status()
      await client.release()
      return status
    }
    t.same(await Promise.all(objects.map(store)), [0, 0, 0, 0])
    const records = await scp.recorded(4)
    for (const { SOPInstanceUID, dataSet } of objects) {
      const { path = '' } = records.find((one) => one.SOPInstanceUID === SOPInstanceUID) ?? {}
      t.ok(dataSetOf(readFileSync(path)).equals(dataSet), SOPInstanceUID)
    }
  })
}

t.test('each split is a duplicate of the plain way, header included', async (t) => {
  const scp = await Scp.start(t, { args: ['--durability', 'none'] })
  const object = objectOf(1, 20)
  const plain = await OddClient.associated(scp.port)
  plain.send(storePdus(object))
  t.equal(await plain.status(), 0)
  const ways = fc.sample(waysToSend, 40)
  for (const way of ways) {
    if ((await send(plain, wireOf(way, object), way.segments)) !== 0) t.fail(JSON.stringify(way))
  }
  await plain.release()
  const [first, ...others] = await scp.recorded(ways.length + 1)
  t.match(first, { duplicate: false })
  t.equal(others.length, 40)
  t.ok(others.every(({ duplicate, sha256 }) => duplicate === true && sha256 === first?.sha256))
})

t.test('REL-03: one-byte segments through the real wire', async (t) => {
  const scp = await Scp.start(t)
  const object = objectOf(1, 4)
  const client = await OddClient.associated(scp.port)
  for (const byte of storePdus(object)) await client.sent(Buffer.of(byte))
  t.equal(await client.status(), 0)
  await client.release()
  const [record] = await scp.recorded(1)
  t.ok(dataSetOf(readFileSync(record?.path ?? '')).equals(object.dataSet))
})
