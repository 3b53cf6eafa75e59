import { fdatasync, fstatSync, write } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * stdout without process.stdout: a write to a pipe resolves when the kernel has taken it, so a slow
 * reader slows the writer (process.stdout would block the whole event loop instead, and a receiver
 * must go on answering). Lines written while a write is under way go out together with the next.
 */
export class Output {
  #fd: number
  #pending: (string | Buffer)[] = []
  #running: Promise<void> | undefined
  #isFile: boolean

  constructor(fd = 1) {
    this.#fd = fd
    this.#isFile = fstatSync(fd).isFile()
  }

  /** Rejects with EPIPE when the reader has gone. */
  write(data: string | Buffer): Promise<void> {
    this.#pending.push(data)
    return (this.#running ??= this.#drain().finally(() => {
      this.#running = undefined
    }))
  }

  /** Where stdout is a file: bytes on stable storage. A pipe has no such thing. */
  async sync(): Promise<void> {
    if (!this.#isFile) return
    await new Promise<void>((resolve, reject) => {
      fdatasync(this.#fd, (error) => {
        if (error) reject(error)
        else resolve()
      })
    })
  }

  async #drain(): Promise<void> {
    while (this.#pending.length > 0) {
      const parts = this.#pending.map((part) =>
        typeof part === 'string' ? Buffer.from(part) : part,
      )
      this.#pending = []
      const first = parts[0]
      await this.#writeAll(parts.length === 1 && first !== undefined ? first : Buffer.concat(parts))
    }
  }

  async #writeAll(buffer: Buffer): Promise<void> {
    for (let at = 0; at < buffer.length;) {
      const written = await new Promise<number>((resolve, reject) => {
        write(this.#fd, buffer, at, (error, bytes) => {
          if (error === null) resolve(bytes)
          // Another process made the shared pipe non-blocking: it is full, not broken.
          else if (error.code === 'EAGAIN') resolve(0)
          else reject(error)
        })
      })
      if (written === 0) await delay(2)
      at += written
    }
  }
}
