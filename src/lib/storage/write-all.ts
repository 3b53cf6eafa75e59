import { writeSync } from 'node:fs'

/** Bytes at the end of an open file, all of them: write(2) may write fewer, on a full disk say. */
export function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
}
