import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ChainUnderFire } from '../crash/chain-under-fire.ts'
import { compare, newUids, recordsOf, undelivered, type Site } from '../crash/compare.ts'
import { Dice } from '../crash/dice.ts'
import { makeLoad } from '../crash/load.ts'
import { Modality } from '../crash/modality.ts'
import { Pacs } from '../crash/pacs.ts'
import { fillDisk, mayMount, mountSmallDisk } from '../fixtures/mounts.ts'
import { freePort, missing } from '../fixtures/peers.ts'

const skip = mayMount() || missing('storescp')
/** Longer than the longest pause before a part is started again, on a slow machine. */
const patienceMs = 60_000
/** Long enough for every part to fail more often than a record may before it is suspected. */
const outageMs = 2500

t.test(
  'the disk fills again and again: nothing acknowledged is lost, and the chain goes on by itself',
  { skip, timeout: 3 * patienceMs },
  async (t) => {
    const { root, site, pacs, chain, port } = await startChain(t)
    const load = makeLoad(join(root, 'in'), 4, new Dice(7))
    const modalities = ['SCANNER1', 'SCANNER2'].map((name) => new Modality(name, port))
    const giveUp = AbortSignal.timeout(patienceMs)
    const sending = Promise.all(
      modalities.map((modality, index) =>
        modality.sendAll(
          load.filter((_, at) => at % modalities.length === index),
          giveUp,
        ),
      ),
    )
    sending.catch(() => undefined)
    for (const [journal, count] of [
      ['received', 10],
      ['organized', 20],
      ['sent', 4],
    ] as const) {
      await until(async () => (await recordsOf(site.dataDir, journal)).length >= count)
      const giveBack = fillDisk(site.dataDir)
      await delay(outageMs)
      giveBack()
    }
    await sending
    const expected = newUids(site.dataDir, load)
    await until(async () => (await undelivered(site, expected)).length === 0)
    t.equal(await chain.stop(), 0)
    const problems = await compare(site, expected, pacs.arrivals())
    // What was torn and never promised is kept aside on purpose, for a person to see.
    t.same(
      problems.filter((problem) => !problem.endsWith('/fiona-arrive/organize/log.broken')),
      [],
    )
    if (!t.passing()) t.comment(readFileSync(join(root, 'chain.log'), 'utf8').slice(-20_000))
  },
)

/** Its data directory is a disk of its own; destinations, modalities and log are elsewhere. */
async function startChain(t: Test) {
  // Not in tap's directory, which it removes before anything here is ended.
  const root = mkdtempSync(join(tmpdir(), 'fiona-full-disk-'))
  t.teardown(() => {
    rmSync(root, { recursive: true })
  })
  const site: Site = {
    dataDir: join(root, 'var'),
    delivered: join(root, 'delivered'),
    pacs: join(root, 'pacs'),
  }
  mkdirSync(site.dataDir)
  mkdirSync(join(root, 'faults'))
  t.teardown(mountSmallDisk(site.dataDir))
  const pacs = await Pacs.start(root)
  t.teardown(() => {
    pacs.stop()
  })
  const port = await freePort()
  const config = join(root, 'fiona.yaml')
  const retry = { max: 100_000, delaySeconds: 1, multiplier: 1, maxDelaySeconds: 1 }
  const destinations = {
    folder: { url: pathToFileURL(site.delivered).href, retry },
    pacs: { url: `dicom://PACS@127.0.0.1:${String(pacs.port)}`, retry },
  }
  writeFileSync(
    config,
    JSON.stringify({
      dataDir: site.dataDir,
      receiver: { port, reserveBytes: 0 },
      arrival: { quietSeconds: 1 },
      destinations,
      projects: { default: { destinations: Object.keys(destinations) } },
    }),
  )
  const chain = new ChainUnderFire(root, config)
  t.teardown(async () => {
    await chain.kill()
    for (const { pid } of chain.living()) end(pid)
  })
  chain.start([])
  return { root, site, pacs, chain, port }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + patienceMs
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > giveUpAt) throw new Error('it never came to that')
    await delay(50)
  }
}
