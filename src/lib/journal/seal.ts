import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '../storage/index.ts'

/**
 * A closed segment is never written again. Its seal, `<segment without .ndjson>.sha256`, says what it held
 * then, in the format of sha256sum(1): `sha256sum -c *.sha256` tells whether a disk or a copy has changed
 * anything, and the records themselves stay plain lines. One without a seal was not closed by its writer.
 */
export function sealName(segment: string): string {
  return segment.replace(/\.ndjson$/, '.sha256')
}

/** Not durable by itself: a seal that is lost with the power is made anew by `repair`. */
export async function sealSegment(
  directory: string,
  segment: string,
  sha256: string,
): Promise<void> {
  await writeFileAtomic(join(directory, sealName(segment)), `${sha256}  ${segment}\n`, {
    durable: false,
  })
}

/** @returns the digest, or undefined where there is no seal, or one that the power took */
export async function readSeal(directory: string, segment: string): Promise<string | undefined> {
  try {
    const text = await readFile(join(directory, sealName(segment)), 'latin1')
    return /^([0-9a-f]{64}) [ *]/.exec(text)?.[1]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
