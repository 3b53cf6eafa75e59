import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DicomFile } from '../../dicom/index.ts'
import { FionaError, troubleOfSurroundings } from '../../error/index.ts'
import { type Account, requireComplete } from './account.ts'
import { PixelSpool, cleanPixels, cleanedTexts } from '../pixels/index.ts'
import { defacedTexts, lookForFaces } from '../faces/index.ts'
import { deidentifyObject, uidsOf } from '../deidentify-object.ts'
import { KnownIdentity } from '../search/known-identity.ts'
import { HeadsOfStudy } from './heads-of-study.ts'
import { ObjectWriter } from './object-writer.ts'
import { type StagedStudy, objectsIn } from './outbox.ts'
import { textsOf } from '../profile/profile.ts'
import { normalUid } from '../pseudonyms.ts'
import { openAhead } from './open-ahead.ts'
import { Reasons } from '../reasons.ts'
import { IdentitySearch } from '../search/search-identity.ts'
import type { SourceObject } from './source-objects.ts'
import { sizeOfSame } from './write-object.ts'

import type { Held, Published, StudyTask } from './study-task.ts'
import { Tally } from './tally.ts'

interface Output {
  readonly SeriesInstanceUID: string
  readonly path: string
  readonly bytes: number
  readonly isNew: boolean
}

/** What `deidentifyStudy` makes step by step: every object, then the search, then the study as a whole. */
export class StudyInTheMaking {
  readonly #task: StudyTask
  readonly #staged: StagedStudy
  readonly #reasons = new Reasons()
  readonly #identity: KnownIdentity
  readonly #given: readonly string[]
  readonly #outputs = new Map<string, Output>()
  readonly #tally = new Tally()
  readonly #heads: HeadsOfStudy
  readonly #patients = new Set<string>()
  readonly #newStudyUID: string
  readonly #final: string
  /** An earlier revision, or this one, was published before. */
  readonly #isLater: boolean
  #isLeaking = false

  constructor(task: StudyTask, staged: StagedStudy) {
    this.#task = task
    this.#staged = staged
    const { profile, participant, project, event } = task
    this.#given = [
      participant,
      project,
      ...(event === undefined ? [] : [event]),
      ...[profile, ...profile.variants.values()].flatMap(({ statement }) => textsOf(statement)),
      ...profile.rules.writtenFor(task),
      ...cleanedTexts,
      ...defacedTexts,
    ]
    this.#identity = new KnownIdentity(this.#given, profile.extraTerms)
    this.#newStudyUID = task.pseudonyms.uid(task.StudyInstanceUID)
    this.#final = task.outbox.studyPath(participant, this.#newStudyUID)
    this.#isLater = existsSync(this.#final)
    this.#heads = new HeadsOfStudy(task, staged)
    for (const { code, where, count } of task.objections) this.#reasons.add(code, where, count)
  }

  async makeAll(): Promise<void> {
    const { sources, durable } = this.#task
    const writer = new ObjectWriter({ syncs: durable })
    try {
      for await (const { source, open } of openAhead(sources.objects)) {
        await this.#make(source, open, writer)
      }
    } finally {
      await writer.done()
    }
    if (sources.missing > 0) this.#reasons.add('objects-missing', 'objects', sources.missing)
    if (sources.objects.length === 0) this.#reasons.add('objects-missing', 'study')
    if (this.#patients.size > 1) {
      this.#reasons.add('patient-conflict', '(0010,0020) PatientID', this.#patients.size)
    }
  }

  async #make(source: SourceObject, open: () => DicomFile, writer: ObjectWriter): Promise<void> {
    const reasons = new Reasons()
    try {
      using file = open()
      await this.#makeFrom(file, source, reasons, writer)
    } catch (error) {
      // Reading speaks in FionaErrors; anything else is trouble with writing, and not the object's.
      if (!(error instanceof FionaError) || troubleOfSurroundings(error) !== undefined) throw error
      this.#tally.unmade += 1
      reasons.add('unreadable-object', 'object')
    }
    for (const { code, where, count } of reasons.list()) {
      this.#reasons.add(code, where, count)
      this.#tally.noteReason(code, source.path)
    }
  }

  async #makeFrom(
    file: DicomFile,
    source: SourceObject,
    reasons: Reasons,
    writer: ObjectWriter,
  ): Promise<void> {
    const uids = uidsOf(file)
    if (uids.StudyInstanceUID !== normalUid(this.#task.StudyInstanceUID)) {
      this.#tally.unmade += 1
      reasons.add('foreign-object', '(0020,000D) StudyInstanceUID')
      return
    }
    const patient = file.string(file.dataSet, 0x00100020)?.trim() ?? ''
    if (patient !== '') this.#patients.add(patient)
    const { SOPClassUID } = uids
    const { types } = source
    const verdict = this.#task.profile.rules.lookAt({ file, SOPClassUID, types })
    const excluded = this.#task.exclusion(file, source) ?? verdict.leftOut
    if (excluded !== undefined) {
      this.#tally.exclude(excluded)
      return
    }
    for (const where of verdict.review) reasons.add('profile-review', where)
    const face = lookForFaces(file, SOPClassUID, types, this.#task.profile.faces, reasons)
    using spool = new PixelSpool(() => this.#staged.scratchPath())
    const pixels = await cleanPixels(
      file,
      uids.SOPClassUID,
      source.types,
      this.#task.profile.pixels,
      reasons,
      spool,
    )
    if (pixels.droppedBy !== undefined) {
      this.#tally.exclude(pixels.droppedBy)
      return
    }
    this.#tally.notePixels(pixels, source)
    const notes = {
      identity: this.#identity,
      reasons,
      count: (what: string) => {
        this.#tally.count(what)
      },
    }
    const object = deidentifyObject(file, { ...uids, types }, this.#task, notes, pixels)
    if (object === undefined) {
      this.#tally.unmade += 1
      return
    }
    const { SeriesInstanceUID, SOPInstanceUID } = object
    const twin = this.#outputs.get(SOPInstanceUID)
    if (twin !== undefined) {
      await writer.done()
      const isSame = sizeOfSame(twin.path, object.parts(), file) !== undefined
      if (isSame) this.#tally.duplicates += 1
      else {
        this.#tally.unmade += 1
        reasons.add('same-uid-twice', '(0008,0018) SOPInstanceUID')
      }
      return
    }
    const there = join(this.#final, SeriesInstanceUID, `${SOPInstanceUID}.dcm`)
    // What may be defaced is compared when that was done.
    const mayBeDefaced = this.#heads.note(object, face)
    const isThere = this.#isLater && !mayBeDefaced
    const size = isThere ? sizeOfSame(there, object.parts(), file) : undefined
    if (size !== undefined) {
      this.#outputs.set(SOPInstanceUID, {
        SeriesInstanceUID,
        path: there,
        bytes: size,
        isNew: false,
      })
      return
    }
    const path = await this.#staged.place(SeriesInstanceUID, SOPInstanceUID)
    const bytes = await writer.write(path, object.parts(), file)
    this.#outputs.set(SOPInstanceUID, { SeriesInstanceUID, path, bytes, isNew: true })
  }

  /** Series of heads, by the command of the profile. Of objects that are made, searched, and not to be held. */
  async deface(): Promise<void> {
    const isFound = this.#reasons.list().some(({ code }) => code === 'identity-found')
    const search = new IdentitySearch(this.#identity, this.#given)
    for await (const defaced of this.#heads.deface(this.#outputs, this.#reasons, !isFound)) {
      this.#outputs.set(defaced.SOPInstanceUID, defaced)
      this.#tally.noteDefaced(1)
      this.#searchDefaced(search, defaced.path)
    }
    if (this.#isLater) await this.#heads.settle(this.#outputs, this.#final)
  }

  /** It was counted when it was searched before it was defaced. */
  #searchDefaced(search: IdentitySearch, path: string): void {
    using file = DicomFile.open(path)
    for (const where of search.find(file)) this.#reasons.add('identity-found', where)
  }

  /** Only now everything is known of the study that its objects say. Earlier revisions are searched, too. */
  async searchAll(): Promise<void> {
    for (const { SeriesInstanceUID, SOPInstanceUID, path } of await objectsIn(this.#final)) {
      if (this.#outputs.has(SOPInstanceUID)) continue
      this.#tally.earlier += 1
      const { size } = statSync(path)
      this.#outputs.set(SOPInstanceUID, { SeriesInstanceUID, path, bytes: size, isNew: false })
    }
    if (this.#outputs.size === 0 && this.#tally.hasExcluded) {
      this.#reasons.add('nothing-left', 'exclude')
    }
    const search = new IdentitySearch(this.#identity, this.#given)
    for (const { path, isNew } of this.#outputs.values()) {
      try {
        this.#searchOne(search, path, isNew)
      } catch (error) {
        if (!(error instanceof FionaError) || troubleOfSurroundings(error) !== undefined)
          throw error
        this.#reasons.add('unreadable-object', 'output')
      }
    }
  }

  #searchOne(search: IdentitySearch, path: string, isNew: boolean): void {
    using file = DicomFile.open(path)
    this.#tally.searched += 1
    for (const where of search.find(file)) {
      this.#reasons.add('identity-found', where)
      // What is made again because it may be defaced is the same there, but for its pixels.
      if (!isNew || this.#heads.isAgain(path, this.#final)) this.#isLeaking = true
    }
  }

  /** All there are, as long as one of them was not let pass: whoever decides next has to see them all. */
  objections(): Held | undefined {
    const reasons = this.#reasons.list()
    return this.#task.waived.covers(reasons)
      ? undefined
      : {
          account: this.#account(),
          reasons,
          details: this.#tally.details,
          masked: this.#tally.masked,
        }
  }

  /** An earlier revision that holds what is known only now must not stay where it can be sent from. */
  async withdrawIfLeaking(): Promise<void> {
    if (this.#isLeaking) await this.#task.outbox.withdraw(this.#final)
  }

  #account(): Account {
    return this.#tally.account(this.#task.sources, this.#outputs.size)
  }

  async publish(): Promise<Published> {
    const account = this.#account()
    requireComplete(account)
    const outputs = [...this.#outputs.values()]
    if (outputs.some(({ isNew }) => isNew)) await this.#staged.publish(this.#final)
    else await this.#task.outbox.settle(this.#final)
    const instances = new Map<string, number>()
    for (const { SeriesInstanceUID } of outputs) {
      instances.set(SeriesInstanceUID, (instances.get(SeriesInstanceUID) ?? 0) + 1)
    }
    const series = [...instances].map(([SeriesInstanceUID, count]) => ({
      SeriesInstanceUID,
      instances: count,
    }))
    return {
      StudyInstanceUID: this.#newStudyUID,
      path: this.#final,
      series: series.sort((a, b) => (a.SeriesInstanceUID < b.SeriesInstanceUID ? -1 : 1)),
      instances: outputs.length,
      bytes: outputs.reduce((sum, { bytes }) => sum + bytes, 0),
      removed: this.#tally.counts,
      account,
      terms: this.#identity.size,
      pixels: this.#tally.pixels,
      masks: this.#tally.masks,
      waived: this.#reasons.list(),
    }
  }
}
