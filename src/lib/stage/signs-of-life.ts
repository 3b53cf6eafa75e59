import { readFileSync } from 'node:fs'
import { processIds } from '../process/index.ts'

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
 * over a network; and one that works from one that computes without end: whoever works for long reads or
 * writes something now and then.
 *
 * Without /proc there is nothing to look at: then only what a pipeline prints shows that it lives. Whoever reads that
 * begins anew with each print.
 */
export class SignsOfLife {
  #groups: ReadonlySet<number>
  #lookedAt = performance.now()
  /** When it last read, wrote, or began or ended a process, and what it had done by then. */
  #spoke: { readonly at: number; readonly work: Work }
  /** The same, where computing counts, too. */
  #moved: { readonly at: number; readonly work: Work }

  constructor(groups: readonly number[]) {
    this.#groups = new Set(groups)
    const now = { at: this.#lookedAt, work: workOf(this.#groups) }
    this.#spoke = now
    this.#moved = now
  }

  /** Milliseconds since the last look, or since the beginning. */
  get sinceLook(): number {
    return performance.now() - this.#lookedAt
  }

  /** Of the last look: for how many milliseconds nothing had been read or written. */
  get silentMs(): number {
    return this.#lookedAt - this.#spoke.at
  }

  /** Of the last look: for how many milliseconds nothing at all had been done. */
  get idleMs(): number {
    return this.#lookedAt - this.#moved.at
  }

  look(): void {
    const now = { at: performance.now(), work: workOf(this.#groups) }
    const { work: before } = this.#spoke
    const hasSpoken =
      now.work.processes !== before.processes || now.work.bytes - before.bytes > leastBytes
    const { at, work } = this.#moved
    const hasComputed = now.work.cpuMs - work.cpuMs > (now.at - at) * leastCpuShare
    this.#lookedAt = now.at
    if (hasSpoken) this.#spoke = now
    if (hasSpoken || hasComputed) this.#moved = now
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
