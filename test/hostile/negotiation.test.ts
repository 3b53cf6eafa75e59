// What a request may ask for beside its contexts, and what it is told.
import t from 'tap'
import {
  OddClient,
  type AssociateFields,
  associateRq,
  item,
  pduType,
  uid,
  usualUserItems,
} from '../fixtures/odd-client.ts'
import { Scp } from '../tools/scp.ts'

/** The user items of the acceptance, by type: what is in the last item of an A-ASSOCIATE-AC. */
async function answered(port: number, fields: AssociateFields): Promise<Map<number, Buffer>> {
  const client = await OddClient.connect(port)
  client.send(associateRq(fields))
  const reply = await client.next()
  if (reply === 'closed' || reply.type !== pduType.ac) throw new Error('not accepted')
  await client.release()
  const items = new Map<number, Buffer>()
  for (let at = 68; at < reply.body.length; at += 4 + reply.body.readUInt16BE(at + 2)) {
    if (reply.body[at] !== 0x50) continue
    const end = at + 4 + reply.body.readUInt16BE(at + 2)
    for (let sub = at + 4; sub < end; sub += 4 + reply.body.readUInt16BE(sub + 2)) {
      const length = reply.body.readUInt16BE(sub + 2)
      items.set(reply.body[sub] ?? 0, reply.body.subarray(sub + 4, sub + 4 + length))
    }
  }
  return items
}

t.test(
  'one operation at a time, one role, no identity vouched for, the unknown passed over',
  async (t) => {
    const scp = await Scp.start(t)
    const ask = (...items: Buffer[]) =>
      answered(scp.port, { userItems: [...usualUserItems, ...items] })

    const plain = await ask()
    t.same([...plain.keys()].sort(), [0x51, 0x52, 0x55], 'nothing is answered that was not asked')

    const window = await ask(item(0x53, Buffer.of(0, 0, 0xff, 0xff)))
    t.same(window.get(0x53), Buffer.of(0, 1, 0, 1), 'PS3.7 D.3.3.3: a window of one')

    const sopClass = Buffer.concat([Buffer.of(0, 25), Buffer.from(uid.ctImageStorage)])
    const role = await ask(item(0x54, Buffer.concat([sopClass, Buffer.of(1, 1)])))
    t.same(role.get(0x54), Buffer.concat([sopClass, Buffer.of(1, 0)]), 'D.3.3.4: SCU, and not SCP')

    // D.3.3.7: who does not look at the identity accepts without saying that it was right.
    const identity = Buffer.concat([
      Buffer.of(2, 1, 0, 4),
      Buffer.from('user'),
      Buffer.of(0, 2),
      Buffer.from('pw'),
    ])
    t.same([...(await ask(item(0x58, identity))).keys()].sort(), [0x51, 0x52, 0x55])

    const others = [
      item(0x56, Buffer.concat([sopClass, Buffer.alloc(6, 1)])),
      item(0x57, 'x'),
      item(0x7f, 'x'),
    ]
    t.same([...(await ask(...others)).keys()].sort(), [0x51, 0x52, 0x55])
  },
)
