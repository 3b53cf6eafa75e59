// De-identification of CT objects of 525 kB beside what copies or changes the same files. dcmodify sets
// five tags and searches nothing; gdcmanon follows the Basic Profile. Ours rewrites by the whole table, reads
// every output again and searches it. Page cache warm; the start of each program is in its figure. Each run begins behind
// a `sync`, so that nobody pays for the writes of another, and what was made is removed only at the end: ext4 searches long
// for a free inode where many were freed a moment ago, and that would fall on whoever is next.
import { type SpawnSyncOptions, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { certificate } from './certificate.ts'
import { ctImage } from '../test/fixtures/dicom-writer.ts'
import { isInstalled } from '../test/fixtures/peers.ts'
import { medianOf } from './median.ts'
import { inDirectory } from './in-directory.ts'

const tool = fileURLToPath(new URL('../bin/fiona-anon', import.meta.url))
const seriesCount = 10
const objectsPerSeries = 100
const objectCount = seriesCount * objectsPerSeries
const rounds = 3
const study = '2.25.1001'

interface Contender {
  readonly who: string
  /** What has to be there before, outside of the measured time. */
  readonly prepare?: () => void
  readonly command: readonly [string, ...string[]]
  readonly input?: string
}

export default {
  name: 'deid',
  title: `De-identification of ${objectCount.toLocaleString('en')} CT objects of 525 kB, files/s`,
  run: () => inDirectory((directory) => ({ rows: compare(directory, contenders(directory)) })),
}

function contenders(directory: string): Contender[] {
  const source = join(directory, 'archive', study)
  const out = join(directory, 'out')
  const key = join(directory, 'key')
  writeObjects(source)
  writeFileSync(key, Buffer.alloc(32, 1), { mode: 0o600 })
  const args = ['--key-file', key, '--out', out, '--log-level', 'warn']
  const copy = () => {
    cpSync(source, out, { recursive: true })
  }
  const input = `${JSON.stringify(studyRecord(source))}\n`
  const changes = ['0010,0010', '0010,0020', '0010,0030', '0008,0050', '0008,0090'].flatMap(
    (tag) => ['-m', `(${tag})=`],
  )
  const all: Contender[] = [
    { who: 'cp -r', command: ['cp', '-r', source, out] },
    { who: 'fiona-anon, without sync', command: [tool, ...args, '--durability', 'none'], input },
    {
      who: 'cp -r, then sync',
      command: ['sh', '-c', 'cp -r "$0" "$1" && sync "$1"/*/*', source, out],
    },
    { who: 'fiona-anon, each file synced', command: [tool, ...args], input },
    {
      who: 'dcmodify, five tags in place',
      prepare: copy,
      command: ['sh', '-c', 'exec dcmodify -nb "$@" "$0"/*/*', out, ...changes],
    },
    {
      who: 'gdcmanon, Basic Profile',
      command: [
        'sh',
        '-c',
        'mkdir -p "$1" && gdcmanon -e -c "$2" -r -i "$0" -o "$1"',
        source,
        out,
        certificate(directory),
      ],
    },
  ]
  return all.filter(({ who }) => {
    const program = /^\w[\w-]*/.exec(who)?.[0] ?? ''
    return program === 'fiona-anon' || isInstalled(program)
  })
}

function writeObjects(source: string): void {
  for (let series = 1; series <= seriesCount; series++) {
    const seriesUID = `${study}.${String(series)}`
    mkdirSync(join(source, seriesUID), { recursive: true })
    for (let instanceNumber = 1; instanceNumber <= objectsPerSeries; instanceNumber++) {
      const sopUID = `${seriesUID}.${String(instanceNumber)}`
      const object = { studyUID: study, seriesUID, sopUID, instanceNumber, rows: 512, columns: 512 }
      writeFileSync(join(source, seriesUID, `${sopUID}.dcm`), ctImage(object))
    }
  }
}

function studyRecord(path: string): unknown {
  const series = readdirSync(path).map((SeriesInstanceUID) => ({
    SeriesInstanceUID,
    instances: objectsPerSeries,
  }))
  const facts = { instances: objectCount, bytes: 0, reason: 'flush', revision: 1 }
  return { type: 'study', StudyInstanceUID: study, path, series, ...facts }
}

function compare(directory: string, contenders: readonly Contender[]) {
  const rates = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]))
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) rates.get(contender)?.push(measure(directory, contender))
  }
  return contenders.map((contender) => {
    const all = rates.get(contender) ?? []
    return {
      who: contender.who,
      'best files/s': Math.round(Math.max(...all)),
      'median files/s': Math.round(medianOf(all)),
    }
  })
}

function measure(directory: string, { prepare, command, input }: Contender): number {
  setAside(directory)
  prepare?.()
  spawnSync('sync')
  const [file, ...args] = command
  const options: SpawnSyncOptions = { stdio: ['pipe', 'pipe', 'inherit'], input: input ?? '' }
  const start = performance.now()
  const { status, stdout } = spawnSync(file, args, options)
  const seconds = (performance.now() - start) / 1000
  if (status !== 0) throw new Error(`${file} ended with ${String(status)}`)
  if (input !== undefined && !String(stdout).startsWith('{"type":"deidentified"')) {
    throw new Error(`not de-identified: ${String(stdout).slice(0, 300)}`)
  }
  return objectCount / seconds
}

function setAside(directory: string): void {
  const out = join(directory, 'out')
  if (!existsSync(out)) return
  const made = readdirSync(directory).filter((name) => name.startsWith('made-')).length
  renameSync(out, join(directory, `made-${String(made)}`))
}
