import { existsSync, statSync } from 'node:fs'
import { DicomFile } from '../../dicom/index.ts'
import { type Account, requireComplete } from './account.ts'
import { cleanedTexts } from '../pixels/index.ts'
import { defacedTexts } from '../faces/index.ts'
import { KnownIdentity } from '../search/known-identity.ts'
import { HeadsOfStudy } from './heads-of-study.ts'
import { findInOutput } from './find-in-output.ts'
import { ObjectMaker, type ObjectNotes, type Output } from './object-maker.ts'
import { type StagedStudy, countBySeries, objectsIn } from './outbox.ts'
import type { Findings, SharedStudy } from './partner-messages.ts'
import { textsOf } from '../profile/profile.ts'
import { Reasons } from '../reasons.ts'
import { IdentitySearch } from '../search/search-identity.ts'
import { type Share, newNotes, shareOf } from './share.ts'
import type { SourceObject } from './source-objects.ts'
import type { PartnerSession } from './study-partner.ts'
import type { Held, Partner, Published, StudyTask } from './study-task.ts'
import { Tally } from './tally.ts'

/** So many objects are handed over at a time. */
const chunk = 16

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
  /** The thread that made some of it, and which ones it made. */
  #partner: { readonly session: PartnerSession; readonly paths: readonly string[] } | undefined

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
    this.#identity = new KnownIdentity([participant], profile.extraTerms)
    this.#newStudyUID = task.pseudonyms.uid(task.StudyInstanceUID)
    this.#final = task.outbox.studyPath(participant, this.#newStudyUID)
    this.#isLater = existsSync(this.#final)
    this.#heads = new HeadsOfStudy(task, staged)
    for (const { code, where, count } of task.objections) this.#reasons.add(code, where, count)
  }

  async makeAll(): Promise<void> {
    const { sources } = this.#task
    if (!(await this.#makeTogether())) await this.#makeAlone()
    if (sources.missing > 0) this.#reasons.add('objects-missing', 'objects', sources.missing)
    if (sources.objects.length === 0) this.#reasons.add('objects-missing', 'study')
    if (this.#patients.size > 1) {
      this.#reasons.add('patient-conflict', '(0010,0020) PatientID', this.#patients.size)
    }
  }

  async #makeAlone(): Promise<void> {
    const maker = new ObjectMaker(this.#task, this.#notes())
    try {
      await maker.make(this.#task.sources.objects)
    } finally {
      await maker.done()
    }
  }

  /**
   * With another thread. Nothing is noted here before both are done: where anything goes wrong, with it or here, or one object
   * comes out of both, all is made anew without it, and what is wrong comes out of that.
   */
  async #makeTogether(): Promise<boolean> {
    const { partner, sources, profile, participant } = this.#task
    const { length } = sources.objects
    // A command for faces needs whole series, and to know which objects they have.
    const isShared = profile.faces.command === undefined && partner?.thread.isFor(length) === true
    if (!isShared) return false
    const session = await partner.thread.begin(this.#shared(partner)).catch(() => undefined)
    if (session === undefined) return false
    const own: ObjectNotes = { ...this.#notes(), ...newNotes(participant, profile.extraTerms) }
    try {
      const share = await this.#divided(session, own)
      const isTwice = [...share.outputs.keys()].some((uid) => own.outputs.has(uid))
      if (isTwice) throw new Error('two threads made one object')
      // So that its folders are known here, too.
      for (const [uid, { SeriesInstanceUID }] of share.outputs) {
        await this.#staged.place(SeriesInstanceUID, uid)
      }
      this.#take(shareOf(own), share)
      this.#partner = { session, paths: [...share.outputs.values()].map(({ path }) => path) }
      return true
    } catch {
      await session.close(false)
      await this.#staged.clear()
      return false
    }
  }

  /** Whoever is done with some objects takes the next ones. */
  async #divided(session: PartnerSession, own: ObjectNotes): Promise<Share> {
    const { objects } = this.#task.sources
    let next = 0
    const work = async (make: (some: readonly SourceObject[]) => Promise<void>): Promise<void> => {
      try {
        while (next < objects.length) {
          const from = next
          next += chunk
          await make(objects.slice(from, from + chunk))
        }
      } catch (error) {
        next = objects.length
        throw error
      }
    }
    const maker = new ObjectMaker(this.#task, own)
    const results = await Promise.allSettled([
      work((some) => maker.make(some)).finally(() => maker.done()),
      work((some) => session.make(some)),
    ])
    for (const result of results) if (result.status === 'rejected') throw result.reason
    return session.finish()
  }

  /** As if all had been made here, in the order of the objects. */
  #take(own: Share, share: Share): void {
    for (const { terms, reasons, tally, patients } of [own, share]) {
      this.#identity.absorb(terms)
      this.#tally.absorb(tally)
      for (const { code, where, count } of reasons) this.#reasons.add(code, where, count)
      for (const patient of patients) this.#patients.add(patient)
    }
    const outputs = [...own.outputs, ...share.outputs]
    outputs.sort(([, { source: a = '' }], [, { source: b = '' }]) => (a < b ? -1 : a > b ? 1 : 0))
    for (const [uid, output] of outputs) this.#outputs.set(uid, output)
  }

  #notes(): ObjectNotes {
    return {
      staged: this.#staged,
      final: this.#final,
      isLater: this.#isLater,
      identity: this.#identity,
      reasons: this.#reasons,
      tally: this.#tally,
      outputs: this.#outputs,
      patients: this.#patients,
      heads: this.#heads,
    }
  }

  #shared({ key, exclude }: Partner): SharedStudy {
    const { StudyInstanceUID, project, participant, event, requestId, durable, profile, outbox } =
      this.#task
    return {
      StudyInstanceUID,
      project,
      participant,
      event,
      requestId,
      // Of a buffer all that it is a part of would be handed over.
      key: Uint8Array.from(key),
      exclude,
      profileDigest: profile.digest,
      durable,
      outbox: outbox.root,
      staged: this.#staged.directory,
      final: this.#final,
      isLater: this.#isLater,
      given: this.#given,
    }
  }

  /** Nothing more is asked of another thread. */
  async close(): Promise<void> {
    await this.#partner?.session.close(true)
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
    const theirs = this.#searchedByPartner()
    const search = new IdentitySearch(this.#identity, this.#given)
    const paths = new Set(this.#partner?.paths)
    for (const { path, isNew } of this.#outputs.values()) {
      if (!paths.has(path)) this.#noteFindings(findInOutput(search, path), path, isNew)
    }
    const findings = await theirs
    for (const { path, isNew } of this.#outputs.values()) {
      if (!paths.has(path)) continue
      // What another thread did not say is found out here.
      const found = findings.has(path) ? findings.get(path) : findInOutput(search, path)
      this.#noteFindings(found, path, isNew)
    }
  }

  /** In what another thread made, by that thread; nothing where it has ended. */
  async #searchedByPartner(): Promise<Findings> {
    if (this.#partner === undefined) return new Map()
    const { session, paths } = this.#partner
    try {
      return await session.search(this.#identity.terms(), paths)
    } catch {
      await session.close(false)
      return new Map()
    }
  }

  #noteFindings(found: readonly string[] | undefined, path: string, isNew: boolean): void {
    if (found === undefined) {
      this.#reasons.add('unreadable-object', 'output')
      return
    }
    this.#tally.searched += 1
    for (const where of found) {
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
    return {
      StudyInstanceUID: this.#newStudyUID,
      path: this.#final,
      series: countBySeries(outputs),
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
