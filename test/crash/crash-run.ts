// One run of the crash test: a chain, a hospital that sends, somebody who kills, and then the comparison.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { askChain } from '../../src/lib/control/index.ts'
import { faultPoints } from '../../src/lib/fault/index.ts'
import { quarantinePath } from '../../src/lib/storage/index.ts'
import { freePort } from '../fixtures/peers.ts'
import { ChainUnderFire } from './chain-under-fire.ts'
import { compare, newUids, type Site, undelivered } from './compare.ts'
import { Dice } from './dice.ts'
import { makeLoad } from './load.ts'
import { Modality } from './modality.ts'
import { Pacs } from './pacs.ts'

export interface CrashPlan {
  /** An empty directory. */
  readonly root: string
  readonly kills: number
  /** How long the hospital has new studies. */
  readonly seconds: number
  readonly seed: number
  /** Those that shall kill besides. */
  readonly points: readonly string[]
  readonly say: (line: string) => void
}

export interface CrashResult {
  readonly problems: readonly string[]
  readonly objects: number
  /** Who was killed at random, by what it was. */
  readonly killed: ReadonlyMap<string, number>
  readonly fired: readonly string[]
  readonly stores: number
  /** C-STOREs that the PACS saw more than once for one object. */
  readonly repeats: number
}

/** Points in force at once: with more, one filter would die so often in a row that its record is suspected. */
const pointsAtOnce = 4
/** A chain that was restarted with points armed gets so long to come by them. */
const patienceWithPointsMs = 8000
const patienceMs = 180_000
const pollMs = 50

export async function runCrashTest(plan: CrashPlan): Promise<CrashResult> {
  const { root, seed, say } = plan
  const dice = new Dice(seed)
  const site: Site = {
    dataDir: join(root, 'var'),
    delivered: join(root, 'delivered'),
    pacs: join(root, 'pacs'),
  }
  mkdirSync(join(root, 'faults'))
  const pacs = await Pacs.start(root)
  const port = await freePort()
  const chain = new ChainUnderFire(root, writeConfig(root, site, port, pacs.port))
  const stop = new AbortController()
  try {
    const load = makeLoad(join(root, 'in'), plan.seconds, dice)
    const modalities = ['SCANNER1', 'SCANNER2'].map((name) => new Modality(name, port))
    const sending = Promise.all(
      modalities.map((modality, index) => {
        const own = load.filter((_, at) => at % modalities.length === index)
        return modality.sendAll(own, stop.signal)
      }),
    ).then(() => 'sent' as const)
    sending.catch(() => undefined)
    const killer = new Killer(chain, plan, dice)
    await killer.rage()
    // From here on nobody is killed: what is lacking now must come by itself.
    await chain.kill()
    chain.start([])
    say(`killed ${String(killer.count)}, fault points ${String(chain.fired().length)}; waiting`)
    await until(sending, patienceMs, 'not everything was acknowledged')
    const expected = newUids(site.dataDir, load)
    const lacking = await untilDelivered(site, expected)
    // All may have arrived before. A process that does not listen for SIGTERM yet would be ended by it.
    await untilUp(site, chain)
    const ending = await chain.stop()
    const problems = await compare(site, expected, pacs.arrivals())
    problems.push(...quarantined(site, modalities))
    if (lacking.length > 0)
      problems.unshift(
        `never arrived: ${lacking.slice(0, 5).join(', ')} (${String(lacking.length)})`,
      )
    if (ending !== 0) problems.push(`fiona up ended with ${String(ending)}`)
    for (const { what } of chain.living()) problems.push(`still running: ${what}`)
    const arrived = pacs.arrivals()
    return {
      problems,
      objects: load.length,
      killed: killer.killed,
      fired: chain.fired(),
      stores: modalities.reduce((sum, { attempts }) => sum + attempts, 0),
      repeats: arrived.length - new Set(arrived.map((one) => one.SOPInstanceUID)).size,
    }
  } finally {
    stop.abort()
    await chain.kill()
    pacs.stop()
  }
}

class Killer {
  readonly killed = new Map<string, number>()
  readonly #chain: ChainUnderFire
  readonly #plan: CrashPlan
  readonly #dice: Dice
  #points: string[]
  #armedUntil = 0
  #armed: string[] = []
  #again: ReadonlySet<string> = new Set()
  count = 0

  constructor(chain: ChainUnderFire, plan: CrashPlan, dice: Dice) {
    this.#chain = chain
    this.#plan = plan
    this.#dice = dice
    this.#points = dice.shuffled(plan.points)
  }

  /** Until as many are dead as shall die, and each point has killed or had its time. */
  async rage(): Promise<void> {
    const { kills, seconds } = this.#plan
    const begin = performance.now()
    const meanMs = (seconds * 1000) / Math.max(1, kills)
    this.#restart()
    let nextMs = begin
    for (;;) {
      if (!this.#chain.isUp || this.#isDoneWithPoints) this.#restart()
      const now = performance.now()
      const isOver = this.count >= kills && this.#points.length === 0 && this.#armed.length === 0
      if (isOver && now - begin > seconds * 1000) return
      if (this.count < kills && now >= nextMs) {
        this.#killOne()
        nextMs = now + meanMs * (0.3 + 1.4 * this.#dice.next())
      }
      await delay(pollMs)
    }
  }

  get #isDoneWithPoints(): boolean {
    if (this.#armed.length === 0 && this.#points.length === 0) return false
    const fired = new Set(this.#chain.fired())
    const isOver = this.#armed.every((point) => fired.has(point.split(':')[0] ?? ''))
    if (!isOver && performance.now() < this.#armedUntil) return false
    const silent = this.#armed.filter((point) => !fired.has(point.split(':')[0] ?? ''))
    // Once more, and at the first passage: who is killed all the time may never come by twice.
    const again = silent.filter((point) => !point.endsWith(':1'))
    this.#points.push(...again.map((point) => point.split(':')[0] ?? ''))
    this.#again = new Set([...this.#again, ...again.map((point) => point.split(':')[0] ?? '')])
    this.#armed = []
    return true
  }

  /** The supervisor, too: it starts whatever it starts with other points armed. */
  #restart(): void {
    void this.#chain.kill()
    if (this.#armed.length === 0) {
      this.#armed = this.#points
        .splice(0, pointsAtOnce)
        .map((point) => `${point}:${String(this.#again.has(point) ? 1 : this.#dice.between(1, 2))}`)
      this.#armedUntil = performance.now() + patienceWithPointsMs
    }
    this.#chain.start(this.#armed)
  }

  #killOne(): void {
    // Nothing that a shell may have started besides: what that leaves behind is outside of our directory.
    const living = this.#chain
      .living()
      .filter(({ what }) => /\bfiona\b/.test(what))
      .sort((a, b) => a.pid - b.pid)
    // By kind first: there are more filters than receivers.
    const kinds = [...new Set(living.map(({ what }) => kindOf(what)))].sort()
    const kind = this.#dice.pick(kinds)
    const victim = this.#dice.pick(living.filter(({ what }) => kindOf(what) === kind))
    if (kind === undefined || victim === undefined) return
    try {
      process.kill(victim.pid, 'SIGKILL')
    } catch {
      return
    }
    this.count++
    this.killed.set(kind, (this.killed.get(kind) ?? 0) + 1)
  }
}

/** `fiona-arrive`, `fiona-stage organize`, … */
function kindOf(what: string): string {
  const tool = /fiona(?:-[a-z]+)?\b/.exec(what)?.[0] ?? what.split(' ')[0] ?? what
  const name = /--name (\S+)/.exec(what)?.[1]
  return name === undefined ? tool : `${tool} ${name}`
}

function writeConfig(root: string, site: Site, port: number, pacsPort: number): string {
  const retry = { max: 100_000, delaySeconds: 1, multiplier: 1, maxDelaySeconds: 1 }
  const path = join(root, 'fiona.yaml')
  const config = {
    dataDir: site.dataDir,
    receiver: { port, reserveBytes: 0 },
    arrival: { quietSeconds: 1 },
    destinations: {
      folder: { url: pathToFileURL(site.delivered).href, retry },
      pacs: { url: `dicom://PACS@127.0.0.1:${String(pacsPort)}`, retry },
    },
    projects: { default: { destinations: ['folder', 'pacs'] } },
  }
  writeFileSync(path, JSON.stringify(config))
  return path
}

/** Each object whose sender heard a refusal is kept: in quarantine. */
function quarantined({ dataDir }: Site, modalities: readonly Modality[]): string[] {
  const problems = modalities
    .flatMap(({ wronglyTaken }) => wronglyTaken)
    .map((name) => `taken under a UID that it has not: ${name}`)
  const refused = modalities.reduce((sum, each) => sum + each.refused, 0)
  const folder = quarantinePath(dataDir)
  const kept = existsSync(folder)
    ? readdirSync(folder).filter((name) => name.endsWith('.dcm')).length
    : 0
  // Killed before it could say so, a receiver has kept more than were refused.
  if (kept < refused) problems.push(`${kept} objects in quarantine, ${refused} were refused`)
  return problems
}

async function until<Value>(what: Promise<Value>, ms: number, otherwise: string): Promise<Value> {
  const giveUp = new AbortController()
  const late = delay(ms, undefined, { signal: giveUp.signal, ref: false }).then(() => {
    throw new Error(otherwise)
  })
  late.catch(() => undefined)
  try {
    return await Promise.race([what, late])
  } finally {
    giveUp.abort()
  }
}

/** This very chain: its forerunner's receiver may hold the port for a while. */
async function untilUp({ dataDir }: Site, chain: ChainUnderFire): Promise<void> {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    const answer = await askChain(join(dataDir, 'run'), { do: 'status' })
    if (answer?.['pid'] === chain.pid) return
    if (!chain.isUp || performance.now() > giveUpAt) throw new Error('the chain did not come up')
    await delay(pollMs)
  }
}

async function untilDelivered(
  site: Site,
  expected: Parameters<typeof undelivered>[1],
): Promise<string[]> {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    const lacking = await undelivered(site, expected)
    if (lacking.length === 0 || performance.now() > giveUpAt) return lacking
    await delay(200)
  }
}

/**
 * Those that the chain of this test can come by. It asks nobody who goes where, and delivers to a folder and a PACS
 * without commitment: what has a crash test of its own elsewhere would wait here in vain.
 */
export const allPoints: readonly string[] = faultPoints.filter(
  (point) => !/^(?:request|redcap|transaction|stow|sftp)\./.test(point),
)
