import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import {
  inside,
  makeDirectories,
  removeDeadTemporaries,
  writeFileAtomic,
} from '../storage/index.ts'
import { parseUid } from '../uid/index.ts'
import { AppendLog, readLog } from './append-log.ts'
import { Deliveries } from './deliveries.ts'
import { Head } from './head.ts'
import type { Keeper, Memory, Step } from './keeper.ts'
import { PerformedSteps } from './performed-steps.ts'
import { restoreFrom } from './restore.ts'
import { Rhythms } from './rhythms.ts'
import { linesOf, studyFrom, type StudyState } from './study-state.ts'
import type { Study } from './study.ts'

const format = { format: 'fiona-arrive state', version: 3 }
/** In version 2 all digests of a study stood in one line. */
const readable = new Set([2, 3].map((version) => JSON.stringify({ ...format, version })))
/** The log is written anew when it is longer than this and twice what it was when it was new. */
const shortLogBytes = 4 << 20
/** Files synced at once: the file system commits them together. */
const together = 16

/**
 * Memory on disk: `log` holds what happened to the studies that are in the head, and
 * `complete/<project>/<study>.json` the others. A file there may be newer than the log says (a crash
 * came between the two), never older than what the log no longer holds.
 */
export class DurableKeeper implements Keeper {
  readonly #directory: string
  readonly #log: AppendLog
  readonly #shortLogBytes: number
  #newLogBytes = 0

  private constructor(directory: string, mostLogBytes: number) {
    this.#directory = directory
    this.#log = new AppendLog(join(directory, 'log'))
    this.#shortLogBytes = mostLogBytes
  }

  /**
   * @param restore takes the steps of former processes, in order, and answers with the memory
   * @param options.onBroken is told when the end of the log could not be read, and where a copy is
   */
  static async open(
    directory: string,
    restore: (keeper: Keeper, steps: AsyncIterable<Step>) => Promise<Memory>,
    options: {
      readonly shortLogBytes?: number
      readonly onBroken?: (bytes: number, copy: string) => void
    } = {},
  ): Promise<DurableKeeper> {
    await makeDirectories(directory)
    const keeper = new DurableKeeper(directory, options.shortLogBytes ?? shortLogBytes)
    const { path } = keeper.#log
    const content = await readLog(path)
    const memory = await restore(keeper, stepsOf(content.lines, path))
    if (content.brokenBytes() > 0) {
      await copyFile(path, `${path}.broken`)
      options.onBroken?.(content.brokenBytes(), `${path}.broken`)
    }
    await keeper.#rewrite(memory)
    await removeDeadTemporaries(directory)
    const complete = join(directory, 'complete')
    for (const project of await readdir(complete).catch(() => [])) {
      await removeDeadTemporaries(join(complete, project))
    }
    for (const name of await readdir(directory)) {
      if (name.endsWith('.new')) await rm(join(directory, name), { force: true })
    }
    return keeper
  }

  /**
   * What is kept of one study, in any project; the state stays as it is, and whose it is. Of the others only the bytes
   * are looked at: there may be a hundred thousand of them.
   */
  static async look(
    directory: string,
    StudyInstanceUID: string,
  ): Promise<{
    readonly studies: readonly Study[]
    readonly evidence: PerformedSteps['evidence']
    readonly rhythms: Rhythms
  }> {
    const uid = parseUid(StudyInstanceUID, 'StudyInstanceUID')
    const keeper = new DurableKeeper(directory, shortLogBytes)
    const head = new Head(keeper)
    const performed = new PerformedSteps()
    const { path } = keeper.#log
    const deliveries = new Deliveries('marks', () => undefined)
    const rhythms = new Rhythms()
    const { lines } = await readLog(path, concerns(uid))
    await restoreFrom(stepsOf(lines, path), { head, deliveries, performed, rhythms })
    const inHead = [...head.open.values(), ...head.complete.values()]
    const studies = inHead.filter((study) => study.StudyInstanceUID === uid)
    const complete = join(directory, 'complete')
    for (const folder of await readdir(complete).catch(() => [])) {
      const file = join(complete, folder, `${uid}.json`)
      if (!existsSync(file)) continue
      const study = await readStudy(file)
      if (!studies.some(({ key }) => key === study.key)) studies.push(study)
    }
    return { studies, evidence: (study) => performed.evidence(study), rhythms }
  }

  async recall(of: {
    project?: string | undefined
    StudyInstanceUID: string
  }): Promise<Study | undefined> {
    const path = this.#pathOf(of)
    // Nearly always there is none; an exception for each new study would cost more than the rest.
    if (!existsSync(path)) return undefined
    return readStudy(path)
  }

  note(step: Step): void {
    this.#log.append(step)
  }

  async commit(memory: Memory): Promise<void> {
    await this.#log.sync()
    if (this.#log.bytes > Math.max(this.#shortLogBytes, 2 * this.#newLogBytes)) {
      await this.#rewrite(memory)
    }
  }

  async close(): Promise<void> {
    try {
      await this.#log.sync()
    } finally {
      await this.#log.close()
    }
  }

  /** First the complete studies into files of their own, then the log without them. */
  async #rewrite(memory: Memory): Promise<void> {
    const complete = [...memory.complete.values()]
    for (let at = 0; at < complete.length; at += together) {
      await Promise.all(complete.slice(at, at + together).map((study) => this.#putAside(study)))
    }
    await this.#log.replace(stepsFrom(memory))
    this.#newLogBytes = this.#log.bytes
    memory.complete.clear()
  }

  async #putAside(study: Study): Promise<void> {
    const path = this.#pathOf(study)
    await makeDirectories(dirname(path))
    await writeFileAtomic(path, bytesOf(study))
  }

  #pathOf(study: { project?: string | undefined; StudyInstanceUID: string }): string {
    const uid = parseUid(study.StudyInstanceUID, 'StudyInstanceUID')
    return inside(this.#directory, 'complete', folderOf(study.project), `${uid}.json`)
  }
}

/** Different for different projects, whatever they are called. */
function folderOf(project: string | undefined): string {
  if (project === undefined) return 'none'
  return /^[\w.-]{1,100}$/.test(project) ? `in-${project}` : `of-${hash('sha256', project)}`
}

function* bytesOf(study: Study): Generator<Buffer> {
  const { state, pieces } = linesOf(study)
  yield Buffer.from(`${JSON.stringify(state)}\n`)
  for (const piece of pieces) yield Buffer.from(`${JSON.stringify(piece)}\n`)
}

async function readStudy(path: string): Promise<Study> {
  const { lines, brokenBytes } = await readLog(path)
  let study: Study | undefined
  for await (const line of lines) {
    if (study === undefined) study = studyFrom(line as StudyState)
    else study.objects.addPiece(line as string)
  }
  if (study !== undefined && brokenBytes() === 0) return study
  throw new FionaError('E_STATE_FORMAT', `${path} is damaged`, {
    hint: 'remove it, and the study counts as one that never came before',
    exitCode: ExitCode.badInput,
  })
}

const stepOfAStudy = Buffer.from('{"step":"')
/** How senders pause shows in all of their studies. */
const stepOfASender = Buffer.from('{"step":"paused"')

/** Which lines of the log may tell something of a study. */
function concerns(StudyInstanceUID: string): (line: Buffer) => boolean {
  const named = Buffer.from(JSON.stringify(StudyInstanceUID))
  const begins = (line: Buffer, text: Buffer): boolean => line.subarray(0, text.length).equals(text)
  return (line) =>
    line.includes(named) || begins(line, stepOfASender) || !begins(line, stepOfAStudy)
}

async function* stepsOf(lines: AsyncIterable<unknown>, path: string): AsyncGenerator<Step> {
  let first = true
  for await (const line of lines) {
    if (!first) yield line as Step
    else if (!readable.has(JSON.stringify(line))) {
      throw new FionaError('E_STATE_FORMAT', `${path} is not a state this version can read`, {
        hint: 'another version of fiona-arrive wrote it: go on with that one, or move the directory away to begin anew. Nothing was changed',
        exitCode: ExitCode.badInput,
      })
    }
    first = false
  }
}

function* stepsFrom(memory: Memory): Generator<unknown> {
  yield format
  yield { step: 'numbered', next: memory.nextDecision } satisfies Step
  for (const study of memory.open.values()) {
    const { state, pieces } = linesOf(study)
    const { project, StudyInstanceUID } = study
    yield { step: 'study', state } satisfies Step
    for (const piece of pieces) {
      yield { step: 'objects', study: { project, StudyInstanceUID }, piece } satisfies Step
    }
  }
  for (const performed of memory.performed.values()) {
    yield { step: 'performed', performed } satisfies Step
  }
  for (const pause of memory.rhythms.values()) yield { step: 'paused', pause } satisfies Step
  for (const decision of memory.decisions) yield { step: 'decision', decision } satisfies Step
}
