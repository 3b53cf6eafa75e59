// The receivers that are compared, each started on an empty directory: their command lines, when they are
// up, what they have cost, and their end.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { binDir, freePort, isInstalled } from '../test/fixtures/peers.ts'
import { bareProgram } from './bare/programs.ts'
import { peakMegabytesOf } from './peak-memory.ts'

/** The kernel counts time in ticks of a hundredth of a second. */
const ticksPerSecond = 100

export interface Receiver {
  readonly who: string
  /** Its command line, to listen on `port` and keep everything below `directory`. */
  readonly command: (port: number, directory: string, associations: number) => readonly string[]
}

export const fionaSynced: Receiver = {
  who: 'fiona-scp (fsync before success)',
  command: (port, directory) => ours(port, directory, 'fsync'),
}
export const fionaUnsynced: Receiver = {
  who: 'fiona-scp --durability none',
  command: (port, directory) => ours(port, directory, 'none'),
}
export const storescpDefaults: Receiver = {
  who: 'DCMTK storescp, defaults (no sync)',
  command: (port, directory, associations) => storescp(port, directory, associations, []),
}
export const storescpTuned: Receiver = {
  who: 'DCMTK storescp +B -pdu 131072 (no sync)',
  command: (port, directory, associations) =>
    storescp(port, directory, associations, ['+B', '-pdu', '131072']),
}
export const orthanc: Receiver = {
  who: 'Orthanc, defaults (fdatasync)',
  command: (port, directory) => {
    const config = join(directory, 'orthanc.json')
    writeFileSync(
      config,
      JSON.stringify({
        StorageDirectory: join(directory, 'storage'),
        IndexDirectory: join(directory, 'storage'),
        DicomPort: port,
        DicomCheckCalledAet: false,
        HttpServerEnabled: false,
      }),
    )
    return ['/usr/sbin/Orthanc', config]
  },
}

/** What Node.js itself can do, and no receiver can be beaten by more than that. */
export const bareSynced: Receiver = {
  who: 'bare Node: socket to file, fsync of the file alone',
  command: (port, directory) => bare(port, directory, 'fsync'),
}
export const bareUnsynced: Receiver = {
  who: 'bare Node: socket to file, no sync',
  command: (port, directory) => bare(port, directory, 'none'),
}
/** Threads that share nothing but a sync: what spreading associations over them could give. */
export const bareThreads: Receiver = {
  who: 'bare Node, 4 threads: digest, file, name, journal, each synced',
  command: (port, directory) => bare(port, directory, 'whole', '4'),
}

function bare(port: number, directory: string, ...how: readonly string[]): readonly string[] {
  return [process.execPath, bareProgram('receiver'), String(port), directory, ...how]
}

function ours(port: number, directory: string, durability: string): readonly string[] {
  const where = ['--port', String(port), '--data-dir', directory, '--journal', 'received']
  return [join(binDir, 'fiona-scp'), ...where, '--durability', durability, '--log-level', 'warn']
}

function storescp(
  port: number,
  directory: string,
  associations: number,
  options: readonly string[],
): readonly string[] {
  const fork = associations > 1 ? ['--fork'] : []
  return ['storescp', ...fork, ...options, '-od', directory, String(port)]
}

/** Those whose program is on this machine. */
export function present(receivers: readonly Receiver[], directory: string): Receiver[] {
  return receivers.filter(({ command }) => {
    const [file = ''] = command(0, directory, 1)
    return isInstalled(file)
  })
}

export interface Cost {
  /** Processor time since it was up, in seconds, children that have ended included. */
  readonly cpuSeconds: number
  /** The most memory that it had at once, in MB: of one process, the largest. */
  readonly peakMegabytes: number
}

/** A receiver that listens. */
export class RunningReceiver {
  readonly port: number
  readonly #who: string
  readonly #isWrapped: boolean
  readonly #child: ChildProcess
  #said = ''
  #cpuAtStart = 0
  #peakOfChildren = 0

  private constructor(who: string, port: number, child: ChildProcess, isWrapped: boolean) {
    this.#who = who
    this.#isWrapped = isWrapped
    this.port = port
    this.#child = child
    child.stderr?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()))
  }

  /** @param before words that run the command line in their way: `strace` and its options, say */
  static async start(
    receiver: Receiver,
    directory: string,
    associations: number,
    before: readonly string[] = [],
  ): Promise<RunningReceiver> {
    const port = await freePort()
    const target = mkdtempSync(join(directory, 'received-'))
    const [file = '', ...args] = [...before, ...receiver.command(port, target, associations)]
    const child = spawn(file, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, TCP_NODELAY: '1' },
    })
    const running = new RunningReceiver(receiver.who, port, child, before.length > 0)
    await running.#listening()
    running.#cpuAtStart = cpuSeconds(running.#pid)
    return running
  }

  /** With a forking receiver, ask while its children live. */
  cost(): Cost {
    for (const pid of childrenOf(this.#pid)) {
      this.#peakOfChildren = Math.max(this.#peakOfChildren, peakMegabytesOf(pid))
    }
    return {
      cpuSeconds: cpuSeconds(this.#pid) - this.#cpuAtStart,
      peakMegabytes: Math.max(peakMegabytesOf(this.#pid), this.#peakOfChildren),
    }
  }

  /** What went wrong, with the receiver's last words. */
  trouble(error: unknown): Error {
    return new Error(`${this.#who}: ${String(error)}\n${this.#said.slice(-2000)}`, { cause: error })
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    // What runs it (strace) may not listen, and ends when it does.
    process.kill(this.#isWrapped ? (childrenOf(this.#pid)[0] ?? this.#pid) : this.#pid)
    await gone
  }

  get #pid(): number {
    return this.#child.pid ?? 0
  }

  async #listening(): Promise<void> {
    while (this.#child.exitCode === null) {
      const socket = connect(this.port, '127.0.0.1')
      const isUp = await new Promise<boolean>((resolve) => {
        socket.on('connect', () => {
          resolve(true)
        })
        socket.on('error', () => {
          resolve(false)
        })
      })
      socket.destroy()
      if (isUp) return
      await delay(20)
    }
    throw this.trouble(`ended with ${String(this.#child.exitCode)} before it listened`)
  }
}

/** utime, stime, and those of children that have been waited for: fields 14 to 17 of proc(5) stat. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  const living = childrenOf(pid).reduce((sum, child) => sum + cpuSeconds(child), 0)
  return ticks / ticksPerSecond + living
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'latin1')
    return text.split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}
