// The thread behind `Digester`: hashes objects block by block.
import { createHash, type Hash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import type { DigestReply, DigestRequest, DigestThread } from './digester.ts'

const { memory, progress } = workerData as DigestThread
const shared = new Uint8Array(memory)
const blocksRead = new Int32Array(progress)
const objects = new Map<number, Hash>()

parentPort?.on('message', (requests: readonly DigestRequest[]) => {
  for (const request of requests) answer(request)
})

parentPort?.postMessage('ready')

function answer({ id, block, index = 0, then, question = 0 }: DigestRequest): void {
  if (block !== undefined) {
    read(id, block, index)
    Atomics.add(blocksRead, 0, 1)
  }
  if (then === 'goOn') return
  const hash = objects.get(id)
  if (then === 'forget') objects.delete(id)
  else if (hash === undefined)
    reply({ question, trouble: 'the digest thread has not seen all of it' })
  else if (then === 'tell') reply({ question })
  else {
    objects.delete(id)
    reply({ question, digest: hash.digest('hex') })
  }
}

function read(id: number, block: NonNullable<DigestRequest['block']>, index: number): void {
  let hash = objects.get(id)
  // Of an object whose first blocks went to a thread that has ended there is no digest.
  if (hash === undefined && index === 0) objects.set(id, (hash = createHash('sha256')))
  hash?.update(
    block instanceof Uint8Array
      ? block
      : shared.subarray(block.offset, block.offset + block.length),
  )
}

function reply(message: DigestReply): void {
  parentPort?.postMessage(message)
}
