import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { makeDirectories } from './durable.ts'

/**
 * A named pipe for owner and group (0660), unless something is there already. Node cannot make one; -m
 * counts whatever the umask says, so that the group may write.
 */
export async function makeNamedPipe(path: string): Promise<void> {
  if (existsSync(path)) return
  await makeDirectories(dirname(path), { durable: false })
  try {
    await promisify(execFile)('mkfifo', ['-m', '0660', '--', path])
  } catch (error) {
    // Somebody else made it in between.
    if (!existsSync(path)) throw error
  }
}
