import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** What the thread is asked: to read on in a file, and whether that was all. */
export interface DigestRequest {
  readonly id: number
  readonly fd: number
  /** Bytes of the file that are written. */
  readonly upTo: number
  readonly then: 'goOn' | 'finish' | 'forget'
}

/** Once a file: after it the thread does not touch the descriptor. */
export interface DigestReply {
  readonly id: number
  readonly digest?: string
  readonly trouble?: { readonly message: string; readonly code?: string }
}

/** So much may be written before the thread is told: often enough that little is left to do at the end. */
const tellEveryBytes = 256 * 1024

interface Waiting {
  readonly resolve: (digest: string) => void
  readonly reject: (error: unknown) => void
}

/**
 * SHA-256 of files while they are being written, in a thread of its own: hashing costs as much as receiving
 * does. The thread reads back what is in the file, which the kernel still has in memory, so no byte is
 * copied for it here; and the digest is one of the file.
 */
export class FileDigester {
  #worker: Worker | undefined
  readonly #waiting = new Map<number, Waiting>()
  readonly #program: URL
  #count = 0

  /** @param program what the thread runs: digest-worker.ts, built */
  constructor(program = new URL('./digest-worker.js', import.meta.url)) {
    this.#program = program
  }

  /** @param fd open for reading, until the digest has settled */
  begin(fd: number): FileDigest {
    this.#count += 1
    return new FileDigest(fd, this.#count, this)
  }

  /** Starts the thread, lest the first object waits for it. @throws when it cannot be started */
  async start(): Promise<void> {
    // Its first message says that it has loaded what it runs.
    await once(this.#thread(), 'message')
  }

  async close(): Promise<void> {
    await this.#worker?.terminate()
  }

  /** @internal */
  send(request: DigestRequest): void {
    this.#thread().postMessage(request)
  }

  /** @internal */
  ask(request: DigestRequest): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject })
      this.send(request)
    })
  }

  #thread(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(this.#program, { name: 'fiona-digest' })
    worker.on('message', (reply: DigestReply | 'ready') => {
      if (reply === 'ready') return
      const waiting = this.#waiting.get(reply.id)
      this.#waiting.delete(reply.id)
      const { digest = '', trouble } = reply
      if (trouble === undefined) waiting?.resolve(digest)
      else waiting?.reject(Object.assign(new Error(trouble.message), trouble))
    })
    // It has no reason to. Should it all the same, objects in hand are refused, and the next gets another.
    const lose = (error: unknown): void => {
      if (this.#worker === worker) this.#worker = undefined
      for (const [id, { reject }] of this.#waiting) {
        this.#waiting.delete(id)
        reject(error)
      }
    }
    worker.on('error', lose)
    worker.on('exit', () => {
      lose(new Error('the digest thread has ended'))
    })
    this.#worker = worker
    return worker
  }
}

/** Of one file. */
export class FileDigest {
  readonly #fd: number
  readonly #id: number
  readonly #digester: FileDigester
  #written = 0
  #told = 0

  /** @internal */
  constructor(fd: number, id: number, digester: FileDigester) {
    this.#fd = fd
    this.#id = id
    this.#digester = digester
  }

  /** So many more bytes are in the file. */
  wrote(bytes: number): void {
    this.#written += bytes
    if (this.#written - this.#told < tellEveryBytes) return
    this.#told = this.#written
    this.#digester.send(this.#request('goOn'))
  }

  /** Nothing more will be written. @returns SHA-256 in hex */
  finish(): Promise<string> {
    return this.#digester.ask(this.#request('finish'))
  }

  /** No digest is wanted any more. When it resolves, the descriptor is free to be closed. */
  async abandon(): Promise<void> {
    if (this.#told > 0) await this.#digester.ask(this.#request('forget'))
  }

  #request(then: DigestRequest['then']): DigestRequest {
    return { id: this.#id, fd: this.#fd, upTo: this.#written, then }
  }
}
