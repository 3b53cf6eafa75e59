// A sender that goes away: at every point of an object, and just before it hears the answer.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ctElements, dataSetBytes } from '../fixtures/dicom-writer.ts'
import {
  OddClient,
  abortPdu,
  fragments,
  goodStore,
  pData,
  pduType,
  storeCommand,
  storePdus,
} from '../fixtures/odd-client.ts'
import { Scp, dataSetOf } from '../tools/scp.ts'

const objectOf = (number: number) => {
  const SOPInstanceUID = `2.25.5001${String(number)}`
  const image = { instanceNumber: number, sopUID: SOPInstanceUID, rows: 64, columns: 64 }
  return { SOPInstanceUID, dataSet: dataSetBytes(ctElements(image)) }
}
const stored = (scp: Scp): string[] => {
  const archive = join(scp.dataDir, 'default/archive')
  if (!existsSync(archive)) return []
  return readdirSync(archive, { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('.dcm'))
}

const ends: Readonly<Record<string, (client: OddClient) => void>> = {
  'A-ABORT': (client) => {
    client.send(abortPdu)
    client.socket.end()
  },
  'a reset': (client) => {
    client.socket.resetAndDestroy()
  },
  'the end of the connection': (client) => {
    client.socket.end()
  },
}
for (const [what, end] of Object.entries(ends)) {
  t.test(
    `REL-04: ${what} behind any PDU of an object: what was acknowledged stays, nothing else is seen`,
    async (t) => {
      const scp = await Scp.start(t, { args: ['--journal', 'received'] })
      const pdus = (number: number): Buffer[] => {
        const object = objectOf(number)
        const command = fragments(1, true, storeCommand(object), 60)
        return [...command, ...fragments(1, false, object.dataSet, 1500)].map((one) => pData(one))
      }
      const count = pdus(0).length
      for (let sent = 0; sent < count; sent++) {
        const client = await OddClient.associated(scp.port)
        client.send(storePdus(objectOf(2 * sent)))
        t.equal(await client.status(), 0)
        await client.sent(Buffer.concat(pdus(2 * sent + 1).slice(0, sent)))
        end(client)
        await client.rest()
        await scp.logged('association ended')
        await scp.tidy()
        scp.log.splice(0)
      }
      const acknowledged = Array.from({ length: count }, (_, n) => objectOf(2 * n).SOPInstanceUID)
      t.same(
        scp.journal().map(({ SOPInstanceUID }) => SOPInstanceUID),
        acknowledged,
      )
      t.equal(stored(scp).length, count)
      t.notOk(existsSync(join(scp.dataDir, 'quarantine')))
    },
  )

  t.test(
    `REL-04, REL-05: ${what} instead of hearing the answer: the object comes again, and is a duplicate`,
    async (t) => {
      const scp = await Scp.start(t, { args: ['--journal', 'received'] })
      for (let number = 0; number < 8; number++) {
        const object = objectOf(number)
        const client = await OddClient.associated(scp.port)
        await client.sent(storePdus(object))
        end(client)
        await client.rest()
        await scp.logged('association ended')
        scp.log.splice(0)
        t.equal(await goodStore(scp.port, object), 0)
        await scp.logged('association released')
        await scp.tidy()
        scp.log.splice(0)
      }
      // Whether the first one was still taken or not, one file is there, and every file has its record.
      t.equal(stored(scp).length, 8)
      for (const { SOPInstanceUID, path } of scp.journal()) {
        const number = Number(SOPInstanceUID.slice('2.25.5001'.length))
        t.ok(dataSetOf(readFileSync(path)).equals(objectOf(number).dataSet))
      }
      t.equal(new Set(scp.journal().map(({ path }) => path)).size, 8)
    },
  )
}

t.test(
  'REL-06: the same object on many associations at once is stored once, and all hear success',
  async (t) => {
    const scp = await Scp.start(t)
    const object = objectOf(1)
    const statuses = await Promise.all(
      Array.from({ length: 12 }, () => goodStore(scp.port, object)),
    )
    t.same(new Set(statuses), new Set([0]))
    const records = await scp.recorded(12)
    t.equal(records.filter(({ duplicate }) => duplicate !== true).length, 1)
    t.equal(stored(scp).length, 1)
  },
)

t.test('other bytes under the same UID at once: all of them are kept', async (t) => {
  const scp = await Scp.start(t)
  const objects = Array.from({ length: 6 }, (_, n) => ({
    ...objectOf(1),
    dataSet: dataSetBytes(ctElements({ sopUID: objectOf(1).SOPInstanceUID, instanceNumber: n })),
  }))
  const statuses = await Promise.all(objects.map((object) => goodStore(scp.port, object)))
  t.same(new Set(statuses), new Set([0]))
  t.equal(stored(scp).length, 6)
})

t.test('a release while an object is being stored comes behind its answer', async (t) => {
  const scp = await Scp.start(t)
  const client = await OddClient.associated(scp.port)
  client.send(
    Buffer.concat([
      storePdus(objectOf(1)),
      Buffer.from('050000000004 00000000'.replace(' ', ''), 'hex'),
    ]),
  )
  t.equal(await client.status(), 0)
  t.match(await client.next(), { type: pduType.releaseRp })
})
