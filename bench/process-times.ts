// What each process of a chain takes of the processor, from the kernel's own account (proc_pid_stat(5)): its own time
// and the kernel's for it. Right also where other things run on the machine.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { processIds } from '../src/lib/process/index.ts'

/** The kernel counts in hundredths of a second (USER_HZ). */
const msPerTick = 10

/** Milliseconds by what the process is: `fiona-classify`, `fiona-stage organize`. */
export type ProcessTimes = ReadonlyMap<string, number>

/** Of this process and all below it. */
export function timesBelow(pid: number): ProcessTimes {
  const processes = processIds().flatMap((pid) => processOf(pid) ?? [])
  const wanted = new Set([pid])
  // A child may have a smaller number than its parent: numbers begin anew.
  for (let before = 0; before !== wanted.size;) {
    before = wanted.size
    for (const { pid: own, parent } of processes) if (wanted.has(parent)) wanted.add(own)
  }
  const times = new Map<string, number>()
  for (const { pid: own, ms } of processes) {
    if (!wanted.has(own)) continue
    const name = nameOf(own)
    times.set(name, (times.get(name) ?? 0) + ms)
  }
  return times
}

/** What was spent between two looks. */
export function spentSince(before: ProcessTimes, after: ProcessTimes): ProcessTimes {
  return new Map([...after].map(([name, ms]) => [name, ms - (before.get(name) ?? 0)]))
}

function processOf(pid: number): { pid: number; parent: number; ms: number } | undefined {
  const stat = read(`/proc/${String(pid)}/stat`)
  if (stat === undefined) return undefined
  // The name stands in parentheses, and may hold some itself. Behind it: 3 state, 4 ppid, … 14 utime, 15 stime.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  return { pid, parent: Number(fields[1]), ms: ticks * msPerTick }
}

function nameOf(pid: number): string {
  const words = (read(`/proc/${String(pid)}/cmdline`) ?? '').split('\0')
  const tool = words.find((word) => /\/fiona(-[a-z]+)?$/.test(word))
  if (tool === undefined) return basename(words[0] ?? '')
  const at = words.indexOf('--standard')
  return at === -1 ? basename(tool) : `${basename(tool)} ${words[at + 1] ?? ''}`
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
