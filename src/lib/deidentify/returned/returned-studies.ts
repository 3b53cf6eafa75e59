import { hash } from 'node:crypto'
import { statSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Crosswalk, Link, ParticipantLink, StudyLink } from '../../crosswalk/index.ts'
import {
  nowIso,
  type AnyRecord,
  type DeidentifiedRecord,
  type HeldRecord,
  type RequestRecord,
  type StudyRecord,
} from '../../record/index.ts'
import { projectFolder, syncFile } from '../../storage/index.ts'
import type { Profile } from '../profile/profile.ts'
import { type Reason, Reasons } from '../reasons.ts'
import type { Review } from '../review/review.ts'
import { Waiver } from '../review/waiver.ts'
import { IdentitySearch } from '../search/search-identity.ts'
import { KnownIdentity } from '../search/known-identity.ts'
import { type Exclusion, eitherOf, exclusionOf } from '../study/exclusions.ts'
import { Outbox, type StagedStudy, countBySeries, objectsIn } from '../study/outbox.ts'
import { sourcesOf } from '../study/source-objects.ts'
import { addClinicalIdentity } from './clinical-identity.ts'
import { howToDecideReturned } from './held-returned.ts'
import { type ReturnedObject, headOf, lookAtReturned } from './look-at-returned.ts'
import { sentValues } from './patient-values.ts'

/** What the record says instead of a profile: nothing was rewritten. */
export const returnedProfile = 'returned'

export interface ReturnedOptions {
  readonly crosswalk: Pick<Crosswalk, 'linksBy'>
  readonly dataDir: string
  /** Where de-identified studies go, of all projects; undefined: each has a folder of its own. */
  readonly out?: string | undefined
  readonly durable: boolean
  /** @throws FionaError E_PROFILE when what the project demands is not there */
  readonly profileOf: (project: string) => Pick<Profile, 'pixels'>
  /** What a project does not want. */
  readonly exclusionOf: (project: string) => Exclusion
  /** The command that decides. */
  readonly howToDecide: (requestId: string) => string
  /** Where the record of a released study goes. */
  readonly journal?: string | undefined
  /** Facts for the log: no value of the clinic. */
  readonly onDone: (facts: Readonly<Record<string, unknown>>, message: string) => void
}

type Input = StudyRecord | RequestRecord

/** A study that came back, and what is known of it. */
interface CameBack {
  readonly input: Input
  /** The input as it came. */
  readonly record: AnyRecord
  readonly link: StudyLink
  readonly objects: readonly ReturnedObject[]
  /** What our own objects say of the patient. */
  readonly sent: ReadonlySet<string>
  /** Objects that the project or the request does not want, by rule. */
  readonly excluded: ReadonlyMap<string, number>
  /** What a person has decided to let pass. */
  readonly waived: Waiver
}

/**
 * Series that were made from a de-identified study and come back: their study has the UID that we gave it. De-identified
 * again they would belong to a third identity, so they go on as they are, to where their study went; but only when every object says that
 * it is of that participant and the search finds nothing of the patient, for whoever knows the UID may write it anywhere.
 */
export class ReturnedStudies {
  readonly #options: ReturnedOptions
  readonly #review: Review

  constructor(options: ReturnedOptions, review: Review) {
    this.#options = options
    this.#review = review
  }

  /**
   * @param record the input as it came
   * @param waived what a person has decided to let pass
   * @returns undefined for a study that was not made here: it is to be de-identified. Else what is to be said, which is
   *   nothing when all of it is what we sent
   * @throws FionaError E_CROSSWALK_DAMAGED
   */
  async take(
    input: Input,
    record: AnyRecord,
    waived = Waiver.nothing,
  ): Promise<
    { readonly record: ((DeidentifiedRecord | HeldRecord) & AnyRecord) | undefined } | undefined
  > {
    const { StudyInstanceUID } = input
    const links = await this.#options.crosswalk.linksBy('newStudy', StudyInstanceUID)
    // Where a profile keeps UIDs, the study of the clinic has the same one.
    const made = links.filter(isStudy).filter((link) => link.StudyInstanceUID !== StudyInstanceUID)
    const [first] = made
    if (first === undefined || made.length < links.length) return undefined
    const { objects, missing } = await sourcesOf(input)
    const link = made.find((one) => isAskedFor(one, input)) ?? first
    const reasons = new Reasons()
    if (missing > 0) reasons.add('objects-missing', '', missing)
    const excluded = new Map<string, number>()
    const exclusion = this.#exclusionOf(link, input)
    const heads = objects.flatMap((source) => headOf(source, exclusion, excluded, reasons) ?? [])
    // What we sent may come back with what was made of it.
    const sent = await this.#sentOf(link)
    const known = new Set(sent.map(({ SOPInstanceUID }) => SOPInstanceUID))
    const fresh = heads.filter(({ SOPInstanceUID }) => !known.has(SOPInstanceUID))
    if (fresh.length === 0 && excluded.size === 0 && reasons.list().length === 0) {
      this.#options.onDone({ objects: objects.length }, 'came back as it was sent')
      return { record: undefined }
    }
    if (heads.length === 0 && excluded.size > 0) reasons.add('nothing-left', '')
    if (!isAskedFor(link, input)) reasons.add('participant-of-other-patient', '')
    const back = { input, record, link, objects: fresh, sent: sentValues(sent), excluded, waived }
    return { record: await this.#file(back, reasons) }
  }

  #exclusionOf({ project }: StudyLink, input: Input): Exclusion {
    const ofProject = this.#options.exclusionOf(project)
    return 'requestId' in input ? eitherOf(ofProject, exclusionOf(input.exclude ?? [])) : ofProject
  }

  async #sentOf(link: StudyLink) {
    const outbox = new Outbox(this.#folder(link, 'outbox'))
    return objectsIn(outbox.studyPath(link.participant, link.newStudyInstanceUID))
  }

  async #file(
    back: CameBack,
    reasons: Reasons,
  ): Promise<(DeidentifiedRecord | HeldRecord) & AnyRecord> {
    const { input, link, objects, sent, excluded, waived } = back
    const { participant, project, newStudyInstanceUID } = link
    const { durable, onDone } = this.#options
    const outbox = new Outbox(this.#folder(link, 'returned'), { durable })
    const identity = await this.#knownOf(link)
    const search = new IdentitySearch(identity, [participant, project])
    const { pixels } = this.#options.profileOf(project)
    const expected = { StudyInstanceUID: newStudyInstanceUID, participant, sent, pixels }
    const staged = await outbox.begin()
    try {
      const seen = new Set<string>()
      for (const object of objects) {
        const { SeriesInstanceUID, SOPInstanceUID } = object
        if (seen.has(SOPInstanceUID)) {
          reasons.add('same-uid-twice', '')
          continue
        }
        seen.add(SOPInstanceUID)
        // A copy is looked at: what is looked at is what goes.
        const path = await staged.place(SeriesInstanceUID, SOPInstanceUID)
        await copyFile(object.path, path)
        if (durable) await syncFile(path)
        lookAtReturned({ ...object, path }, expected, search, reasons)
      }
      const found = reasons.list()
      if (!waived.covers(found)) return await this.#hold(back, staged, outbox.root, found)
      const path = outbox.studyPath(participant, newStudyInstanceUID)
      await staged.publish(path)
      onDone({ project, objects: objects.length }, 'came back, and goes to where its study went')
      const requestId = requestIdOf(input, link)
      await this.#review.supersede(project, requestId, input.revision)
      return await returnedRecord(input, link, path, {
        verified: { objects: objects.length, terms: identity.size },
        ...(excluded.size === 0 ? {} : { excluded: Object.fromEntries(excluded) }),
        ...(found.length === 0 ? {} : { waived: found }),
      })
    } finally {
      await staged.remove()
    }
  }

  /** For a person to look at: beside what is held before it is de-identified. */
  async #hold(
    { input, record, link }: CameBack,
    staged: StagedStudy,
    outbox: string,
    reasons: Reason[],
  ): Promise<HeldRecord & AnyRecord> {
    const { onDone, howToDecide, journal } = this.#options
    const { project, participant } = link
    const requestId = requestIdOf(input, link)
    const how = howToDecideReturned(reasons, howToDecide(requestId))
    const event = eventOf(input)
    await this.#review.hold(
      {
        requestId,
        project,
        participant,
        ...(event === undefined ? {} : { event }),
        returned: true,
        outbox,
        reasons,
        details: [],
        how,
        ...(journal === undefined ? {} : { journal }),
        record,
      },
      staged,
    )
    const codes = [...new Set(reasons.map(({ code }) => code))]
    onDone({ project, reasons: codes }, 'what came back is held: a person must look')
    const { revision } = input
    return {
      type: 'held',
      v: 1,
      time: nowIso(),
      project,
      requestId,
      participant,
      revision,
      reasons,
      how,
    }
  }

  async #knownOf(link: StudyLink): Promise<KnownIdentity> {
    const { crosswalk, dataDir } = this.#options
    const { project, participant } = link
    const identity = new KnownIdentity([participant])
    const links = await crosswalk.linksBy('participant', participant)
    const patients = links.filter(isParticipant).filter((one) => one.project === project)
    await addClinicalIdentity(identity, link, patients, dataDir)
    return identity
  }

  #folder({ project }: StudyLink, name: string): string {
    const { out, dataDir } = this.#options
    return out ?? join(dataDir, projectFolder(project), name)
  }
}

function isStudy(link: Link): link is StudyLink {
  return link.kind === 'study'
}

function isParticipant(link: Link): link is ParticipantLink {
  return link.kind === 'participant'
}

/** A request names whom it is for; a study goes back to whom it came from. */
function isAskedFor({ project, participant }: StudyLink, input: Input): boolean {
  if (!('requestId' in input)) return true
  return input.participant === participant && (input.project ?? project) === project
}

/** The same for the same study, and different from that of its own delivery. It tells of nothing but the research side. */
function requestIdOf(
  input: Input,
  { project, participant, newStudyInstanceUID }: StudyLink,
): string {
  if ('requestId' in input && typeof input.requestId === 'string') return input.requestId
  const about = JSON.stringify([project, participant, newStudyInstanceUID])
  return `returned-${hash('sha256', about).slice(0, 24)}`
}

function eventOf(input: Input): string | undefined {
  return 'event' in input && typeof input.event === 'string' ? input.event : undefined
}

async function returnedRecord(
  input: Input,
  link: StudyLink,
  path: string,
  facts: Pick<DeidentifiedRecord, 'verified' | 'excluded' | 'waived'>,
): Promise<DeidentifiedRecord & AnyRecord> {
  const there = await objectsIn(path)
  const event = eventOf(input)
  return {
    type: 'deidentified',
    v: 1,
    time: nowIso(),
    project: link.project,
    requestId: requestIdOf(input, link),
    participant: link.participant,
    ...(event === undefined ? {} : { event }),
    StudyInstanceUID: link.newStudyInstanceUID,
    path,
    series: countBySeries(there),
    instances: there.length,
    bytes: there.reduce((sum, one) => sum + statSync(one.path).size, 0),
    profile: returnedProfile,
    profileDigest: '',
    revision: input.revision,
    ...facts,
  }
}
