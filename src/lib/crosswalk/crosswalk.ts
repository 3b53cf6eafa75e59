import { type FileHandle, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { faultPoint } from '../fault/index.ts'
import { nowIso } from '../record/index.ts'
import { makeDirectories, syncDirectory } from '../storage/index.ts'
import { damaged, exhausted, otherKey, unwritten } from './crosswalk-errors.ts'
import { openPrivate } from './crosswalk-file.ts'
import { lineOf } from './crosswalk-lines.ts'
import {
  type Anchor,
  type Entry,
  FirstClaims,
  type Link,
  type ParticipantLink,
  patientOf,
} from './link.ts'
import { linesFrom } from './line-reading.ts'
import { LinkIds } from './link-ids.ts'
import { Seals } from './seal.ts'

const mostTries = 8

/** Whom a counted name is for. */
export type Claimant = Omit<ParticipantLink, 'kind' | 'participant' | 'counted'>

/**
 * The only place that knows who is who: sealed lines, appended, mode 0600. With the key it is all that is needed to go
 * on elsewhere. Several processes may append: what one wrote it reads again, with all that others wrote before, and the
 * order of the lines decides where two wanted the same. So there is no lock that a killed process could leave behind.
 */
export class Crosswalk {
  readonly #path: string
  readonly #seals: Seals
  #handle: FileHandle
  #known = new LinkIds()
  /** Up to here it was read. */
  #end = 0
  /** Up to here it is on stable storage: beyond, others may have written what a power failure still takes. */
  #syncedTo = 0
  #isTorn = false
  #isDamaged = false
  /** From the first counted name on: it takes opening every line. */
  #claims: FirstClaims | undefined
  /** By project: all names before this one are given. */
  readonly #next = new Map<string, number>()
  #last: Promise<unknown> = Promise.resolve()

  private constructor(path: string, handle: FileHandle, seals: Seals) {
    this.#path = path
    this.#handle = handle
    this.#seals = seals
  }

  /**
   * @param keys the first seals what is new, the others only open what is there
   * @throws FionaError E_CROSSWALK_MODE when others may read it, E_CROSSWALK_KEY when none of the keys is its key
   */
  static async open(path: string, keys: readonly [Buffer, ...Buffer[]]): Promise<Crosswalk> {
    await makeDirectories(dirname(path))
    const handle = await openPrivate(path, 'write')
    const crosswalk = new Crosswalk(path, handle, new Seals(keys))
    try {
      await crosswalk.#readOn()
      // The process that wrote the last line may have died in it.
      crosswalk.#isTorn = (await handle.stat()).size > crosswalk.#end
      await syncDirectory(dirname(path))
      return crosswalk
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  get seals(): Seals {
    return this.#seals
  }

  /** How many different links it holds. */
  get size(): number {
    return this.#known.size
  }

  /** On stable storage when it resolves. What is there already is not written again. */
  async note(entries: readonly (Link | Anchor)[]): Promise<void> {
    await this.#alone(() => this.#note(entries))
  }

  /**
   * The participant of a patient in a project: the one that is there, or the first name that nobody has.
   * @param name of the n-th, from 1 on; undefined when there are no more
   * @throws FionaError E_PSEUDONYMS_EXHAUSTED; E_CROSSWALK_DAMAGED when a name that was given may be one it no longer tells
   */
  async count(whom: Claimant, name: (n: number) => string | undefined): Promise<string> {
    return this.#alone(() => this.#count(whom, name))
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined)
    await this.#handle.close()
  }

  async #note(entries: readonly (Link | Anchor)[]): Promise<void> {
    const seal = this.#seals.first
    for (let tries = 0; tries < mostTries; tries += 1) {
      const news = entries.filter((entry) => !this.#known.has(seal.idOf(entry)))
      if (news.length === 0) {
        if (this.#end > this.#syncedTo) await this.#sync()
        return
      }
      await this.#append(news)
    }
    throw unwritten(this.#path)
  }

  async #count(whom: Claimant, name: (n: number) => string | undefined): Promise<string> {
    if (this.#claims === undefined) {
      this.#claims = new FirstClaims()
      this.#end = 0
    }
    const claims = this.#claims
    await this.#readOn()
    if (this.#isDamaged) throw damaged(this.#path, 'it may have lost names that were counted')
    const patient = patientOf({ kind: 'participant', participant: '', ...whom })
    for (let n = this.#next.get(whom.project) ?? 1; ; n += 1) {
      this.#next.set(whom.project, n)
      const known = claims.participantOf(whom.project, patient)
      if (known !== undefined) {
        if (this.#end > this.#syncedTo) await this.#sync()
        return known
      }
      const participant = name(n)
      if (participant === undefined) throw exhausted(whom.project)
      if (claims.isTaken(whom.project, participant)) continue
      // Another process may have been quicker; then this name is its, and the next one is tried.
      await this.#note([{ kind: 'participant', participant, counted: true, ...whom }])
    }
  }

  async #append(entries: readonly (Link | Anchor)[]): Promise<void> {
    const time = nowIso()
    const lines = entries.map((entry) => `${this.#seals.first.seal({ time, ...entry })}\n`)
    // A write that failed, on a full disk, may have left half a line: what follows begins on a line of its own.
    const text = (this.#isTorn ? '\n' : '') + lines.join('')
    this.#isTorn = true
    await this.#handle.appendFile(text)
    faultPoint('crosswalk.written')
    await this.#sync()
    faultPoint('crosswalk.synced')
    if (!(await this.#isInPlace())) await this.#reopen()
    await this.#readOn()
    this.#isTorn = (await this.#handle.stat()).size > this.#end
  }

  async #sync(): Promise<void> {
    const { size } = await this.#handle.stat()
    await this.#handle.datasync()
    this.#syncedTo = size
  }

  /** What was written since, by this process or others. */
  async #readOn(): Promise<void> {
    for await (const { texts, end } of linesFrom(this.#handle, this.#end)) {
      for (const text of texts) this.#take(text)
      this.#end = end
    }
  }

  #take(text: string): void {
    const line = lineOf(text, this.#seals)
    if (line === undefined || line.is === 'torn') return
    if (line.is === 'unknownKey') throw otherKey(this.#path, line.key)
    if (line.is === 'damaged') this.#isDamaged = true
    else if (line.is === 'sealed') {
      this.#known.add(line.id)
      // Opened only by who counts: the id is all that the others need.
      if (this.#claims !== undefined) this.#claim(line.open())
    } else {
      const entry = line.is === 'plain' ? line.entry : line.open()
      if (entry !== undefined) this.#known.add(this.#seals.first.idOf(entry))
      this.#claim(entry)
    }
  }

  #claim(entry: Entry | undefined): void {
    if (entry === undefined) this.#isDamaged = true
    else if (entry.kind === 'participant') this.#claims?.holds(entry)
  }

  /** Sealed anew by another process, it is another file of this name. */
  async #isInPlace(): Promise<boolean> {
    const there = await stat(this.#path).catch(() => undefined)
    const { ino, dev } = await this.#handle.stat()
    return there?.ino === ino && there.dev === dev
  }

  async #reopen(): Promise<void> {
    const handle = await openPrivate(this.#path, 'write')
    await this.#handle.close()
    this.#handle = handle
    this.#known = new LinkIds()
    if (this.#claims !== undefined) this.#claims = new FirstClaims()
    this.#next.clear()
    this.#end = 0
    this.#syncedTo = 0
    await syncDirectory(dirname(this.#path))
  }

  /** One after the other: what one wrote the next one knows. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work)
    this.#last = result
    return result
  }
}
