// Objects per second into each receiver, sent by DCMTK's dcmsend over loopback, on one association and
// on four. Every measurement starts a fresh receiver on an empty directory (an object that is already
// there would be another kind of work) behind a `sync`, so that nobody pays for the writes of another. A
// receiver runs for months: small objects, and then a few of full size, warm it up. What was received is removed only at the end: ext4
// searches long for a free inode where many were freed a moment ago, and that would fall on whoever is next.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { bareProgram } from './bare/programs.ts'
import { writeStudy, writeWarmUp } from './ct-study.ts'
import {
  type Receiver,
  RunningReceiver,
  bareSynced,
  bareThreads,
  bareUnsynced,
  fionaSynced,
  fionaUnsynced,
  orthanc,
  present,
  storescpDefaults,
  storescpTuned,
} from './receivers.ts'
import { sendFolders } from './send-folders.ts'
import { medianOf } from './median.ts'
import { inDirectory } from './in-directory.ts'
import { takeFreeMemory } from './memory-at-hand.ts'

const objectCount = Number(process.env['BENCH_OBJECTS'] ?? 1000)
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
const warmUpCount = 200
const smallWarmUpCount = 4000
const senders = [1, 4] as const
const receivers = [
  ...[fionaSynced, fionaUnsynced, storescpDefaults, storescpTuned, orthanc],
  ...[bareSynced, bareUnsynced, bareThreads],
]

interface Measured {
  readonly rate: number
  readonly cpuPerThousand: number
  readonly megabytes: number
}

export default {
  name: 'receive',
  title: `Receiving ${String(objectCount)} CT objects of 525 kB from dcmsend, objects/s`,
  run: () =>
    inDirectory(async (directory) => {
      writeStudy(join(directory, 'objects'), 1, objectCount)
      writeStudy(join(directory, 'warm-up', 'full'), 2, warmUpCount)
      writeWarmUp(join(directory, 'warm-up', 'small'), 3, smallWarmUpCount)
      return { rows: [...(await compare(directory)), diskAlone(directory)] }
    }),
}

async function compare(directory: string) {
  const contenders = present(receivers, directory)
  const all = new Map<string, Measured[]>()
  for (let round = 0; round < rounds; round++) {
    for (const receiver of contenders) {
      for (const associations of senders) {
        const key = `${receiver.who} ${String(associations)}`
        const measured = await measure(receiver, directory, associations)
        all.set(key, [...(all.get(key) ?? []), measured])
      }
    }
  }
  return contenders.map(({ who }) => {
    const figures = senders.flatMap((associations) => {
      const runs = all.get(`${who} ${String(associations)}`) ?? []
      const rates = runs.map(({ rate }) => rate)
      const name = `${String(associations)} assoc`
      const cpu = Math.min(...runs.map(({ cpuPerThousand }) => cpuPerThousand))
      return [
        [`${name}: best`, Math.round(Math.max(...rates))],
        [`${name}: median`, Math.round(medianOf(rates))],
        [`${name}: CPU s/1000`, Math.round(cpu * 100) / 100],
        [`${name}: MB`, Math.round(Math.max(...runs.map(({ megabytes }) => megabytes)))],
      ] as const
    })
    return { who, ...Object.fromEntries(figures) }
  })
}

async function measure(
  receiver: Receiver,
  directory: string,
  associations: number,
): Promise<Measured> {
  takeFreeMemory(directory)
  const running = await RunningReceiver.start(receiver, directory, associations)
  try {
    for (const size of ['small', 'full']) {
      await sendFolders(running.port, [join(directory, 'warm-up', size)])
    }
    spawnSync('sync')
    const before = running.cost().cpuSeconds
    const start = performance.now()
    await Promise.all(
      shares(join(directory, 'objects'), associations).map((folders) =>
        sendFolders(running.port, folders),
      ),
    )
    const seconds = (performance.now() - start) / 1000
    const { cpuSeconds, peakMegabytes } = running.cost()
    return {
      rate: objectCount / seconds,
      cpuPerThousand: ((cpuSeconds - before) / objectCount) * 1000,
      megabytes: peakMegabytes,
    }
  } catch (error) {
    throw running.trouble(error)
  } finally {
    await running.stop()
  }
}

/** The same objects, digest, names, notes and syncs as of the threads, with no network and no sender. */
function diskAlone(directory: string) {
  const figures = senders.flatMap((threads) => {
    const rates = Array.from({ length: rounds }, () => {
      takeFreeMemory(directory)
      spawnSync('sync')
      const target = mkdtempSync(join(directory, 'disk-'))
      const words = [bareProgram('disk'), target, String(objectCount), String(threads)]
      return Number(spawnSync(process.execPath, words, { encoding: 'utf8' }).stdout)
    })
    const name = `${String(threads)} assoc`
    return [
      [`${name}: best`, Math.max(...rates)],
      [`${name}: median`, Math.round(medianOf(rates))],
    ] as const
  })
  return { who: 'the disk alone, as many threads', ...Object.fromEntries(figures) }
}

function shares(objects: string, associations: number): string[][] {
  const folders = readdirSync(objects).map((name) => join(objects, name))
  return Array.from({ length: associations }, (_, n) =>
    folders.filter((_, at) => at % associations === n),
  )
}
