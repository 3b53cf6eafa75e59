// Views and series JSON of objects that are there, beside what a site would make of them with one command: links to all
// files, without names, JSON or anything synced. As in the chain, a mark stands behind each hundred records, at which
// all before it is durable. The layout is one view more for each object.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeInstances } from './ct-instances.ts'
import { spentBy, type Spent } from './processor-time.ts'
import { inDirectory } from './in-directory.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const objects = Number(process.env['BENCH_OBJECTS'] ?? 2000)
const betweenMarks = 100
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)
/** Only headers are read. */
const pixels = 32

const layout =
  'by-day/{StudyDate}/{PatientID}/{SeriesNumber}_{SeriesDescription}/{InstanceNumber}.dcm'

export default {
  name: 'organize',
  title: `Views of ${String(objects)} CT objects, durable at a mark behind each ${String(betweenMarks)}`,
  run: () => inDirectory((directory) => ({ rows: compare(directory) })),
}

function compare(directory: string) {
  const files = join(directory, 'objects')
  mkdirSync(files)
  const input = join(directory, 'records.ndjson')
  writeFileSync(input, linesOf(writeInstances(files, objects, pixels)).join('\n') + '\n')
  const tool = join(root, 'bin/fiona-organize')
  const ways: Record<string, (data: string) => Spent> = {
    'fiona-organize': (data) => spentBy([tool, '--data-dir', data], input),
    'fiona-organize, a layout besides': (data) =>
      spentBy([tool, '--data-dir', data, '--layout', layout], input),
    'fiona-organize, all of it there already': (data) => {
      spentBy([tool, '--data-dir', data], input)
      return spentBy([tool, '--data-dir', data], input)
    },
    'cp -rs (links alone, not synced)': (data) => spentBy(['cp', '-rs', files, data]),
  }
  const spent = new Map<string, Spent[]>()
  for (let round = 0; round < rounds; round++) {
    for (const [who, way] of Object.entries(ways)) {
      const data = mkdtempSync(join(directory, 'data-'))
      // Nothing is removed before all is measured: ext4 looks a long time for an inode where many were just given back.
      spent.set(who, [...(spent.get(who) ?? []), way(data)])
    }
  }
  return [...spent].map(([who, all]) => ({
    who,
    'objects/s': Math.round(objects / Math.min(...all.map(({ wall }) => wall))),
    'ms of processor time per object': Number(
      ((1000 * Math.min(...all.map(({ processor }) => processor))) / objects).toFixed(3),
    ),
  }))
}

function linesOf(records: readonly Record<string, unknown>[]): string[] {
  return records.flatMap((record, at) => {
    const line = JSON.stringify({ type: 'instance', ...record })
    if ((at + 1) % betweenMarks !== 0) return [line]
    const mark = { type: 'mark', v: 1, time: record['time'], id: `bench-${String(at)}` }
    return [line, JSON.stringify(mark)]
  })
}
