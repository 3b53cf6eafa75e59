import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { pixelTrouble } from '../pixel-trouble.ts'
import type { CodecAnswer, CodecJob, CodecResult, CodecThreadData } from './codec-job.ts'

const mostThreads = 4
/** What the codecs of a thread take for the largest frame, twice over. */
const mostBytes = 1 << 30
const mostHeapMegabytes = 512
/** A frame of a device takes a second; 100 times as long on a machine that is busy. */
const baseMilliseconds = 60_000
const millisecondsOfMegasample = 5_000

export interface CodecLimits {
  /** @returns how long a frame may take */
  readonly milliseconds: (job: CodecJob) => number
  readonly mostBytes: number
}

const usualLimits: CodecLimits = {
  milliseconds: ({ image: { rows, columns, samples } }) =>
    baseMilliseconds + ((rows * columns * samples) / 1e6) * millisecondsOfMegasample,
  mostBytes,
}

interface Waiting {
  readonly job: CodecJob
  readonly resolve: (result: CodecResult) => void
  readonly reject: (error: unknown) => void
}

/**
 * Codecs in WebAssembly, in threads of their own. Codestreams come from anywhere: whatever a codec does with one (does not
 * end, wants all memory, destroys its own), the thread is given up, the frame is refused, and nothing else suffers.
 */
export class CodecThreads {
  readonly #limits: CodecLimits
  readonly #most: number
  readonly #idle: Worker[] = []
  readonly #waiting: Waiting[] = []
  #busy = 0

  constructor(
    limits: CodecLimits = usualLimits,
    most = Math.min(availableParallelism(), mostThreads),
  ) {
    this.#limits = limits
    this.#most = most
  }

  /** How many frames are worked on at a time. */
  get size(): number {
    return this.#most
  }

  /**
   * Of the job's frame nothing is left to the caller.
   * @throws FionaError E_PIXELS
   */
  run(job: CodecJob): Promise<CodecResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    if (this.#busy >= this.#most) return
    const waiting = this.#waiting.shift()
    if (waiting === undefined) return
    this.#busy += 1
    this.#work(this.#idle.pop() ?? this.#start(), waiting.job)
      .finally(() => {
        this.#busy -= 1
        this.#next()
      })
      .then(waiting.resolve, waiting.reject)
  }

  #start(): Worker {
    const [program, folder] = codecProgram()
    const workerData: CodecThreadData = { folder, mostBytes: this.#limits.mostBytes }
    const worker = new Worker(program, {
      name: 'fiona-codec',
      workerData,
      // It needs nothing that this process was started with.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: mostHeapMegabytes },
      // What a codec may print is of no use to anybody.
      stdout: true,
      stderr: true,
    })
    // Should it end while it has nothing to do, the next frame gets another.
    worker.on('error', () => undefined)
    worker.on('exit', () => {
      const at = this.#idle.indexOf(worker)
      if (at >= 0) this.#idle.splice(at, 1)
    })
    return worker
  }

  #work(worker: Worker, job: CodecJob): Promise<CodecResult> {
    // Only while it works does it keep the process.
    worker.ref()
    return new Promise<CodecResult>((resolve, reject) => {
      const giveUp = (why: string) => {
        end()
        void worker.terminate()
        reject(pixelTrouble(why))
      }
      const failed = () => {
        giveUp('decoding a frame has failed')
      }
      const answered = (answer: CodecAnswer) => {
        // What is left of a codec that failed is not trusted with the next frame.
        if ('trouble' in answer) {
          giveUp(answer.trouble)
          return
        }
        end()
        worker.unref()
        this.#idle.push(worker)
        resolve(answer)
      }
      const timer = setTimeout(() => {
        giveUp('decoding a frame does not end')
      }, this.#limits.milliseconds(job))
      const end = () => {
        clearTimeout(timer)
        worker.off('error', failed).off('exit', failed).off('message', answered)
      }
      worker.on('error', failed).on('exit', failed).on('message', answered)
      worker.postMessage(job, [job.frame.buffer])
    })
  }
}

/** Beside the bundles; where this runs from its source, where the build puts them. */
function codecProgram(): readonly [program: URL, folder: string] {
  const folders = ['./', '../../../../dist/'].map((path) => new URL(path, import.meta.url))
  const programs = folders.map((folder) => new URL('codec-worker.cjs', folder))
  const at = programs.findIndex((program) => existsSync(program))
  const [program, folder] = [programs[at], folders[at]]
  if (program === undefined || folder === undefined) {
    throw pixelTrouble('the program that decodes them is not installed')
  }
  return [program, fileURLToPath(folder)]
}
