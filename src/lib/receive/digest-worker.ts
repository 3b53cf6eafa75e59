// The thread behind `FileDigester`: reads files as they grow, and hashes what it reads.
import { createHash, type Hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import type { DigestReply, DigestRequest } from './file-digester.ts'

/** A part of a file that is likely still in the processor's cache. */
const chunk = Buffer.allocUnsafeSlow(256 * 1024)
const files = new Map<number, { readonly hash: Hash; at: number }>()

parentPort?.on('message', ({ id, fd, upTo, then }: DigestRequest) => {
  let reply: DigestReply | undefined
  try {
    if (then === 'forget') reply = { id }
    else {
      const digest = follow(id, fd, upTo, then === 'finish')
      if (digest !== undefined) reply = { id, digest }
    }
  } catch (error) {
    // Of an error that goes to another thread only name, message and stack arrive.
    const { message, code } = error as NodeJS.ErrnoException
    reply = { id, trouble: { message, ...(code === undefined ? {} : { code }) } }
  }
  if (reply === undefined) return
  files.delete(id)
  parentPort?.postMessage(reply)
})

parentPort?.postMessage('ready')

function follow(id: number, fd: number, upTo: number, isLast: boolean): string | undefined {
  let file = files.get(id)
  if (file === undefined) files.set(id, (file = { hash: createHash('sha256'), at: 0 }))
  while (file.at < upTo) {
    const length = readSync(fd, chunk, 0, Math.min(chunk.length, upTo - file.at), file.at)
    if (length === 0) throw new Error('the file is shorter than what was written into it')
    file.hash.update(chunk.subarray(0, length))
    file.at += length
  }
  return isLast ? file.hash.digest('hex') : undefined
}
