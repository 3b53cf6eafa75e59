import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { IdentityTerms } from '../search/known-identity.ts'
import type {
  Findings,
  PartnerAnswer,
  PartnerQuestion,
  PartnerSetup,
  SharedStudy,
} from './partner-messages.ts'
import type { Share } from './share.ts'
import type { SourceObject } from './source-objects.ts'

/** To start a thread takes as long as to make so many objects. */
const fewestAtFirst = 128
const fewest = 48

/**
 * Another thread that makes objects of the same study: what replaces identifiers are keyed functions, so it does not matter
 * who makes what. It has profiles of its own, read from where this process has them, and whatever goes wrong with it, the
 * study is made anew without it.
 */
export class StudyPartner {
  readonly #setup: PartnerSetup
  readonly #program: URL
  #worker: Worker | undefined
  #isTaken = false
  /** It could not begin: it has read another profile, or none, and will not do better the next time. */
  #isUseless = false

  private constructor(setup: PartnerSetup, program: URL) {
    this.#setup = setup
    this.#program = program
  }

  /**
   * @param program what the thread runs: partner-thread.ts, built
   * @returns undefined where there is no second processor for it, or it is not installed
   */
  static of(
    setup: PartnerSetup,
    processors = availableParallelism(),
    program = partnerProgram(),
  ): StudyPartner | undefined {
    return processors < 2 || program === undefined ? undefined : new StudyPartner(setup, program)
  }

  /** Whether so many objects are worth the while, and it is nobody else's. */
  isFor(objects: number): boolean {
    return (
      !this.#isTaken &&
      !this.#isUseless &&
      objects >= (this.#worker === undefined ? fewestAtFirst : fewest)
    )
  }

  /** For one study; to be closed. @throws where it cannot take part */
  async begin(study: SharedStudy): Promise<PartnerSession> {
    this.#isTaken = true
    const worker = (this.#worker ??= this.#start())
    // Only while it works does it keep the process.
    worker.ref()
    const session = new PartnerSession(worker, (isSound) => {
      this.#isTaken = false
      worker.unref()
      if (isSound || this.#worker !== worker) return Promise.resolve(0)
      this.#worker = undefined
      // What it may still be writing is written when this resolves.
      return worker.terminate()
    })
    try {
      await session.ask({ ask: 'begin', study })
      return session
    } catch (error) {
      this.#isUseless = true
      await session.close(false)
      throw error
    }
  }

  /** No study is shared any more. */
  async close(): Promise<void> {
    this.#isTaken = true
    await this.#worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(this.#program, {
      name: 'fiona-anon-partner',
      workerData: this.#setup,
      // It needs nothing that this process was started with.
      execArgv: [],
    })
    // Should it end while nobody asks it anything, the next study gets another.
    worker.on('error', () => undefined)
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
    })
    return worker
  }
}

/** What is asked of it for one study, one thing after the other. */
export class PartnerSession {
  readonly #worker: Worker
  readonly #end: (isSound: boolean) => Promise<unknown>
  #isOpen = true

  constructor(worker: Worker, end: (isSound: boolean) => Promise<unknown>) {
    this.#worker = worker
    this.#end = end
  }

  async make(sources: readonly SourceObject[]): Promise<void> {
    await this.ask({ ask: 'make', sources })
  }

  async finish(): Promise<Share> {
    return (await this.ask({ ask: 'finish' })) as Share
  }

  async search(terms: IdentityTerms, paths: readonly string[]): Promise<Findings> {
    return (await this.ask({ ask: 'search', terms, paths })) as Findings
  }

  /** @param isSound the thread may go on with another study */
  async close(isSound: boolean): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#end(isSound)
  }

  /** @internal */
  ask(question: PartnerQuestion): Promise<Share | Findings | undefined> {
    const worker = this.#worker
    return new Promise((resolve, reject) => {
      const end = () => {
        worker.off('error', lost).off('exit', lost).off('message', answered)
      }
      const lost = () => {
        end()
        reject(new Error('the thread that made objects of a study has ended'))
      }
      const answered = (answer: PartnerAnswer) => {
        end()
        if (answer === 'failed') reject(new Error('a thread could not make objects of a study'))
        else resolve(answer.done)
      }
      worker.on('error', lost).on('exit', lost).on('message', answered)
      worker.postMessage(question)
    })
  }
}

/** Beside the bundles; where this runs from its source, where the build puts it. */
function partnerProgram(): URL | undefined {
  return ['./', '../', '../../../../dist/']
    .map((folder) => new URL(`${folder}partner-thread.js`, import.meta.url))
    .find((program) => existsSync(program))
}
