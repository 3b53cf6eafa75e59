// The rate of one filter, beside jq. jq reads no DICOM: beside `jq -c .` stands what fiona-classify
// does with records that are not its own, and beside jq adding a field what it does with instances,
// whose headers it opens, reads and holds against the default rules. Start-up is in all figures.
import { spawn } from 'node:child_process'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeInstances } from './ct-instances.ts'
import { isInstalled } from '../test/fixtures/peers.ts'
import { medianOf } from './median.ts'
import { inDirectory } from './in-directory.ts'

const tool = fileURLToPath(new URL('../bin/fiona-classify', import.meta.url))
const recordCount = 200_000
const objectCount = 1000
const rounds = 3

interface Contender {
  readonly who: string
  readonly command: readonly [string, ...string[]]
  readonly input: string
}

export default {
  name: 'filter',
  title: `NDJSON through one filter: ${recordCount.toLocaleString('en')} records of 600 bytes, ${String(objectCount)} CT objects`,
  run: () =>
    inDirectory(async (directory) => {
      const rows = await compare(contenders(directory))
      return { rows }
    }),
}

function contenders(directory: string): Contender[] {
  const instances = join(directory, 'instances.ndjson')
  const foreign = join(directory, 'foreign.ndjson')
  const records = writeInstances(directory, objectCount)
  const lines = (type: string): string =>
    Array.from({ length: recordCount }, (_, at) =>
      JSON.stringify({ type, ...records[at % records.length] }),
    ).join('\n') + '\n'
  writeFileSync(instances, lines('instance'))
  writeFileSync(foreign, lines('mpps'))
  const all: Contender[] = [
    { who: 'fiona-classify, records of other tools', command: [tool], input: foreign },
    { who: 'jq -c .', command: ['jq', '-c', '.'], input: foreign },
    {
      who: 'fiona-classify, instances (reads each header)',
      command: [tool],
      input: instances,
    },
    {
      who: 'jq -c .ClassifyType=[] (reads no header)',
      command: ['jq', '-c', '.ClassifyType=[]'],
      input: instances,
    },
  ]
  return all.filter(({ command: [file] }) => isInstalled(file))
}

async function compare(contenders: readonly Contender[]) {
  const rates = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]))
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) rates.get(contender)?.push(await measure(contender))
  }
  return contenders.map((contender) => {
    const all = rates.get(contender) ?? []
    return {
      who: contender.who,
      'best records/s': Math.round(Math.max(...all)),
      'median records/s': Math.round(medianOf(all)),
    }
  })
}

async function measure({ command: [file, ...args], input }: Contender): Promise<number> {
  const stdin = openSync(input, 'r')
  try {
    const start = performance.now()
    const child = spawn(file, args, { stdio: [stdin, 'pipe', 'inherit'] })
    let bytes = 0
    child.stdout?.on('data', (chunk: Buffer) => (bytes += chunk.length))
    const code = await new Promise((resolve) => child.on('close', resolve))
    if (code !== 0 || bytes === 0) throw new Error(`${file} ended with ${String(code)}`)
    return (recordCount * 1000) / (performance.now() - start)
  } finally {
    closeSync(stdin)
  }
}
