import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { readArmed } from './read-armed.ts'
import type { FaultPoint } from './fault-points.ts'

const armed = readArmed(process.env['FIONA_FAULT_POINT'])
const directory = process.env['FIONA_FAULT_DIRECTORY']

/**
 * Here a crash test may end the process, as a power switch would: by SIGKILL, so that nothing is cleaned
 * up. `FIONA_FAULT_POINT=name[:nth],…` arms points; a process dies when it comes by for the nth time (the
 * first, unless told). With `FIONA_FAULT_DIRECTORY` each point kills once altogether, whatever is
 * restarted: who dies leaves a file of the point's name there, which says who it was. Unarmed it is an
 * empty function.
 */
export const faultPoint: (name: FaultPoint) => void =
  armed.size === 0 ? () => undefined : dieWhenArmed

function dieWhenArmed(name: FaultPoint): void {
  const left = armed.get(name)
  if (left === undefined) return
  armed.set(name, left - 1)
  if (left === 1 && isFirst(name)) process.kill(process.pid, 'SIGKILL')
}

function isFirst(name: FaultPoint): boolean {
  if (directory === undefined) return true
  try {
    const fd = openSync(join(directory, name), 'wx')
    writeSync(fd, `${String(process.pid)} ${process.argv.slice(1).join(' ')}\n`)
    closeSync(fd)
    return true
  } catch {
    return false
  }
}
