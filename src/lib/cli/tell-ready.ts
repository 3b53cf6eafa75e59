import { spawn } from 'node:child_process'
import { close, fstatSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Keepsake } from './kept-descriptors.ts'

export interface Readiness {
  /** One line for `systemctl status`; it must name nobody. */
  readonly status: string
  /** Where the work lies: a service whose disk does not answer makes no progress. */
  readonly dataDir: string
  readonly signal: AbortSignal
  readonly log: Logger
  /** What is to stay open when this process is killed. */
  readonly keep?: readonly Keepsake[]
  /** What `takeKept` gave. */
  readonly kept?: ReadonlyMap<string, number>
}

/** Longer than PID 1 is ever busy; then the next ping has its turn. */
const patienceMs = 5_000

/**
 * Tells the service manager (sd_notify(3)) that the service does its work from now on, when it is asked to stop, and
 * that it is well, three times in each WatchdogSec. The watchdog hears nothing when the event loop stands, or when
 * no thread of the pool comes back from the disk. Without NOTIFY_SOCKET it does nothing.
 *
 * Node has no datagram sockets of Unix, so systemd-notify(1) speaks; the unit says NotifyAccess=all. It waits
 * until PID 1 has taken the message (a barrier), or PID 1 might look for a process that has gone already.
 */
export function tellReady(readiness: Readiness): void {
  const { status, dataDir, signal, log } = readiness
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC, WATCHDOG_PID, FDSTORE } = process.env
  if (socket === undefined || socket === '') return
  // They are for this process, not for what it starts.
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'FDSTORE']) {
    Reflect.deleteProperty(process.env, name)
  }
  const tell = teller(socket, log)
  const isWatched = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid
  const everyMs = isWatched ? Number(WATCHDOG_USEC ?? 0) / 1000 / 3 : 0
  signal.addEventListener('abort', () => {
    void tell(['STOPPING=1', 'STATUS=stopping: finishing what is in hand'])
  })
  const hasStore = Number(FDSTORE ?? 0) > 0
  void (hasStore ? updateStore(readiness, tell) : Promise.resolve())
    .then(() => tell(['READY=1', `STATUS=${status}`]))
    .then(() => (everyMs > 0 ? keepTelling(everyMs, dataDir, signal, tell) : undefined))
}

/** @param descriptor handed over with the message */
type Tell = (messages: readonly string[], descriptor?: number) => Promise<void>

function teller(socket: string, log: Logger): Tell {
  const env = { PATH: process.env['PATH'], NOTIFY_SOCKET: socket }
  return (messages, descriptor) =>
    new Promise((resolve) => {
      const [words, more] = descriptor === undefined ? [[], []] : [['--fd=3'], [descriptor]]
      const child = spawn('systemd-notify', [...words, ...messages], {
        env,
        stdio: ['ignore', 'ignore', 'inherit', ...more],
        timeout: patienceMs,
        killSignal: 'SIGKILL',
      })
      const done = (trouble: string | undefined): void => {
        if (trouble !== undefined) log.warn({ err: trouble }, 'the service manager was not reached')
        resolve()
      }
      child.once('error', (error) => {
        done(error.message)
      })
      child.once('exit', (code, by) => {
        done(code === 0 ? undefined : `systemd-notify: ${by ?? `exit code ${String(code)}`}`)
      })
    })
}

/** Into the file descriptor store with what is not in it yet; out of it with what is of no use any more. */
async function updateStore({ keep = [], kept }: Readiness, tell: Tell): Promise<void> {
  const stored = keep.filter(({ name, descriptor }) => isSameFile(kept?.get(name), descriptor))
  for (const [name, descriptor] of kept ?? []) {
    const used = stored.find((one) => one.name === name)
    if (used?.descriptor === descriptor) continue
    close(descriptor, () => undefined)
    // A port would answer, and nobody would serve.
    if (used === undefined) await tell(['FDSTOREREMOVE=1', `FDNAME=${name}`])
  }
  for (const one of keep) {
    if (one.descriptor === undefined || stored.includes(one)) continue
    await tell(['FDSTORE=1', `--fdname=${one.name}`], one.descriptor)
  }
}

/** Opened twice, a pipe has two descriptors and one content. */
function isSameFile(one: number | undefined, other: number | undefined): boolean {
  if (one === undefined || other === undefined) return false
  const [a, b] = [fstatSync(one, { bigint: true }), fstatSync(other, { bigint: true })]
  return a.dev === b.dev && a.ino === b.ino
}

async function keepTelling(
  everyMs: number,
  dataDir: string,
  signal: AbortSignal,
  tell: Tell,
): Promise<void> {
  while (!signal.aborted) {
    await delay(everyMs, undefined, { ref: false })
    // An answer of any kind will do: that something is missing or forbidden is told where it matters.
    await stat(dataDir).catch(() => undefined)
    await tell(['WATCHDOG=1'])
  }
}
