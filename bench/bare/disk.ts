// What the disk alone allows: objects of 525 kB digested, written, named and noted, each synced before what follows it, with no
// network and no sender.
// disk.ts DIRECTORY OBJECTS THREADS; says how many objects it did a second
import { openSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { WholeDuties } from './keepers.ts'
import { SharedSync } from './shared-sync.ts'

const [directory = '.', objects = '1000', threads = '1'] = process.argv.slice(2)
const pieces = [131_072, 131_072, 131_072, 131_072, 1172]

function keepObjects(memory: SharedArrayBuffer, journal: number): void {
  const keeper = new WholeDuties(directory, journal, new SharedSync(memory))
  const bytes = Buffer.alloc(Math.max(...pieces), 1)
  for (let n = 0; n < Number(objects) / Number(threads); n++) {
    keeper.begin()
    for (const length of pieces) keeper.bytes(bytes.subarray(0, length))
    keeper.end()
  }
}

if (isMainThread) {
  const memory = new SharedArrayBuffer(SharedSync.bytes)
  const journal = openSync(join(directory, 'journal'), 'a')
  const shared = { workerData: { memory, journal }, argv: process.argv.slice(2) }
  const workers = Array.from(
    { length: Number(threads) },
    () => new Worker(new URL(import.meta.url), shared),
  )
  await Promise.all(workers.map((worker) => once(worker, 'online')))
  const start = performance.now()
  await Promise.all(workers.map((worker) => once(worker, 'exit')))
  const seconds = (performance.now() - start) / 1000
  process.stdout.write(`${String(Math.round(Number(objects) / seconds))}\n`)
} else {
  const { memory, journal } = workerData as { memory: SharedArrayBuffer; journal: number }
  keepObjects(memory, journal)
}
