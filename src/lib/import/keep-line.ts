import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import type { FionaError } from '../error/index.ts'
import { asStorageError, type Intake } from '../intake/index.ts'

/**
 * A line, byte for byte, into the quarantine, with the reason beside it.
 * @returns the path it lies at, `.line`: without a newline
 * @throws FionaError E_DISK_FULL, E_ARCHIVE_WRITE
 */
export async function keepLine(
  intake: Intake,
  line: Buffer,
  reason: FionaError,
  facts: Readonly<Record<string, unknown>>,
): Promise<string> {
  const part = await intake.begin()
  try {
    for (let done = 0; done < line.length;) {
      done += writeSync(part.fd, line, done, line.length - done, done)
    }
  } catch (error) {
    await part.discard()
    throw asStorageError(error)
  }
  const sha256 = createHash('sha256').update(line).digest('hex')
  return intake.quarantine(part, reason, { ...facts, size: line.length, sha256 }, '.line')
}
