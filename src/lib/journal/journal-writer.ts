import { createHash, type Hash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { rm, unlink, type FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { FionaError } from '../error/index.ts'
import { faultPoint } from '../fault/index.ts'
import type { AnyRecord, FionaRecord } from '../record/index.ts'
import { makeDirectories, Syncs } from '../storage/index.ts'
import { checkedName, journalDirectory } from './location.ts'
import { createSegment, restMs, SegmentNames } from './segment.ts'
import { sealSegment } from './seal.ts'
import { claimSegments } from './writers.ts'

export interface JournalWriterOptions {
  /** Appears in the names of this writer's segments. */
  readonly writer?: string
  /** A segment of this size is followed by a new one; 64 MiB unless told. */
  readonly maxSegmentBytes?: number
  /** One that was begun so long ago, too; a day unless told. */
  readonly maxSegmentAgeMs?: number
  /** `none` leaves the moment of writing to the kernel: a power loss may cost the last seconds. */
  readonly durability?: 'fsync' | 'none'
  /** Shared with what else the same objects wait for. */
  readonly syncs?: Syncs | undefined
}

interface Entry {
  readonly lines: Buffer
  /** Answer only when it, and all before it, is on stable storage. */
  readonly durable: boolean
  readonly isSync: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface OpenSegment {
  readonly path: string
  readonly handle: FileHandle
  readonly begunAt: number
  /** Of what was written so far, for the seal. */
  readonly digest: Hash
  bytes: number
  /** How much of it was promised to those who wrote, durable or not. */
  acknowledgedBytes: number
  lastWriteAt: number
  /** How much of it is on stable storage. */
  durableBytes: number
}

/** As much as goes into one write. */
const maxWriteBytes = 4 * 1024 * 1024
const empty = Buffer.alloc(0)

/**
 * One writer of a journal. It has segment files of its own, so it needs no lock, and a line torn by its
 * death stays the last of its segment for ever. Group commit: whatever is appended while the disk is busy
 * goes out with one write and one fdatasync.
 *
 * After a failed write or sync its segment is abandoned: what the kernel kept of it is unknown, and a
 * second fdatasync would report success for pages that were lost with the first.
 */
export class JournalWriter {
  readonly directory: string
  #names: SegmentNames
  #maxSegmentBytes: number
  #maxSegmentAgeMs: number
  #isDurable: boolean
  #syncs: Syncs
  #queue: Entry[] = []
  #running: Promise<void> | undefined
  #segment: OpenSegment | undefined
  #claim: string | undefined
  /** What made `write` promises void: the next `sync` must tell. */
  #lost: { error: unknown } | undefined
  #isClosed = false

  private constructor(directory: string, options: JournalWriterOptions) {
    this.directory = directory
    this.#names = new SegmentNames(checkedName('writer', options.writer ?? 'writer'))
    this.#maxSegmentBytes = options.maxSegmentBytes ?? 64 * 1024 * 1024
    this.#maxSegmentAgeMs = options.maxSegmentAgeMs ?? 86_400_000
    this.#isDurable = options.durability !== 'none'
    this.#syncs = options.syncs ?? new Syncs()
  }

  /** @param place a directory or `file:` URL; made when it is not there. A segment comes with the first line. */
  static async open(
    place: string | URL,
    options: JournalWriterOptions = {},
  ): Promise<JournalWriter> {
    const directory = journalDirectory(place)
    await makeDirectories(directory)
    return new JournalWriter(directory, options)
  }

  /** Resolves when the record is on stable storage; rejected, it is not in the journal. */
  append(record: AnyRecord | FionaRecord | string): Promise<void> {
    const line = typeof record === 'string' ? record.replace(/\r?\n$/, '') : JSON.stringify(record)
    if (line === '' || line.includes('\n')) {
      return Promise.reject(
        new FionaError('E_RECORD_INVALID', 'a journal takes one record a line', {
          hint: 'write JSON without line breaks',
        }),
      )
    }
    return this.appendLines(Buffer.from(`${line}\n`))
  }

  /** Whole lines, each with its newline; resolves when they are on stable storage. The buffer is borrowed until then. */
  appendLines(lines: Buffer): Promise<void> {
    return this.#enqueue(lines, true, false)
  }

  /** Whole lines; resolves when the kernel has them. `sync` makes them durable. The buffer is borrowed until then. */
  write(lines: Buffer): Promise<void> {
    return this.#enqueue(lines, false, false)
  }

  /** Resolves when everything written so far is on stable storage; rejects when any of it was lost. */
  sync(): Promise<void> {
    return this.#enqueue(empty, true, true)
  }

  /** Waits for what was appended, and makes durable what was only written; rejects when any of it was lost. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    const last = this.sync()
    this.#isClosed = true
    try {
      await last
    } finally {
      await this.#closeSegment()
      if (this.#claim !== undefined) await rm(this.#claim, { force: true })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #enqueue(lines: Buffer, durable: boolean, isSync: boolean): Promise<void> {
    if (this.#isClosed) {
      return Promise.reject(new FionaError('E_JOURNAL_CLOSED', 'the journal writer is closed'))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ lines, durable, isSync, resolve, reject })
      this.#running ??= this.#drain()
    })
  }

  async #drain(): Promise<void> {
    // Let everything that is appended in this turn of the event loop share the first sync, too.
    await Promise.resolve()
    while (this.#queue.length > 0) await this.#commit(this.#takeBatch())
    // In the same turn as the look at the queue: who appends next must start this anew.
    this.#running = undefined
  }

  #takeBatch(): Entry[] {
    let bytes = 0
    const end = this.#queue.findIndex(({ lines }, index) => {
      bytes += lines.length
      return index > 0 && bytes > maxWriteBytes
    })
    return this.#queue.splice(0, end === -1 ? this.#queue.length : end)
  }

  async #commit(batch: readonly Entry[]): Promise<void> {
    try {
      await this.#write(batch)
      if (batch.some(({ durable }) => durable)) await this.#sync()
    } catch (error) {
      await this.#abandonSegment(error)
      for (const entry of batch) {
        if (entry.isSync) this.#lost = undefined
        entry.reject(error)
      }
      return
    }
    if (this.#segment !== undefined) this.#segment.acknowledgedBytes = this.#segment.bytes
    for (const entry of batch) {
      if (entry.isSync && this.#lost !== undefined) {
        entry.reject(this.#lost.error)
        this.#lost = undefined
      } else entry.resolve()
    }
  }

  async #write(batch: readonly Entry[]): Promise<void> {
    const parts = batch.flatMap(({ lines }) => (lines.length > 0 ? [lines] : []))
    const first = parts[0]
    if (first === undefined) return
    const bytes = parts.length === 1 ? first : Buffer.concat(parts)
    if (this.#segment !== undefined && this.#isDone(this.#segment)) {
      await this.#sync()
      await this.#closeSegment()
    }
    this.#claim ??= await claimSegments(this.directory, this.#names.writer)
    const segment = (this.#segment ??= {
      ...(await createSegment(this.directory, this.#names)),
      begunAt: performance.now(),
      digest: createHash('sha256'),
      bytes: 0,
      acknowledgedBytes: 0,
      durableBytes: 0,
      lastWriteAt: 0,
    })
    segment.lastWriteAt = performance.now()
    for (let at = 0; at < bytes.length;) {
      // Into the page cache, at once: a turn in the thread pool would cost many times what the copy does.
      // Only the sync below has to wait for the disk.
      const bytesWritten = writeSync(segment.handle.fd, bytes, at, bytes.length - at)
      at += bytesWritten
      segment.bytes += bytesWritten
    }
    segment.digest.update(bytes)
    faultPoint('journal.written')
  }

  #isDone({ bytes, lastWriteAt, begunAt }: OpenSegment): boolean {
    const now = performance.now()
    const isOld = now - lastWriteAt > restMs || now - begunAt >= this.#maxSegmentAgeMs
    return isOld || bytes >= this.#maxSegmentBytes
  }

  async #sync(): Promise<void> {
    const segment = this.#segment
    if (segment === undefined || segment.durableBytes === segment.bytes) return
    if (this.#isDurable) await this.#syncs.sync(segment.handle.fd, 'data')
    faultPoint('journal.synced')
    segment.durableBytes = segment.bytes
  }

  /** Whatever was not acknowledged is cut off, so that what was refused does not come back. */
  async #abandonSegment(error: unknown): Promise<void> {
    const segment = this.#segment
    this.#segment = undefined
    if (segment === undefined) return
    if (segment.acknowledgedBytes > segment.durableBytes) this.#lost = { error }
    await segment.handle.truncate(segment.durableBytes).catch(() => undefined)
    await segment.handle.close().catch(() => undefined)
    if (segment.durableBytes === 0) await unlink(segment.path).catch(() => undefined)
  }

  async #closeSegment(): Promise<void> {
    const segment = this.#segment
    this.#segment = undefined
    if (segment === undefined) return
    await segment.handle.close()
    if (segment.durableBytes !== segment.bytes) return
    // Without a seal nothing is lost, and `repair` makes it up.
    const digest = segment.digest.digest('hex')
    await sealSegment(this.directory, basename(segment.path), digest).catch(() => undefined)
  }
}
