// How much still has to go, as `fiona-send status` says it: with the program itself, while it sends and when nothing runs.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { filesBelow } from '../deliver/sending.ts'
import { makeStudy, studyIn, type Study } from '../deliver/studies.ts'
import { StoragePeer } from '../dimse/storage-peer.ts'
import { Site, isTransfer, nextRevision, requestOf } from './send-site.ts'

/** All of it is there, and nobody listens any more. */
async function delivered(t: Test, objects: number): Promise<{ site: Site; study: Study }> {
  const site = await Site.make()
  const peer = await StoragePeer.listen({ port: site.port })
  const study = makeStudy({ objects })
  t.match(await site.send(study), { code: 0 })
  await peer.close()
  return { site, study }
}

t.test('of a study in hand counts what is not there yet, also after a kill', async (t) => {
  const site = await Site.make()
  const store = (number: number): number | 'silence' => (number <= 2 ? 0 : 'silence')
  const peer = await StoragePeer.listen({ port: site.port, store })
  t.teardown(() => peer.close())
  const [study, other] = [makeStudy({ objects: 5 }), makeStudy({ objects: 4 })]
  const sending = await site.runs(t, [study, other])
  let { waiting } = await site.status()
  while ((waiting as { objects: number }).objects > 7) waiting = (await site.status())['waiting']
  t.match(waiting, { studies: 2, objects: 7, atMost: undefined })
  await sending.kill('SIGKILL')
  t.match((await site.status())['waiting'], { studies: 2, objects: 7, atMost: undefined })
})

t.test('of a later revision counts what is new, and of two of them no object twice', async (t) => {
  const { site, study } = await delivered(t, 30)
  const second = nextRevision(study)
  await site.took(t, second)
  t.match((await site.status())['waiting'], { studies: 1, objects: 1 })
  const third = nextRevision(second)
  await site.took(t, third)
  await site.ask('hold', requestOf(study))
  t.match((await site.status())['waiting'], { studies: 1, objects: 2, held: 1 })
  await site.ask('release', requestOf(study))

  const [first = ''] = third.files
  writeFileSync(first, Buffer.concat([readFileSync(first), Buffer.alloc(8)]))
  t.match((await site.status())['waiting'], { studies: 1, objects: 3 }, 'made anew, it goes again')

  const peer = await StoragePeer.listen({ port: site.port })
  t.teardown(() => peer.close())
  const sending = await site.runs(t, [])
  await sending.until(isTransfer)
  await sending.until(isTransfer)
  t.equal(peer.objects, 3, 'and that is what went')
})

t.test('where the ledger cannot say it, that is said', async (t) => {
  const { site, study } = await delivered(t, 30)
  const second = nextRevision(study)
  await site.took(t, second)
  const ledger = filesBelow(join(site.dataDir, 'state/fiona-send/ledger'))
  const packed = ledger.find((path) => path.endsWith('.ndjson.gz')) ?? ''
  const good = readFileSync(packed)
  writeFileSync(packed, good.subarray(0, 100))
  t.match((await site.status())['waiting'], { studies: 1, objects: 31, atMost: true })
  writeFileSync(packed, good)
  t.match((await site.status())['waiting'], { objects: 1, atMost: undefined })
  rmSync(study.path, { recursive: true })
  t.match((await site.status())['waiting'], { objects: 31, atMost: true }, 'its folder is gone')
})

t.test('of a large one in hand the process that sends it says how much is left', async (t) => {
  const { site, study } = await delivered(t, 3)
  const peer = await StoragePeer.listen({ port: site.port, store: () => 'silence' })
  t.teardown(() => peer.close())
  const { path } = nextRevision(study)
  const fields = { revision: 2, instances: 20_001 }
  const again = studyIn(path, String(study.record['StudyInstanceUID']), 'S001', { fields })
  await site.runs(t, [again])
  let { waiting } = await site.status()
  while ((waiting as { objects: number }).objects > 19_998)
    waiting = (await site.status())['waiting']
  t.match(waiting, { studies: 1, objects: 19_998, atMost: undefined })
})

t.test('too much to be looked up counts whole, and that is said', async (t) => {
  const { site, study } = await delivered(t, 3)
  const fields = { revision: 2, instances: 20_001 }
  const again = studyIn(study.path, String(study.record['StudyInstanceUID']), 'S001', { fields })
  await site.took(t, again)
  t.match((await site.status())['waiting'], { studies: 1, objects: 20_001, atMost: true })
})
