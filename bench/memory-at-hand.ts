import { spawnSync } from 'node:child_process'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Not worth the time. */
const littleMegabytes = 500
let fillings = 0

/**
 * Lets the kernel's cache take what memory is free, as it has on a server that has run for days. In a virtual machine the
 * host gives a free page only when it is touched, which costs several times as much as writing to it: a program would be measured by
 * whether the one before it has left pages behind.
 * @param directory the file that is read stays there: with it the pages would be free again
 */
export function takeFreeMemory(directory: string): void {
  const free = /^MemFree:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1]
  const megabytes = Math.floor(Number(free ?? 0) / 1024)
  if (megabytes < littleMegabytes) return
  const path = join(directory, `nothing-${String(fillings++)}`)
  writeFileSync(path, '')
  truncateSync(path, megabytes * 1024 * 1024)
  spawnSync('dd', [`if=${path}`, 'of=/dev/null', 'bs=1M', 'status=none'])
}
