import { join } from 'node:path'
import type { DicomFile } from '../../dicom/index.ts'
import { FionaError, troubleOfSurroundings } from '../../error/index.ts'
import { deidentifyObject, uidsOf } from '../deidentify-object.ts'
import { lookForFaces } from '../faces/index.ts'
import { PixelSpool } from '../../image/index.ts'
import { cleanPixels } from '../pixels/index.ts'
import { normalUid } from '../pseudonyms.ts'
import { Reasons } from '../reasons.ts'
import { RecurringElements } from '../recurring-elements.ts'
import type { KnownIdentity } from '../search/known-identity.ts'
import type { HeadsOfStudy } from './heads-of-study.ts'
import { ObjectWriter } from './object-writer.ts'
import { openAhead } from './open-ahead.ts'
import type { StagedStudy } from './outbox.ts'
import type { SourceObject } from './source-objects.ts'
import type { StudyTask } from './study-task.ts'
import type { Tally } from './tally.ts'
import { sizeOfSame } from './write-object.ts'

/** An object that is made. */
export interface Output {
  readonly SeriesInstanceUID: string
  readonly path: string
  readonly bytes: number
  /** Or there already, of an earlier revision. */
  readonly isNew: boolean
  /** Of the file that it was made of; none for what this revision does not speak of. */
  readonly source?: string
}

/** What making objects needs to know of their study. */
export type ObjectTask = Omit<StudyTask, 'sources' | 'outbox' | 'objections' | 'waived' | 'partner'>

/** Where they go, and what is noted on the way. */
export interface ObjectNotes {
  readonly staged: StagedStudy
  /** Where the study lies when it is published. */
  readonly final: string
  /** An earlier revision, or this one, was published before. */
  readonly isLater: boolean
  readonly identity: KnownIdentity
  readonly reasons: Reasons
  readonly tally: Tally
  readonly outputs: Map<string, Output>
  readonly patients: Set<string>
  readonly heads: HeadsOfStudy | undefined
}

/** Objects of a study, rewritten one by one: all of them, or some where other threads make the others. */
export class ObjectMaker {
  readonly #task: ObjectTask
  readonly #notes: ObjectNotes
  readonly #writer: ObjectWriter
  readonly #recurring = new RecurringElements()
  /** Memory for small objects. */
  readonly #idle: Buffer[] = []

  constructor(task: ObjectTask, notes: ObjectNotes) {
    this.#task = task
    this.#notes = notes
    this.#writer = new ObjectWriter({ syncs: task.durable })
  }

  /** @throws FionaError, errors of the system: nothing of the study may go out then */
  async make(sources: readonly SourceObject[]): Promise<void> {
    for await (const { source, open } of openAhead(sources, this.#idle))
      await this.#make(source, open)
  }

  /** All that was made is written. To be called whatever happened. */
  async done(): Promise<void> {
    await this.#writer.done()
  }

  async #make(source: SourceObject, open: () => DicomFile): Promise<void> {
    const reasons = new Reasons()
    try {
      using file = open()
      await this.#makeFrom(file, source, reasons)
    } catch (error) {
      // Reading speaks in FionaErrors; anything else is trouble with writing, and not the object's.
      if (!(error instanceof FionaError) || troubleOfSurroundings(error) !== undefined) throw error
      this.#notes.tally.unmade += 1
      reasons.add('unreadable-object', 'object')
    }
    for (const { code, where, count } of reasons.list()) {
      this.#notes.reasons.add(code, where, count)
      this.#notes.tally.noteReason(code, source.path)
    }
  }

  async #makeFrom(file: DicomFile, source: SourceObject, reasons: Reasons): Promise<void> {
    const { staged, final, isLater, outputs, tally } = this.#notes
    const uids = uidsOf(file)
    if (uids.StudyInstanceUID !== normalUid(this.#task.StudyInstanceUID)) {
      tally.unmade += 1
      reasons.add('foreign-object', '(0020,000D) StudyInstanceUID')
      return
    }
    const patient = file.string(file.dataSet, 0x00100020)?.trim() ?? ''
    if (patient !== '') this.#notes.patients.add(patient)
    const { SOPClassUID } = uids
    const { types } = source
    const verdict = this.#task.profile.rules.lookAt({ file, SOPClassUID, types })
    const excluded = this.#task.exclusion(file, source) ?? verdict.leftOut
    if (excluded !== undefined) {
      tally.exclude(excluded)
      return
    }
    for (const where of verdict.review) reasons.add('profile-review', where)
    const face = lookForFaces(file, SOPClassUID, types, this.#task.profile.faces, reasons)
    using spool = new PixelSpool(() => staged.scratchPath())
    const pixels = await cleanPixels(
      file,
      uids.SOPClassUID,
      source.types,
      this.#task.profile.pixels,
      reasons,
      spool,
    )
    if (pixels.droppedBy !== undefined) {
      tally.exclude(pixels.droppedBy)
      return
    }
    tally.notePixels(pixels, source)
    const notes = {
      identity: this.#notes.identity,
      recurring: this.#recurring,
      reasons,
      count: (what: string) => {
        tally.count(what)
      },
    }
    const object = deidentifyObject(file, { ...uids, types }, this.#task, notes, pixels)
    if (object === undefined) {
      tally.unmade += 1
      return
    }
    const { SeriesInstanceUID, SOPInstanceUID } = object
    const twin = outputs.get(SOPInstanceUID)
    if (twin !== undefined) {
      await this.#writer.done()
      const isSame = sizeOfSame(twin.path, object.parts(), file) !== undefined
      if (isSame) tally.duplicates += 1
      else {
        tally.unmade += 1
        reasons.add('same-uid-twice', '(0008,0018) SOPInstanceUID')
      }
      return
    }
    const there = join(final, SeriesInstanceUID, `${SOPInstanceUID}.dcm`)
    // What may be defaced is compared when that was done.
    const mayBeDefaced = this.#notes.heads?.note(object, face) ?? false
    const isThere = isLater && !mayBeDefaced
    const size = isThere ? sizeOfSame(there, object.parts(), file) : undefined
    const isNew = size === undefined
    const path = isNew ? await staged.place(SeriesInstanceUID, SOPInstanceUID) : there
    const bytes = size ?? (await this.#writer.write(path, object.parts(), file))
    outputs.set(SOPInstanceUID, { SeriesInstanceUID, path, bytes, isNew, source: source.path })
  }
}
