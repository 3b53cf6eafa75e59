// The whole way of a study, in objects per second: received, classified, organized, de-identified, and in the
// destination (DCMTK's storescp). Beside it the receiver alone, and what a site would script: storescp, then
// dcmodify on what came in, then dcmsend; with a dcmodify for each file, as scripts at a storescp's
// `--exec-on-reception` have it, and with one for all. The scripts sync nothing, keep no identity apart, and look at
// fifteen attributes. Studies come one behind the other, as they do in a hospital's day: while one is received, others are
// de-identified and sent. The quiet time by which FIONA knows that the last one is complete is taken off, and only that.
// What runs for months has a study of small objects behind it when the clock starts.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { binDir, freePort } from '../test/fixtures/peers.ts'
import { writeStudy, writeWarmUp } from './ct-study.ts'
import { type ProcessTimes, spentSince, timesBelow } from './process-times.ts'
import { RunningReceiver, fionaSynced } from './receivers.ts'
import { sendFolders } from './send-folders.ts'
import { medianOf } from './median.ts'
import { inDirectory } from './in-directory.ts'

const objectCount = Number(process.env['BENCH_OBJECTS'] ?? 1000)
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
const quietSeconds = 2
const associations = 4
const studies = 8
const warmUpCount = 1000

/** What scripts of sites overwrite or erase; private tags they seldom know of. */
const attributes = [
  ...['PatientName=S001', 'PatientID=S001', 'PatientBirthDate=', 'AccessionNumber='],
  ...['InstitutionName=', 'InstitutionAddress=', 'ReferringPhysicianName=', 'StationName='],
  ...['OperatorsName=', 'StudyID=', 'PerformingPhysicianName=', 'PatientTelephoneNumbers='],
  ...['PatientAddress=', 'PatientComments=', 'RequestingPhysician='],
]

/** Folders to send: of each the subfolders, one for an association. */
interface Load {
  readonly objects: string
  readonly warmUp: string
}

/** Seconds from the first byte to the last, and what each process took of the processor meanwhile. */
interface Run {
  readonly seconds: number
  readonly spent?: ProcessTimes
}

type Way = (load: Load, directory: string) => Promise<Run>

const ways: Readonly<Record<string, Way>> = {
  'fiona up, from C-STORE to the destination': wholeChain,
  'fiona-scp alone (fsync)': receiveAlone,
  'storescp, dcmodify for each file, dcmsend': ({ objects }, directory) =>
    scripted(objects, directory, 1),
  'storescp, one dcmodify for all, dcmsend': ({ objects }, directory) =>
    scripted(objects, directory, 500),
}

export default {
  name: 'chain',
  title: `${String(studies)} studies with ${String(objectCount)} CT objects of 525 kB through the whole chain, objects/s`,
  run: () =>
    inDirectory(async (directory) => {
      const objects = join(directory, 'objects')
      for (let study = 0; study < studies; study++) {
        const folder = join(objects, String(study % associations), String(study))
        writeStudy(folder, 10 + study, objectCount / studies)
      }
      writeWarmUp(join(directory, 'warm-up'), 1, warmUpCount)
      const rates = new Map<string, number[]>()
      const spent: ProcessTimes[] = []
      for (let round = 0; round < rounds; round++) {
        for (const [who, way] of Object.entries(ways)) {
          const own = mkdtempSync(join(directory, 'way-'))
          spawnSync('sync')
          const run = await way({ objects, warmUp: join(directory, 'warm-up') }, own)
          rates.set(who, [...(rates.get(who) ?? []), objectCount / run.seconds])
          if (run.spent !== undefined) spent.push(run.spent)
        }
      }
      const rows = [...rates].map(([who, all]) => {
        return { who, best: Math.round(Math.max(...all)), median: Math.round(medianOf(all)) }
      })
      const again = await servingAgain(mkdtempSync(join(directory, 'killed-')))
      return { rows: [...rows, again, ...processRows(spent)] }
    }),
}

/** Of the chain alone: milliseconds of processor time per object. */
function processRows(runs: readonly ProcessTimes[]) {
  const perObject = (ms: number) => Number((ms / objectCount).toFixed(2))
  const names = [...new Set(runs.flatMap((run) => [...run.keys()]))]
  const all = runs.map((run) => [...run.values()].reduce((sum, ms) => sum + ms, 0))
  const row = (who: string, times: readonly number[]) => ({
    who,
    best: perObject(Math.min(...times)),
    median: perObject(medianOf(times)),
  })
  return [
    row('fiona up, ms of processor time per object', all),
    ...names
      .map((name) =>
        row(
          `  ${name}`,
          runs.map((run) => run.get(name) ?? 0),
        ),
      )
      .filter(({ median }) => median > 0)
      .toSorted((a, b) => b.median - a.median),
  ]
}

async function wholeChain({ objects, warmUp }: Load, directory: string): Promise<Run> {
  await using destination = await listen(directory, 'destination')
  await using chain = await startChain(directory, destination.port)
  const delivered = async (objectsInAll: number) => {
    while (count(destination.folder) < objectsInAll) {
      if (chain.child.exitCode !== null) throw new Error('fiona up has ended')
      await delay(20)
    }
  }
  await sendAll(warmUp, chain.port)
  await delivered(warmUpCount)
  spawnSync('sync')
  const { pid = 0 } = chain.child
  const before = timesBelow(pid)
  const start = performance.now()
  await sendAll(objects, chain.port)
  await delivered(warmUpCount + objectCount)
  const seconds = (performance.now() - start) / 1000 - quietSeconds
  return { seconds, spent: spentSince(before, timesBelow(pid)) }
}

async function receiveAlone({ objects, warmUp }: Load, directory: string): Promise<Run> {
  const running = await RunningReceiver.start(fionaSynced, directory, associations)
  try {
    await sendAll(warmUp, running.port)
    spawnSync('sync')
    const start = performance.now()
    await sendAll(objects, running.port)
    return { seconds: (performance.now() - start) / 1000 }
  } finally {
    await running.stop()
  }
}

async function scripted(objects: string, directory: string, atOnce: number): Promise<Run> {
  await using destination = await listen(directory, 'destination')
  await using received = await listen(directory, 'received')
  const start = performance.now()
  await sendAll(objects, received.port)
  const files = readdirSync(received.folder).map((name) => join(received.folder, name))
  const changes = attributes.flatMap((change) => ['-ma', change])
  for (let at = 0; at < files.length; at += atOnce) {
    await run('dcmodify', ['-nb', '-imt', ...changes, ...files.slice(at, at + atOnce)])
  }
  await sendFolders(destination.port, [received.folder])
  return { seconds: (performance.now() - start) / 1000 }
}

/** From `kill -9` of the receiver in a running chain until C-ECHO is answered again. */
async function servingAgain(directory: string) {
  await using destination = await listen(directory, 'destination')
  await using chain = await startChain(directory, destination.port)
  const took: number[] = []
  for (let round = 0; round < rounds; round++) {
    const { stdout } = spawnSync('pgrep', ['-P', String(chain.child.pid), '-f', 'fiona-scp'])
    const start = performance.now()
    process.kill(Number(stdout.toString().split('\n')[0]), 'SIGKILL')
    await delay(20)
    while (spawnSync('echoscu', ['127.0.0.1', String(chain.port)]).status !== 0) await delay(10)
    took.push(performance.now() - start)
    // Died again within seconds it would be a crash loop, which waits longer.
    await delay(11_000)
  }
  return {
    who: 'kill -9 of the receiver until it answers, ms',
    best: Math.round(Math.min(...took)),
    median: Math.round(medianOf(took)),
  }
}

async function startChain(directory: string, destination: number) {
  const port = await freePort()
  const config = join(directory, 'fiona.json')
  const url = `dicom://RESEARCH@127.0.0.1:${String(destination)}`
  writeFileSync(
    config,
    JSON.stringify({
      dataDir: join(directory, 'data'),
      receiver: { port, reserveBytes: 0 },
      arrival: { quietSeconds },
      destinations: { research: { url, concurrency: associations } },
      projects: { default: { destinations: ['research'] } },
    }),
  )
  const child = spawn(join(binDir, 'fiona'), ['up', '--config', config, '--log-level', 'warn'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await answers(port, child)
  return { port, child, [Symbol.asyncDispose]: () => end(child) }
}

async function listen(directory: string, name: string) {
  const folder = join(directory, name)
  mkdirSync(folder)
  const port = await freePort()
  const options = ['--fork', '+B', '-pdu', '131072', '-od', folder, String(port)]
  const child = spawn('storescp', options, { stdio: 'ignore' })
  await answers(port, child)
  return { port, folder, [Symbol.asyncDispose]: () => end(child) }
}

async function answers(port: number, child: ChildProcess): Promise<void> {
  while (spawnSync('echoscu', ['127.0.0.1', String(port)]).status !== 0) {
    if (child.exitCode !== null) throw new Error(`ended with ${String(child.exitCode)}`)
    await delay(20)
  }
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}

async function sendAll(objects: string, port: number): Promise<void> {
  const folders = readdirSync(objects).map((name) => join(objects, name))
  await Promise.all(folders.map((folder) => sendFolders(port, [folder])))
}

async function run(file: string, args: readonly string[]): Promise<void> {
  const [code] = (await once(spawn(file, args, { stdio: 'ignore' }), 'exit')) as [number | null]
  if (code !== 0) throw new Error(`${file} ended with ${String(code)}`)
}

function count(folder: string): number {
  return readdirSync(folder).length
}
