// What a command takes of the processor: its own time and the kernel's for it, start-up included. Right also where
// other things run on the machine.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'

export interface Spent {
  /** Seconds. */
  readonly wall: number
  readonly processor: number
}

/** The shell knows what its children took. @param input a file for stdin; stdout goes nowhere */
export function spentBy(command: readonly string[], input = '/dev/null', cwd = '/'): Spent {
  const stdin = openSync(input, 'r')
  try {
    const start = performance.now()
    const { status, stdout } = spawnSync(
      'sh',
      ['-c', '"$@" > /dev/null || exit 1; times', 'sh', ...command],
      { stdio: [stdin, 'pipe', 'inherit'], cwd, encoding: 'utf8' },
    )
    const wall = (performance.now() - start) / 1000
    if (status !== 0) throw new Error(`${command[0] ?? ''} failed`)
    return { wall, processor: processorSeconds(stdout) }
  } finally {
    closeSync(stdin)
  }
}

/** The second line of `times`: user and system time of children, as `1m2.345s`. */
function processorSeconds(times: string): number {
  const parts = (times.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)
  return [...parts].reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds),
    0,
  )
}

export interface Command {
  readonly command: readonly string[]
  /** A file for stdin. */
  readonly input?: string
  /** A file for stdout. */
  readonly output?: string
}

/** The same for commands that run beside each other, from the first start to the last end. */
export async function spentTogether(commands: readonly Command[]): Promise<Spent> {
  const start = performance.now()
  const all = await Promise.all(
    commands.map(async ({ command, input = '/dev/null', output = '/dev/null' }) => {
      const stdin = openSync(input, 'r')
      const child = spawn('sh', ['-c', '"$@" > "$OUTPUT" || exit 1; times', 'sh', ...command], {
        stdio: [stdin, 'pipe', 'inherit'],
        env: { ...process.env, OUTPUT: output },
      })
      closeSync(stdin)
      let said = ''
      child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
      const [code] = (await once(child, 'close')) as [number | null]
      if (code !== 0) throw new Error(`${command[0] ?? ''} failed`)
      return processorSeconds(said)
    }),
  )
  const wall = (performance.now() - start) / 1000
  return { wall, processor: all.reduce((sum, one) => sum + one, 0) }
}
