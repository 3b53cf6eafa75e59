// A chain whose data directory is a disk of its own, and a hospital that sends: for what happens to disks and clocks.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { isListening } from '../../src/lib/control/index.ts'
import { ChainUnderFire } from '../crash/chain-under-fire.ts'
import { compare, newUids, recordsOf, undelivered, type Site } from '../crash/compare.ts'
import { Dice } from '../crash/dice.ts'
import { makeLoad } from '../crash/load.ts'
import { Modality } from '../crash/modality.ts'
import { Pacs, type Arrival } from '../crash/pacs.ts'
import { mountSmallDisk } from '../fixtures/mounts.ts'
import { freePort } from '../fixtures/peers.ts'

/** Longer than the longest pause before a part is started again, on a slow machine. */
export const patienceMs = 60_000
/** Long enough for every part to fail more often than a record may before it is suspected. */
const outageMs = 2500
/** When trouble begins: with so many records in this journal. */
const moments = [
  ['received', 10],
  ['organized', 20],
  ['sent', 4],
] as const

/**
 * Two modalities send, trouble comes and goes three times, and what arrived is compared with what was acknowledged.
 * @param begin makes trouble, and answers with what ends it
 * @returns what is not as it should be, and what the PACS got
 */
export async function goThrough(
  t: Test,
  begin: (site: Site) => () => void,
  environment: NodeJS.ProcessEnv = {},
): Promise<{ readonly problems: readonly string[]; readonly arrivals: readonly Arrival[] }> {
  const { root, site, pacs, chain, port } = await startChain(t, environment)
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
  for (const [journal, count] of moments) {
    await until(async () => (await recordsOf(site.dataDir, journal)).length >= count)
    const end = begin(site)
    try {
      await delay(outageMs)
    } finally {
      end()
    }
  }
  await sending
  const expected = newUids(site.dataDir, load)
  await until(async () => (await undelivered(site, expected)).length === 0)
  t.equal(await chain.stop(), 0)
  // Parts of objects that could not be removed at the time are the next receiver's to remove.
  chain.start([])
  await until(() => isListening(port))
  t.equal(await chain.stop(), 0)
  const problems = await compare(site, expected, pacs.arrivals())
  if (problems.length > 0) t.comment(readFileSync(join(root, 'chain.log'), 'utf8').slice(-20_000))
  return { problems, arrivals: pacs.arrivals() }
}

/** Its data directory is a disk of its own; destinations, modalities and log are elsewhere. */
async function startChain(t: Test, environment: NodeJS.ProcessEnv) {
  // Not in tap's directory, which it removes before anything here is ended.
  const root = mkdtempSync(join(tmpdir(), 'fiona-on-a-disk-'))
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
  const chain = new ChainUnderFire(root, config, environment)
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
