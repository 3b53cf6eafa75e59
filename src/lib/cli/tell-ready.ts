import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'

export interface Readiness {
  /** One line for `systemctl status`; it must name nobody. */
  readonly status: string
  /** Where the work lies: a service whose disk does not answer makes no progress. */
  readonly dataDir: string
  readonly signal: AbortSignal
  readonly log: Logger
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
export function tellReady({ status, dataDir, signal, log }: Readiness): void {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC, WATCHDOG_PID } = process.env
  if (socket === undefined || socket === '') return
  // They are for this process, not for what it starts.
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) {
    Reflect.deleteProperty(process.env, name)
  }
  const tell = teller(socket, log)
  const isWatched = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid
  const everyMs = isWatched ? Number(WATCHDOG_USEC ?? 0) / 1000 / 3 : 0
  signal.addEventListener('abort', () => {
    void tell('STOPPING=1', 'STATUS=stopping: finishing what is in hand')
  })
  void tell('READY=1', `STATUS=${status}`).then(() =>
    everyMs > 0 ? keepTelling(everyMs, dataDir, signal, tell) : undefined,
  )
}

type Tell = (...messages: readonly string[]) => Promise<void>

function teller(socket: string, log: Logger): Tell {
  const env = { PATH: process.env['PATH'], NOTIFY_SOCKET: socket }
  return (...messages) =>
    new Promise((resolve) => {
      const options = { env, timeout: patienceMs, killSignal: 'SIGKILL' as const }
      execFile('systemd-notify', messages, options, (error) => {
        if (error !== null) log.warn({ err: error.message }, 'the service manager was not reached')
        resolve()
      })
    })
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
    await tell('WATCHDOG=1')
  }
}
