import type { Config } from '../config/index.ts'
import { freeBytes } from '../storage/index.ts'
import { about, error, type Finding, ok, warning } from './finding.ts'

/** Below the reserve every object is refused; shortly above it is the time to act. */
export async function checkDisk({ dataDir, receiver }: Config): Promise<Finding[]> {
  const free = freeBytes(dataDir)
  const { reserveBytes } = receiver
  const text = `${gib(free)} GiB free, ${gib(reserveBytes)} GiB kept in reserve`
  const keys = ['receiver', 'reserveBytes']
  const hint = 'make room, or lower receiver.reserveBytes'
  if (free < reserveBytes) {
    return [about(error('disk', `${text}: objects are refused`, hint), ...keys)]
  }
  if (free < 2 * reserveBytes) {
    return [about(warning('disk', `${text}: it is nearly full`, hint), ...keys)]
  }
  return [ok('disk', text)]
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1)
}
