// What a peer can use up, and that it cannot use up more of it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { OddClient, associateRq, goodEcho, pduType } from '../fixtures/odd-client.ts'
import { Scp, newDataDir } from '../tools/scp.ts'

/** A-ASSOCIATE-RJ: a reserved byte, result, source, reason (PS3.8 table 9-21). */
const localLimitExceeded = Buffer.of(0, 2, 3, 2)

t.test('one address may not take all the associations', async (t) => {
  const dataDir = newDataDir(t)
  const config = join(dataDir, 'fiona.yaml')
  const receiver = { maxAssociations: 4, maxAssociationsPerAddress: 2 }
  writeFileSync(config, JSON.stringify({ receiver }))
  const scp = await Scp.start(t, { dataDir, args: ['--config', config] })
  const greedy = [await OddClient.associated(scp.port), await OddClient.associated(scp.port)]
  const third = await OddClient.connect(scp.port)
  third.send(associateRq())
  t.same(await third.next(), { type: pduType.rj, body: localLimitExceeded })
  t.equal(await third.next(), 'closed')
  t.equal(await goodEcho(scp.port, '127.0.0.2'), 0, 'another address is served')
  await greedy[0]?.release()
  t.equal(await goodEcho(scp.port), 0, 'and the first one again, when one of its own has ended')
  await greedy[1]?.release()
})
