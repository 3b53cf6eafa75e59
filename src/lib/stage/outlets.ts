import { JournalWriter } from '../journal/index.ts'
import type { Destination } from './sort-output.ts'

interface Waiting {
  readonly to: Destination
  readonly lines: Buffer
}

/**
 * The journals behind a pipeline. What comes out waits here for the mark behind it (`seal`) and is then
 * made durable in all of them: what a dying pipeline said after its last mark can be dropped, and is
 * said again by the next one.
 */
export class Outlets {
  #directories: Readonly<Record<Destination, string>>
  #writerName: string
  #writers = new Map<Destination, Promise<JournalWriter>>()
  #waiting: Waiting[] = []
  #sealed = 0
  #unsealedSince = 0
  bytes = 0
  /** Error records appended so far. */
  errors = 0

  constructor(directories: Readonly<Record<Destination, string>>, writerName: string) {
    this.#directories = directories
    this.#writerName = writerName
  }

  get hasSealed(): boolean {
    return this.#sealed > 0
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Since when (performance.now()) the oldest line waits that no mark stands behind yet. */
  get unsealedSince(): number | undefined {
    return this.#waiting.length > this.#sealed ? this.#unsealedSince : undefined
  }

  add(to: Destination, lines: Buffer): void {
    if (this.#waiting.length === this.#sealed) this.#unsealedSince = performance.now()
    this.#waiting.push({ to, lines })
    this.bytes += lines.length
  }

  /** Everything that waits now may be appended. */
  seal(): void {
    this.#sealed = this.#waiting.length
  }

  /** Forgets what is not sealed. */
  dropUnsealed(): void {
    const dropped = this.#waiting.splice(this.#sealed)
    this.bytes -= dropped.reduce((sum, { lines }) => sum + lines.length, 0)
  }

  /**
   * Appends what is sealed at the moment of the call; on stable storage when it resolves.
   * @returns the number of bytes
   */
  async append(): Promise<number> {
    const sealed = this.#waiting.splice(0, this.#sealed)
    this.#sealed = 0
    let bytes = 0
    const appends: Promise<void>[] = []
    for (const to of ['to', 'errors', 'held'] as const) {
      const parts = sealed.flatMap((waiting) => (waiting.to === to ? [waiting.lines] : []))
      if (parts.length === 0) continue
      const lines = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
      bytes += lines.length
      if (to === 'errors') this.errors += parts.length
      appends.push(this.#writer(to).then((writer) => writer.appendLines(lines)))
    }
    await Promise.all(appends)
    this.bytes -= bytes
    return bytes
  }

  async close(): Promise<void> {
    for (const writer of this.#writers.values()) await (await writer).close()
  }

  #writer(to: Destination): Promise<JournalWriter> {
    const known = this.#writers.get(to)
    if (known !== undefined) return known
    const opened = JournalWriter.open(this.#directories[to], { writer: this.#writerName })
    this.#writers.set(to, opened)
    return opened
  }
}
