import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** VmHWM of proc(5), MB: the most that was ever resident, whenever it is looked at. 0 when the process has gone. */
export function peakMegabytesOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, 'latin1')
    return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Looks at a process until it is told to stop: nobody can ask one that has ended. */
export function watchPeak(child: ChildProcess): () => number {
  let megabytes = 0
  const look = setInterval(() => {
    megabytes = Math.max(megabytes, peakMegabytesOf(child.pid))
  }, 50)
  return () => {
    clearInterval(look)
    return Math.round(megabytes)
  }
}
