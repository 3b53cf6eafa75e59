// What the tools take of the processor until they are of use, beside bare Node and jq: all of --version, a filter's whole run
// over one record, a receiver's way to its port. Not the clock, which other things on the machine move.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { writeInstances } from './ct-instances.ts'
import { spentBy } from './processor-time.ts'
import { inDirectory } from './in-directory.ts'

const bin = fileURLToPath(new URL('../bin/', import.meta.url))
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 7)
/** The shell counts in hundredths of a second. */
const startsARound = 2
const bareNode = 'node -e 0'

interface Start {
  readonly command: readonly string[]
  readonly input?: string
}

export default {
  name: 'startup',
  title: 'Processor time of a start (goal: --help and the first record within 2 × bare Node)',
  run: () => inDirectory(async (directory) => ({ rows: await compare(directory) })),
}

async function compare(directory: string) {
  const starts = startsIn(directory)
  const all = new Map<string, number[]>()
  const note = (who: string, ms: number) => all.set(who, [...(all.get(who) ?? []), ms])
  for (let round = 0; round < rounds; round++) {
    for (const [who, start] of Object.entries(starts)) note(who, spentOn(start))
    note('fiona-scp, until it listens', await untilListening(join(directory, 'received')))
  }
  const median = (who: string) => all.get(who)?.toSorted((a, b) => a - b)[rounds >> 1] ?? Number.NaN
  return [...all.keys()].map((who) => ({
    who,
    'median ms': Math.round(median(who)),
    '× bare Node': Number((median(who) / median(bareNode)).toFixed(2)),
  }))
}

function startsIn(directory: string): Record<string, Start> {
  const at = (name: string) => join(directory, name)
  const data = ['--data-dir', at('data')]
  const key = at('key')
  const tool = (name: string, ...args: string[]) => [join(bin, name), ...args]
  const keep = (name: string, text: string) => {
    writeFileSync(at(name), text)
    return at(name)
  }
  const [object] = writeInstances(directory, 1, 32)
  const instance = keep('instance', `${JSON.stringify({ type: 'instance', ...object })}\n`)
  outputOf(tool('fiona-crosswalk', 'key', 'create', key))
  const study = keep('study', outputOf(tool('fiona-arrive', '--data-dir', at('first')), instance))
  const anon = tool('fiona-anon', '--key-file', key, '--project', 'ABCD', ...data)
  const deidentified = keep('deidentified', outputOf(anon, study))
  const tools = readdirSync(bin).filter((name) => name.startsWith('fiona'))
  return {
    [bareNode]: { command: ['node', '-e', '0'] },
    'jq -c .': { command: ['jq', '-c', '.'], input: instance },
    ...Object.fromEntries(
      tools.map((name) => [`${name} --version`, { command: tool(name, '--version') }]),
    ),
    'fiona-classify --help': { command: tool('fiona-classify', '--help') },
    'fiona-classify, a record': { command: tool('fiona-classify'), input: instance },
    'fiona-arrive, a record': { command: tool('fiona-arrive', ...data), input: instance },
    'fiona-organize, a record': { command: tool('fiona-organize', ...data), input: instance },
    'fiona-anon, a study': { command: anon, input: study },
    'fiona-send, a study': {
      command: tool('fiona-send', '--destination', `file:${at('sent')}`, ...data),
      input: deidentified,
    },
    'fiona-journal append, a record': {
      command: tool('fiona-journal', 'append', 'bench', ...data),
      input: instance,
    },
    'fiona-stage, a record through cat': {
      command: tool(
        'fiona-stage',
        '--from',
        'bench',
        '--to',
        'next',
        '--once',
        ...data,
        '--',
        'cat',
      ),
    },
  }
}

function spentOn({ command, input }: Start): number {
  const often = `for n in $(seq ${String(startsARound)}); do "$@" < "$0" 2> /dev/null || exit 1; done`
  const { processor } = spentBy(['sh', '-c', often, input ?? '/dev/null', ...command])
  return (processor * 1000) / startsARound
}

function outputOf([file = '', ...args]: readonly string[], input = '/dev/null'): string {
  const stdio = { input: readFileSync(input), encoding: 'utf8' } as const
  const { status, stdout } = spawnSync(file, args, stdio)
  if (status !== 0) throw new Error(`${file} ended with ${String(status)}`)
  return stdout
}

/** All threads of it, as the kernel counts them. */
async function untilListening(dataDir: string): Promise<number> {
  const args = ['--port', '0', '--data-dir', dataDir]
  const child = spawn(join(bin, 'fiona-scp'), args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const exit = once(child, 'exit')
  try {
    for await (const line of createInterface(child.stderr)) {
      if (line.includes('listening')) return processorMs(child.pid ?? 0)
    }
    throw new Error('fiona-scp ended before it listened')
  } finally {
    child.kill()
    await exit
  }
}

function processorMs(pid: number): number {
  const tasks = `/proc/${String(pid)}/task`
  const spent = (task: string) =>
    Number(readFileSync(join(tasks, task, 'schedstat'), 'utf8').split(' ')[0]) / 1e6
  return readdirSync(tasks).reduce((sum, task) => sum + spent(task), 0)
}
