import type { Readable } from 'node:stream'
import type { Ending, Pipeline } from './pipeline.ts'
import { studyOfLine } from './study-of-line.ts'

const newline = 0x0a

/**
 * Several copies of a pipeline side by side. All records of one study run through the same one, so their
 * order is kept; those without a study all run through the first. Each mark goes to every copy, and has
 * come out when it has come out of all: so whoever feeds them sees one pipeline.
 */
export class Workers {
  /** Resolves when all have ended; as soon as one ends before its input does, or badly, all are ended. */
  readonly ended: Promise<Ending>
  #pipelines: readonly Pipeline[]
  /** For each: the marks that have not come out of it, and the last one that has. */
  #marks: { readonly outstanding: number[]; passed: number }[]
  #passed = 0
  #isEnding = false

  constructor(pipelines: readonly Pipeline[]) {
    this.#pipelines = pipelines
    this.#marks = pipelines.map(() => ({ outstanding: [], passed: 0 }))
    this.ended = this.#allEnded()
  }

  get outputs(): readonly Readable[] {
    return this.#pipelines.map(({ output }) => output)
  }

  /** The process groups. */
  get groups(): readonly number[] {
    return this.#pipelines.flatMap(({ group }) => group ?? [])
  }

  /** True while one has not taken what was written: it is busy, or slow. */
  get isWriting(): boolean {
    return this.#pipelines.some(({ isWriting }) => isWriting)
  }

  /** A tool of ours in one of them has given up. */
  get hasSpoken(): boolean {
    return this.#pipelines.some(({ hasSpoken }) => hasSpoken)
  }

  /**
   * Whole lines. Of several workers a slow one is not waited for: it would keep the others from working.
   * What may be in flight bounds what waits in memory for it.
   * @returns when a lone pipeline has taken them
   */
  async write(lines: Buffer): Promise<void> {
    const [first, ...others] = this.#pipelines
    if (first === undefined) return
    if (others.length === 0) {
      await first.write(lines)
      return
    }
    this.#split(lines).forEach((parts, worker) => {
      if (parts.length > 0) void this.#pipelines[worker]?.write(Buffer.concat(parts))
    })
  }

  async mark(seq: number, line: string): Promise<void> {
    for (const { outstanding } of this.#marks) outstanding.push(seq)
    await Promise.all(this.#pipelines.map((pipeline) => pipeline.write(line)))
  }

  /**
   * A mark came out of one of them.
   * @returns the number of the last mark that has now come out of all, when that is news
   */
  returned(worker: number, seq: number): number | undefined {
    const marks = this.#marks[worker]
    const at = marks?.outstanding.indexOf(seq) ?? -1
    // Never given out, or passed: it vouches for nothing.
    if (marks === undefined || at === -1) return undefined
    marks.outstanding.splice(0, at + 1)
    marks.passed = seq
    const passed = Math.min(...this.#marks.map((each) => each.passed))
    if (passed <= this.#passed) return undefined
    this.#passed = passed
    return passed
  }

  /** No more input: let them drain. */
  end(): void {
    this.#isEnding = true
    for (const pipeline of this.#pipelines) pipeline.end()
  }

  kill(): void {
    for (const pipeline of this.#pipelines) pipeline.kill()
  }

  async #allEnded(): Promise<Ending> {
    let first: Ending | undefined
    const endings = await Promise.all(
      this.#pipelines.map(async ({ ended }) => {
        const ending = await ended
        if (first !== undefined || (ending.isClean && this.#isEnding)) return ending
        first = ending.isClean
          ? { isClean: false, maybeRecord: false, how: 'it ended before its input did' }
          : ending
        this.kill()
        return first
      }),
    )
    return first ?? endings[0] ?? { isClean: false, maybeRecord: false, how: 'nothing ran' }
  }

  /** For each worker the lines that are its own. Neighbours stay one piece. */
  #split(lines: Buffer): Buffer[][] {
    const parts: Buffer[][] = this.#pipelines.map(() => [])
    let begin = 0
    let last = 0
    for (let start = 0; start < lines.length;) {
      const end = lines.indexOf(newline, start) + 1
      const worker = workerOf(studyOfLine(lines.subarray(start, end)), this.#pipelines.length)
      if (worker !== last) {
        if (start > begin) parts[last]?.push(lines.subarray(begin, start))
        begin = start
        last = worker
      }
      start = end
    }
    if (lines.length > begin) parts[last]?.push(lines.subarray(begin))
    return parts
  }
}

/** FNV-1a: the same study has the same worker in every run, which filters with a memory rely on. */
export function workerOf(study: string | undefined, workers: number): number {
  if (study === undefined) return 0
  let hash = 0x811c9dc5
  for (let at = 0; at < study.length; at++) {
    hash = Math.imul(hash ^ study.charCodeAt(at), 0x01000193)
  }
  // The low bits of FNV are its worst: UIDs that end in 1, 2, 3 … would not spread.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return ((hash ^ (hash >>> 13)) >>> 0) % workers
}
