import { type FileHandle, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { faultPoint } from '../fault/index.ts'
import { nowIso } from '../record/index.ts'
import { makeDirectories, syncDirectory } from '../storage/index.ts'
import { damaged, exhausted, otherKey, unwritten } from './crosswalk-errors.ts'
import { openPrivate } from './crosswalk-file.ts'
import { lineOf } from './crosswalk-lines.ts'
import type { Conflict } from './conflicts.ts'
import { CrosswalkIndex } from './crosswalk-index.ts'
import { CrosswalkLinks, type DatedLink, entryIn } from './crosswalk-links.ts'
import { type Claimant, contradictionOf, participantsOf } from './judge-links.ts'
import {
  type Anchor,
  type Link,
  type LookUpKind,
  type ParticipantLink,
  patientKeyOf,
  patientOf,
} from './link.ts'
import { linesFrom } from './line-reading.ts'
import { LinkIds } from './link-ids.ts'
import { nextFreeName } from './next-free-name.ts'
import { Seals } from './seal.ts'

const mostTries = 8
/** So many lines are read and opened faster than anybody notices; with more an index is made, or made anew. */
const usualUnindexed = 5000

/**
 * The only place that knows who is who: sealed lines, appended, mode 0600. With the key it is all that is needed to go
 * on elsewhere. Several processes may append: what one wrote it reads again, with all that others wrote before, and the
 * order of the lines decides where two wanted the same. So there is no lock that a killed process could leave behind.
 */
export class Crosswalk {
  readonly #path: string
  readonly #seals: Seals
  #handle: FileHandle
  /** Of what is not in the index. */
  #known = new LinkIds()
  readonly #index: CrosswalkIndex
  /** Up to here it was read. */
  #end = 0
  /** Up to here it is on stable storage: beyond, others may have written what a power failure still takes. */
  #syncedTo = 0
  #isTorn = false
  #isDamaged = false
  /** From the first look-up on: it takes opening every line that is not in the index. */
  #links: CrosswalkLinks | undefined
  /** Lines that were read beyond the index. */
  #unindexed = 0
  /** By project: some name before this one is given, and this one perhaps not. */
  readonly #next = new Map<string, number>()
  #last: Promise<unknown> = Promise.resolve()

  private constructor(path: string, handle: FileHandle, seals: Seals) {
    this.#path = path
    this.#handle = handle
    this.#seals = seals
    this.#index = new CrosswalkIndex(path, seals)
  }

  /**
   * @param keys the first seals what is new, the others only open what is there
   * @param mostUnindexed with more lines than that beyond its index, the index is made anew
   * @throws FionaError E_CROSSWALK_MODE when others may read it, E_CROSSWALK_KEY when none of the keys is its key
   */
  static async open(
    path: string,
    keys: readonly [Buffer, ...Buffer[]],
    mostUnindexed = usualUnindexed,
  ): Promise<Crosswalk> {
    await makeDirectories(dirname(path))
    const handle = await openPrivate(path, 'write')
    const crosswalk = new Crosswalk(path, handle, new Seals(keys))
    try {
      await crosswalk.#openIndex()
      await crosswalk.#readOn()
      const isLong = crosswalk.#unindexed > mostUnindexed && !crosswalk.#isDamaged
      if (isLong) crosswalk.#index.extend(handle)
      // The process that wrote the last line may have died in it.
      crosswalk.#isTorn = (await handle.stat()).size > crosswalk.#end
      await syncDirectory(dirname(path))
      return crosswalk
    } catch (error) {
      await crosswalk.#index.close()
      await handle.close()
      throw error
    }
  }

  get seals(): Seals {
    return this.#seals
  }

  /** How many different links it holds. */
  get size(): number {
    return this.#index.links + this.#known.size
  }

  /** Some lines cannot be read: what is looked for may have been in them. */
  get isDamaged(): boolean {
    return this.#isDamaged
  }

  /**
   * Links that hold, by what they say; in the order in which they were noted.
   * @throws FionaError E_CROSSWALK_DAMAGED
   */
  async linksBy(kind: LookUpKind, value: string): Promise<DatedLink[]> {
    return this.#alone(async () => (await this.#lookedUp()).by(kind, value))
  }

  /**
   * Why a patient may not be this participant: others are, or the patient is another one. Undefined where neither is so, or
   * where this very link is noted already, as it is when a person has decided so.
   * @throws FionaError E_CROSSWALK_DAMAGED
   */
  async contradiction(link: ParticipantLink): Promise<Conflict['what'] | undefined> {
    return this.#alone(async () => contradictionOf(await this.#lookedUp(), link))
  }

  /**
   * Who a patient is in a project: one participant, unless a person has let pass several. Of a patient without an
   * identifier, who the study is.
   * @throws FionaError E_CROSSWALK_DAMAGED
   */
  async participantsOf(whom: Claimant): Promise<string[]> {
    return this.#alone(async () => participantsOf(await this.#lookedUp(), whom))
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
    await this.#index.close()
    await this.#handle.close()
  }

  async #note(entries: readonly (Link | Anchor)[]): Promise<void> {
    const seal = this.#seals.first
    for (let tries = 0; tries < mostTries; tries += 1) {
      const news: (Link | Anchor)[] = []
      for (const entry of entries) {
        const id = seal.idOf(entry)
        if (!this.#known.has(id) && !(await this.#index.has(id))) news.push(entry)
      }
      if (news.length === 0) {
        if (this.#end > this.#syncedTo) await this.#sync()
        return
      }
      await this.#append(news)
    }
    throw unwritten(this.#path)
  }

  async #count(whom: Claimant, name: (n: number) => string | undefined): Promise<string> {
    const handle = ['patient', patientKeyOf(whom)] as const
    const patient = patientOf({ kind: 'participant', participant: '', ...whom })
    for (;;) {
      const links = await this.#lookedUp()
      if (this.#isDamaged) throw damaged(this.#path, 'it may have lost names that were counted')
      const { claims } = await links.claims(whom.project, [handle])
      const known = claims.participantOf(whom.project, patient)
      if (known !== undefined) {
        if (this.#end > this.#syncedTo) await this.#sync()
        return known
      }
      const n = await nextFreeName(this.#next.get(whom.project) ?? 1, name, async (one) => {
        const around = await links.claims(whom.project, [['participant', one]])
        return around.claims.isTaken(whom.project, one)
      })
      this.#next.set(whom.project, n)
      const participant = name(n)
      if (participant === undefined) throw exhausted(whom.project)
      // Another process may be quicker; then this name is its, and the next one is tried.
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
    this.#unindexed += 1
    if (line.is === 'damaged') {
      this.#isDamaged = true
      return
    }
    // Opened only by who looks something up: the id is all that the others need.
    const isOpened = line.is !== 'sealed' || this.#links !== undefined
    const entry = isOpened ? entryIn(line) : undefined
    if (line.is === 'sealed') this.#known.add(line.id)
    else if (entry !== undefined) this.#known.add(this.#seals.first.idOf(entry))
    if (entry !== undefined) this.#links?.add(entry)
    else if (isOpened) this.#isDamaged = true
  }

  /** All that can be looked up; what others wrote since is in it. */
  async #lookedUp(): Promise<CrosswalkLinks> {
    if (await this.#index.isMade()) {
      this.#known = new LinkIds()
      await this.#openIndex()
      await this.#readOn()
    }
    if (this.#links === undefined) {
      this.#links = new CrosswalkLinks(this.#path, this.#seals, this.#handle, this.#index.file)
      this.#end = this.#index.end
    }
    await this.#readOn()
    return this.#links
  }

  async #openIndex(): Promise<void> {
    await this.#index.open(this.#handle)
    this.#end = this.#index.end
    this.#unindexed = 0
  }

  /** Sealed anew by another process, it is another file of this name. */
  async #isInPlace(): Promise<boolean> {
    const there = await stat(this.#path).catch(() => undefined)
    const { ino, dev } = await this.#handle.stat()
    return there?.ino === ino && there.dev === dev
  }

  async #reopen(): Promise<void> {
    // It is of the file that was there before.
    await this.#index.stop()
    const handle = await openPrivate(this.#path, 'write')
    await this.#handle.close()
    this.#handle = handle
    this.#known = new LinkIds()
    this.#links = undefined
    this.#next.clear()
    this.#syncedTo = 0
    await this.#openIndex()
    await syncDirectory(dirname(this.#path))
  }

  /** One after the other: what one wrote the next one knows. */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work)
    this.#last = result
    return result
  }
}
