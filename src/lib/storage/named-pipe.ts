import { execFile } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { makeDirectories } from './durable.ts'

/** More than one is there only when one start after the other was killed before its reader had begun. */
const mostAside = 1000

/**
 * A plain file where a pipe is to be: a shell made it, for somebody who wrote before there was a pipe. It is put
 * aside, beside what was put aside before. No link of either kind: that could lead to lines which nobody wrote for us.
 */
export function putFileAside(pipe: string): void {
  const found = lstatSync(pipe, { throwIfNoEntry: false })
  if (found?.isFile() !== true || found.nlink !== 1) return
  let n = 0
  while (n < mostAside && existsSync(asideName(pipe, n))) n++
  // Then it keeps its place, and the reader refuses it.
  if (n < mostAside) renameSync(pipe, asideName(pipe, n))
}

/** What lies beside a pipe of which a plain file had the place, oldest first. */
export function filesPutAside(pipe: string): string[] {
  const names: string[] = []
  for (let n = 0; n < mostAside; n++) {
    const name = asideName(pipe, n)
    const found = lstatSync(name, { throwIfNoEntry: false })
    if (found?.isFile() === true && found.nlink === 1) names.push(name)
  }
  return names
}

function asideName(pipe: string, n: number): string {
  return `${pipe}.written-before${n === 0 ? '' : `.${String(n)}`}`
}

/**
 * A named pipe that its owner reads and its group may write into (0620), unless something is there already. Node
 * cannot make one; -m counts whatever the umask says, so that the group may write.
 */
export async function makeNamedPipe(path: string): Promise<void> {
  putFileAside(path)
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
