// The receiver is killed at any moment of storage commitment: whatever it answered with success is reported.
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { RawListener, RawPeer, requestBytes, untilReleased } from '../commitment/raw-peer.ts'
import { CT_IMAGE_STORAGE } from '../fixtures/dicom-writer.ts'
import { Scp, newDataDir } from '../tools/scp.ts'

const rounds = 6

t.test('REL-11: what was answered with success is reported, whenever it is killed', async (t) => {
  const dataDir = newDataDir(t)
  const listening = await RawListener.listen()
  t.teardown(() => {
    listening.close()
  })
  const reported = new Set<string>()
  const hearing = (async () => {
    for (;;) {
      const association = await listening.next()
      // Killed in the middle: it is the receiver's to come again.
      await (async () => {
        const report = await association.peer.report()
        association.peer.answer(report.message)
        reported.add(report.TransactionUID)
        await untilReleased(association)
      })().catch(() => undefined)
    }
  })()
  void hearing
  const config = join(newDataDir(t), 'fiona.json')
  const peers = { MODALITY: { host: '127.0.0.1', port: listening.port } }
  writeFileSync(config, JSON.stringify({ receiver: { peers } }))
  const args = ['--config', config]
  const promised: string[] = []
  for (let round = 0; round < rounds; round++) {
    const scp = await Scp.start(t, { dataDir, args })
    const asking = (async () => {
      for (let n = 0; ; n++) {
        const uid = `2.25.${String(round + 1)}.${String(n)}`
        const peer = await RawPeer.associated(scp.port)
        const status = await peer.asked(requestBytes(uid, [[CT_IMAGE_STORAGE, '2.25.1']]))
        if (status === 0) promised.push(uid)
        // Most release at once; some stay, and hear it where they are, until the receiver is gone.
        if (n % 3 !== 0) await peer.release()
      }
    })().catch(() => undefined)
    while (promised.filter((uid) => uid.startsWith(`2.25.${String(round + 1)}.`)).length < 4) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await new Promise((resolve) => setTimeout(resolve, 400 * round))
    await scp.end('SIGKILL')
    await asking
  }
  const last = await Scp.start(t, { dataDir, args })
  const waiting = () => readdirSync(join(dataDir, 'commitment'))
  while (waiting().length > 0) await new Promise((resolve) => setTimeout(resolve, 50))
  const missing = promised.filter((uid) => !reported.has(uid))
  // Those who stayed got theirs on an association that was killed, or never: then here.
  t.same(missing, [])
  t.ok(promised.length >= 4 * rounds, `${String(promised.length)} requests`)
  t.equal(await last.end('SIGTERM'), 0)
})
