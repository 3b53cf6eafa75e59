import { readFileSync } from 'node:fs'
import { processIds } from './process-ids.ts'

/** Less than this is what waiting costs: timers of a runtime, a line about having to wait. */
const leastCpuShare = 0.01
const leastBytes = 4096
/** The kernel counts in hundredths of a second, whatever its own clock does (USER_HZ). */
const msPerTick = 10

interface Work {
  readonly processes: number
  readonly cpuMs: number
  /** Read and written, files and sockets alike. */
  readonly bytes: number
}

/**
 * Tells a pipeline that hangs from one that works in silence, as one does that computes, or sends slowly
 * over a network. One that computes without end cannot be told from one that has much to do.
 *
 * Without /proc there is nothing to look at: then only what a pipeline prints shows that it lives.
 */
export class SignsOfLife {
  #groups: ReadonlySet<number>
  #lookedAt = performance.now()
  #work: Work

  constructor(groups: readonly number[]) {
    this.#groups = new Set(groups)
    this.#work = workOf(this.#groups)
  }

  /** Milliseconds since the last look, or since the beginning. */
  get sinceLook(): number {
    return performance.now() - this.#lookedAt
  }

  /** Whether anything was done since the last look. */
  look(): boolean {
    const before = this.#work
    const passedMs = this.sinceLook
    const now = workOf(this.#groups)
    this.#work = now
    this.#lookedAt = performance.now()
    return (
      now.processes !== before.processes ||
      now.cpuMs - before.cpuMs > passedMs * leastCpuShare ||
      now.bytes - before.bytes > leastBytes
    )
  }
}

/** Of all processes of these groups together. */
function workOf(groups: ReadonlySet<number>): Work {
  let processes = 0
  let cpuMs = 0
  let bytes = 0
  for (const pid of processIds()) {
    const stat = read(`/proc/${String(pid)}/stat`)
    // The name stands in parentheses, and may hold some itself. Behind it, by proc_pid_stat(5): 3 state, 5 pgrp,
    // 14 utime, 15 stime, and those of children that have ended, 16 and 17.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (!groups.has(Number(fields[2]))) continue
    processes++
    for (const ticks of fields.slice(11, 15)) cpuMs += Number(ticks) * msPerTick
    const io = read(`/proc/${String(pid)}/io`)
    for (const [, count] of io.matchAll(/^[rw]char: (\d+)$/gm)) bytes += Number(count)
  }
  return { processes, cpuMs, bytes }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // It has ended, or belongs to somebody else.
    return ''
  }
}
