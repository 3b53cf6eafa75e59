import { createHash, type Hash, randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { readToSend, unreadableToSend } from '../storage/index.ts'
import type { WebBody } from './web-client.ts'

export interface FileDelivered {
  readonly path: string
  /** As it was looked at: what is sent is exactly so long. */
  readonly size: number
}

/**
 * Files as the parts of a multipart/related body (RFC 2387, PS3.18 8.6.1.2), read while they are sent into one
 * buffer, which their framing shares. The length is known before, as many servers want it.
 */
export class MultipartFiles<File extends FileDelivered> implements WebBody {
  readonly #files: readonly File[]
  readonly #boundary = `fiona-${randomBytes(16).toString('hex')}`
  readonly #head: Buffer
  readonly #end: Buffer
  readonly #block: Buffer
  readonly #digests = new Map<File, string>()
  #current: File | undefined

  /** @param block for its bytes on their way, which small files share; not to be used by another meanwhile */
  constructor(files: readonly File[], block: Buffer) {
    this.#files = files
    this.#block = block
    this.#head = Buffer.from(`\r\n--${this.#boundary}\r\nContent-Type: application/dicom\r\n\r\n`)
    this.#end = Buffer.from(`\r\n--${this.#boundary}--\r\n`)
  }

  get contentType(): string {
    return `multipart/related; type="application/dicom"; boundary=${this.#boundary}`
  }

  get length(): number {
    const parts = this.#files.reduce((sum, { size }) => sum + this.#head.length + size, 0)
    return parts + this.#end.length
  }

  /** The file on which `write` failed, when it did. */
  get current(): File | undefined {
    return this.#current
  }

  /** SHA-256 of the bytes that were sent of a file. */
  sha256Of(file: File): string | undefined {
    return this.#digests.get(file)
  }

  /** @throws FionaError E_FILE_READ; what `take` throws */
  async write(take: (bytes: Buffer) => Promise<void>): Promise<void> {
    let filled = 0
    const flush = async (): Promise<void> => {
      const bytes = this.#block.subarray(0, filled)
      filled = 0
      if (bytes.length > 0) await take(bytes)
    }
    const add = async (bytes: Buffer): Promise<void> => {
      if (filled + bytes.length > this.#block.length) await flush()
      filled += bytes.copy(this.#block, filled)
    }
    for (const file of this.#files) {
      this.#current = file
      await add(this.#head)
      const fd = readToSend(() => openSync(file.path, constants.O_RDONLY | constants.O_NOFOLLOW))
      try {
        if (fstatSync(fd).size !== file.size)
          throw unreadableToSend('was changed before it was sent')
        const hash: Hash = createHash('sha256')
        for (let at = 0; at < file.size;) {
          if (filled === this.#block.length) await flush()
          const most = Math.min(this.#block.length - filled, file.size - at)
          const start = filled
          const count = readToSend(() => readSync(fd, this.#block, start, most, at))
          if (count === 0) throw unreadableToSend('became shorter while it was sent')
          hash.update(this.#block.subarray(start, start + count))
          filled += count
          at += count
        }
        this.#digests.set(file, hash.digest('hex'))
      } finally {
        closeSync(fd)
      }
    }
    this.#current = undefined
    await add(this.#end)
    await flush()
  }
}
