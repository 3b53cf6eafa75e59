import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** A piece of memory with bytes in it. */
export interface SharedBytes {
  readonly bytes: Buffer
  /** Where it begins in the memory that the thread was given; undefined where it is no part of that. */
  readonly offset?: number | undefined
}

/** What the thread is given at its start. */
export interface DigestThread {
  readonly memory: SharedArrayBuffer
  /** One number: how many blocks it has read. */
  readonly progress: SharedArrayBuffer
}

/** What the thread is asked. */
export interface DigestRequest {
  readonly id: number
  /** The next bytes of this file: in the memory that it was given, or here. */
  readonly block?: { readonly offset: number; readonly length: number } | Uint8Array
  /** Of the blocks of this file, from 0. */
  readonly index?: number
  /** `tell`: that all so far is read; `finish`: the digest; `forget`: nothing more comes. */
  readonly then: 'goOn' | 'tell' | 'finish' | 'forget'
  /** To be repeated in the reply to `tell` and `finish`. */
  readonly question?: number
}

export interface DigestReply {
  readonly question: number
  readonly digest?: string
  readonly trouble?: string
}

interface Waiting {
  readonly resolve: (digest: string) => void
  readonly reject: (error: unknown) => void
}

interface Running {
  readonly worker: Worker
  readonly progress: Int32Array
  /** Blocks handed to it. */
  handed: number
  /** What it will be asked with the next message: to post one costs as much as to hash half a block. */
  requests: DigestRequest[]
}

/**
 * SHA-256 of objects on their way, in a thread of its own: hashing costs as much as receiving or sending does. The
 * thread reads bytes where they are, as long as their memory is shared; no byte is copied for it. It starts with the
 * first of them, and keeps no process alive that has nothing else to wait for.
 */
export class Digester {
  readonly #memory: SharedArrayBuffer
  readonly #program: URL
  readonly #waiting = new Map<number, Waiting>()
  #running: Running | undefined
  #count = 0
  #questions = 0

  /**
   * @param memory that most bytes will lie in, where there is such a thing; then only their place is told
   * @param program what the thread runs: digest-worker.ts, built
   */
  constructor(
    memory = new SharedArrayBuffer(0),
    program = new URL('./digest-worker.js', import.meta.url),
  ) {
    this.#memory = memory
    this.#program = program
  }

  begin(): Digest {
    this.#count += 1
    return new Digest(this.#count, this)
  }

  /** Starts the thread, lest the first object waits for it. @throws when it cannot be started */
  async start(): Promise<void> {
    const { worker } = this.#thread()
    worker.ref()
    // Its first message says that it has loaded what it runs.
    await once(worker, 'message')
    if (this.#waiting.size === 0) worker.unref()
  }

  async close(): Promise<void> {
    await this.#running?.worker.terminate()
  }

  /** @internal @returns whether the thread has done with the block */
  hand(id: number, index: number, { bytes, offset }: SharedBytes, length: number): () => boolean {
    const thread = this.#thread()
    const position = (thread.handed = (thread.handed + 1) | 0)
    const block = offset === undefined ? bytes.subarray(0, length) : { offset, length }
    this.#send({ id, index, block, then: 'goOn' })
    if (offset === undefined && !(bytes.buffer instanceof SharedArrayBuffer)) {
      // Posting copies it, and its owner may use it again as soon as this returns.
      post(thread)
      return () => true
    }
    // The difference is right also where the numbers have wrapped around.
    return () => ((Atomics.load(thread.progress, 0) - position) | 0) >= 0
  }

  /** @internal */
  ask(id: number, then: 'tell' | 'finish'): Promise<string> {
    this.#questions += 1
    const question = this.#questions
    return new Promise((resolve, reject) => {
      this.#waiting.set(question, { resolve, reject })
      if (this.#waiting.size === 1) this.#thread().worker.ref()
      this.#send({ id, then, question })
    })
  }

  /** @internal */
  forget(id: number): void {
    this.#send({ id, then: 'forget' })
  }

  /** Together with all else that is asked in this turn of the event loop. */
  #send(request: DigestRequest): void {
    const thread = this.#thread()
    thread.requests.push(request)
    if (thread.requests.length > 1) return
    queueMicrotask(() => {
      post(thread)
    })
  }

  #thread(): Running {
    if (this.#running !== undefined) return this.#running
    const shared = new SharedArrayBuffer(4)
    const progress = new Int32Array(shared)
    const workerData: DigestThread = { memory: this.#memory, progress: shared }
    const worker = new Worker(this.#program, { name: 'fiona-digest', workerData })
    worker.unref()
    const running: Running = { worker, progress, handed: 0, requests: [] }
    worker.on('message', (reply: DigestReply | 'ready') => {
      if (reply === 'ready') return
      const waiting = this.#waiting.get(reply.question)
      this.#waiting.delete(reply.question)
      if (this.#waiting.size === 0) worker.unref()
      const { digest = '', trouble } = reply
      if (trouble === undefined) waiting?.resolve(digest)
      else waiting?.reject(new Error(trouble))
    })
    // It has no reason to. Should it all the same, objects in hand are refused, and the next gets another.
    const lose = (error: unknown): void => {
      if (this.#running?.worker === worker) this.#running = undefined
      // Nobody reads the blocks that it had.
      Atomics.store(progress, 0, running.handed)
      for (const [question, { reject }] of this.#waiting) {
        this.#waiting.delete(question)
        reject(error)
      }
    }
    worker.on('error', lose)
    worker.on('exit', () => {
      lose(new Error('the digest thread has ended'))
    })
    this.#running = running
    return running
  }
}

function post({ worker, requests }: Running): void {
  if (requests.length > 0) worker.postMessage(requests.splice(0))
}

/** Of one object. */
export class Digest {
  readonly #id: number
  readonly #digester: Digester
  #blocks = 0

  /** @internal */
  constructor(id: number, digester: Digester) {
    this.#id = id
    this.#digester = digester
  }

  /**
   * The next bytes: the first `length` of the block, which must stay as they are until they are read.
   * @returns whether they are
   */
  update(block: SharedBytes, length: number): () => boolean {
    const index = this.#blocks
    this.#blocks += 1
    return this.#digester.hand(this.#id, index, block, length)
  }

  /** Resolves when all that was handed over is read. */
  async caughtUp(): Promise<void> {
    await this.#digester.ask(this.#id, 'tell')
  }

  /** @returns SHA-256 in hex */
  finish(): Promise<string> {
    return this.#digester.ask(this.#id, 'finish')
  }

  /** No digest is wanted any more. */
  abandon(): void {
    this.#digester.forget(this.#id)
  }
}
