import { execFile } from 'node:child_process'
import { closeSync, constants, existsSync, fstatSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { makeDirectories } from './durable.ts'

/**
 * A named pipe that its owner reads and its group may write into (0620), unless something is there already. Node
 * cannot make one; -m counts whatever the umask says, so that the group may write.
 */
export async function makeNamedPipe(path: string): Promise<void> {
  if (existsSync(path)) return
  await makeDirectories(dirname(path), { durable: false })
  try {
    await promisify(execFile)('mkfifo', ['-m', '0620', '--', path])
  } catch (error) {
    // Somebody else made it in between.
    if (!existsSync(path)) throw error
  }
}

/**
 * Keeps a pipe open without reading it: what is in it when its reader dies is still there for the next one. The
 * kernel throws it away with the last descriptor.
 * @returns what closes it; nothing is held where there is no pipe, or none of ours
 */
export function holdNamedPipe(path: string): () => void {
  const nothing = (): void => undefined
  let fd
  try {
    fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch {
    return nothing
  }
  const held = fd
  if (fstatSync(held).isFIFO()) return () => closeSync(held)
  closeSync(held)
  return nothing
}
