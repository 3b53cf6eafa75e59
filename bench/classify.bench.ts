// Header → 67 rules → record, of CT files of 525 kB in the page cache, beside what reads the same headers and holds them
// against nothing. `of one core` counts processor time, start-up included, so it is right also where other things run.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeInstances } from './ct-instances.ts'
import { spentBy } from './processor-time.ts'
import { inDirectory } from './in-directory.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = Number(process.env['BENCH_OBJECTS'] ?? 1000)
/** So many times each file, for whoever is quick: start-up should not decide. */
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3)

interface Contender {
  readonly who: string
  readonly command: readonly [string, ...string[]]
  /** How often each file is read. */
  readonly times: number
  readonly input?: string
}

export default {
  name: 'classify',
  title: `Headers of ${String(files)} CT files of 525 kB: 67 rules and a record, or reading alone`,
  run: () => inDirectory((directory) => ({ rows: compare(contenders(directory)) })),
}

/** As many definitions as the original came with, made of our own sample files; each keeps its ids to itself. */
function writeRules(directory: string): string {
  const rules = ['default', 'mr', 'pt'].flatMap((name) => {
    const text = readFileSync(join(root, `share/rules/${name}.json`), 'utf8')
    return JSON.parse(text, (key, value: unknown) =>
      ['id', 'rule', 'notrule'].includes(key) ? `${name} ${String(value)}` : value,
    ) as unknown[]
  })
  if (rules.length !== 67) throw new Error(`${String(rules.length)} rules, not 67`)
  const path = join(directory, 'rules.json')
  writeFileSync(path, JSON.stringify(rules))
  return path
}

const withPydicom = `
import sys, pydicom
for path in sys.argv[1:]:
    ds = pydicom.dcmread(path, stop_before_pixels=True)
    ds.Modality, ds.SeriesDescription, ds.ImageType
`

const withDcmjs = `
const { readFileSync } = require('node:fs')
const { data } = require('dcmjs')
for (const path of process.argv.slice(1)) {
  const { buffer } = readFileSync(path)
  data.DicomMessage.readFile(buffer, { untilTag: '7FE00010', includeUntilTagValue: false })
}
`

/** So often it reads each file: its start-up should not decide. */
const quick = 30

/** No more is read than the header needs: who knows how long it is may do so. */
const withDicomParserOfBeginning = `
const { openSync, readSync, closeSync } = require('node:fs')
const { parseDicom } = require('dicom-parser')
const bytes = Buffer.alloc(16384)
for (let round = 0; round < ${String(quick)}; round++) {
  for (const path of process.argv.slice(1)) {
    const fd = openSync(path)
    readSync(fd, bytes, 0, bytes.length, 0)
    closeSync(fd)
    const data = parseDicom(bytes, { untilTag: 'x7fe00010' })
    data.string('x00080060'); data.string('x0008103e'); data.string('x00080008')
  }
}
`

const withDicomParser = `
const { readFileSync } = require('node:fs')
const { parseDicom } = require('dicom-parser')
for (const path of process.argv.slice(1)) {
  const data = parseDicom(readFileSync(path), { untilTag: 'x7fe00010' })
  data.string('x00080060'); data.string('x0008103e'); data.string('x00080008')
}
`

/** It takes one file, and cannot leave the pixels out. */
const withDcm2json = 'for file; do dcm2json "$file" || exit 1; done'
const few = 0.1

function contenders(directory: string): Contender[] {
  const records = writeInstances(directory, files)
  const paths = records.map(({ path }) => String(path))
  const times = 100
  const input = join(directory, 'instances.ndjson')
  const lines = records
    .map((record) => `${JSON.stringify({ type: 'instance', ...record })}\n`)
    .join('')
  writeFileSync(input, lines.repeat(times))
  const rules = writeRules(directory)
  const tool = join(root, 'bin/fiona-classify')
  const all: Contender[] = [
    { who: 'fiona-classify, 67 rules', command: [tool, '--rules', rules], times, input },
    { who: 'dcmdump', command: ['dcmdump', ...paths], times: 1 },
    {
      who: 'dcm2json, a process for each file, pixels as text',
      command: ['sh', '-c', withDcm2json, 'sh', ...paths.slice(0, files * few)],
      times: few,
    },
    {
      who: 'dicom-parser, to the pixel data',
      command: ['node', '-e', withDicomParser, ...paths],
      times: 1,
    },
    {
      who: 'dicom-parser, of the first 16 kB',
      command: ['node', '-e', withDicomParserOfBeginning, ...paths],
      times: quick,
    },
    { who: 'dcmjs, to the pixel data', command: ['node', '-e', withDcmjs, ...paths], times: 1 },
    {
      who: 'pydicom, to the pixel data',
      command: ['/usr/bin/python3', '-c', withPydicom, ...paths],
      times: 1,
    },
  ]
  return all.filter(({ command, input: needed }) => needed !== undefined || runs(command))
}

function runs([file, ...args]: readonly [string, ...string[]]): boolean {
  const { status, error } = spawnSync(file, args, { stdio: 'ignore', cwd: root })
  return error === undefined && status === 0
}

interface Rate {
  readonly wall: number
  readonly core: number
}

function compare(all: readonly Contender[]) {
  const rates = new Map<Contender, Rate[]>(all.map((contender) => [contender, []]))
  for (let round = 0; round < rounds; round++) {
    for (const contender of all) rates.get(contender)?.push(measure(contender))
  }
  return all.map((contender) => {
    const measured = rates.get(contender) ?? []
    const best = (of: keyof Rate): number =>
      Math.round(Math.max(...measured.map((rate) => rate[of])))
    return { who: contender.who, 'files/s': best('wall'), 'files/s of one core': best('core') }
  })
}

function measure({ command, times, input }: Contender): Rate {
  const { wall, processor } = spentBy(command, input, root)
  return { wall: (files * times) / wall, core: (files * times) / processor }
}
