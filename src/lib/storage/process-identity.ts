import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * Which process this was, so that anybody can tell later whether it still lives. A bare pid would lie:
 * the kernel gives it to others. Together with the time of its start, the boot and the pid namespace
 * (each container counts its own pids) it is unmistakable.
 */
export interface ProcessIdentity {
  readonly host: string
  readonly boot: string
  readonly namespace: string
  readonly pid: number
  /** Clock ticks from boot to start; empty where the system has no /proc. */
  readonly start: string
}

export type Place = Omit<ProcessIdentity, 'pid' | 'start'>

export type Liveness = 'alive' | 'dead' | 'unknown'

export function ownIdentity(): ProcessIdentity {
  return { ...place(), pid: process.pid, start: startOf('self') ?? '' }
}

/**
 * `unknown` when it ran where this process cannot look: on another machine or in another container.
 * @param as how `identity` spells host, boot and namespace, when not in full
 */
export function livenessOf(
  identity: ProcessIdentity,
  as: (here: Place) => Place = (here) => here,
): Liveness {
  const here = as(place())
  if (identity.host !== here.host && identity.boot !== here.boot) return 'unknown'
  if (identity.boot !== here.boot) return 'dead'
  if (identity.namespace !== here.namespace) return 'unknown'
  if (identity.start === '') return isSignallable(identity.pid) ? 'alive' : 'dead'
  return startOf(identity.pid) === identity.start ? 'alive' : 'dead'
}

/** @returns undefined for anything that is no identity */
export function parseIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { host, boot, namespace, pid, start } = value as Record<string, unknown>
  if (typeof host !== 'string' || typeof boot !== 'string' || typeof start !== 'string') {
    return undefined
  }
  if (typeof namespace !== 'string' || !Number.isSafeInteger(pid)) return undefined
  return { host, boot, namespace, pid: pid as number, start }
}

function place(): Place {
  return {
    host: hostname(),
    boot: readOr('', () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: readOr('', () => readlinkSync('/proc/self/ns/pid')),
  }
}

/** Field 22 of /proc/<pid>/stat; undefined for a process that is not there or waits only to be reaped. */
function startOf(pid: number | 'self'): string | undefined {
  const text = readOr('', () => readFileSync(`/proc/${pid}/stat`, 'latin1'))
  // The second field is the command's name in parentheses, which may hold blanks and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state] = fields
  return state === 'Z' || state === 'X' ? undefined : fields[19]
}

function isSignallable(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function readOr(fallback: string, read: () => string): string {
  try {
    return read()
  } catch {
    return fallback
  }
}
