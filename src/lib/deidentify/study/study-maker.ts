import { join } from 'node:path'
import type { Crosswalk } from '../../crosswalk/index.ts'
import { ExitCode, FionaError } from '../../error/index.ts'
import {
  type AnyRecord,
  type DeidentifiedRecord,
  type HeldRecord,
  type RequestRecord,
  type StudyRecord,
  nowIso,
} from '../../record/index.ts'
import { projectFolder } from '../../storage/index.ts'
import type { Account } from './account.ts'
import { deidentifyStudy } from './deidentify-study.ts'
import type { Published } from './study-task.ts'
import { eitherOf, type Exclusion, exclusionOf } from './exclusions.ts'
import { type Naming, nameParticipant } from './name-participant.ts'
import { objectionsTo, participantLink } from './objections.ts'
import { Outbox } from './outbox.ts'
import { type Patient, patientOf } from './patient.ts'
import { PatientsOfRun } from './patients-of-run.ts'
import { type Profile, uidWayOf } from '../profile/profile.ts'
import { Pseudonyms } from '../pseudonyms.ts'
import type { Review } from '../review/review.ts'
import type { StudyPartner } from './study-partner.ts'
import { Waiver } from '../review/waiver.ts'
import { sourcesOf } from './source-objects.ts'
import { writeError } from './write-object.ts'

export interface StudyMakerOptions {
  /** The secret of a project. */
  readonly keyOf: (project: string) => Buffer
  readonly namingOf: (project: string) => Naming
  readonly uidRoot: string
  /** For outboxes where `out` is not given. */
  readonly dataDir: string
  readonly out?: string | undefined
  readonly crosswalk?: Crosswalk | undefined
  /** For study and instance records; a request says it itself. */
  readonly participant?: string | undefined
  readonly event?: string | undefined
  readonly durable: boolean
  /** @throws FionaError E_PROFILE when what the project demands is not there */
  readonly profileOf: (project: string) => Profile
  readonly exclusionOf: (project: string) => Exclusion
  /** Another thread, for large studies. */
  readonly partner?: StudyPartner | undefined
  /** The command by which a person releases or drops what is held. */
  readonly howToDecide: (requestId: string) => string
  /** The journal where the record of a study goes that is released; without one it is for whoever releases it. */
  readonly journal?: string | undefined
  /** Never told an original value. */
  readonly onDone: (facts: Readonly<Record<string, unknown>>, message: string) => void
  /** What a person should look at although it holds nothing up. Never told an original value. */
  readonly onWarning: (facts: Readonly<Record<string, unknown>>, message: string) => void
}

/** Whose study it becomes. */
export interface Target {
  readonly requestId: string
  readonly project: string
  readonly participant: string
  readonly event: string | undefined
}

/** From a record of a clinical study to what is said of its copy; everything is durable when it is said. */
export class StudyMaker {
  readonly #options: StudyMakerOptions
  readonly #review: Review
  readonly #pseudonyms = new Map<string, Pseudonyms>()
  readonly #outboxes = new Map<string, Outbox>()
  readonly #patients = new PatientsOfRun()

  constructor(options: StudyMakerOptions, review: Review) {
    this.#options = options
    this.#review = review
  }

  /** Who a study becomes: what the options or the request say, or what the project makes of its patient. */
  async targetOf(input: StudyRecord | RequestRecord, project: string): Promise<Target> {
    const naming = this.#options.namingOf(project)
    const pseudonyms = this.#pseudonymsOf(project)
    const { StudyInstanceUID } = input
    const named = async (): Promise<string> => {
      const patient = patientOf((await sourcesOf(input)).objects)
      const { crosswalk } = this.#options
      return nameParticipant(patient, StudyInstanceUID, project, naming, pseudonyms, crosswalk)
    }
    if (input.type === 'request') {
      const { requestId, event } = input
      const participant = naming.pseudonym === 'fromRequest' ? input.participant : await named()
      return { requestId, project, participant, event }
    }
    const { event } = this.#options
    const participant = this.#options.participant ?? (await named())
    const requestId = pseudonyms.requestId(StudyInstanceUID, participant, event ?? '')
    return { requestId, project, participant, event }
  }

  /**
   * @param record the input as it came, to be kept should the study be held
   * @throws FionaError E_PARTICIPANT, E_OUTBOX_WRITE
   */
  async make(
    input: StudyRecord | RequestRecord,
    record: AnyRecord,
    target: Target,
    waived = Waiver.nothing,
    outbox: Outbox = this.#outboxOf(target.project),
  ): Promise<DeidentifiedRecord | HeldRecord> {
    try {
      return await this.#make(input, record, target, waived, outbox)
    } catch (error) {
      throw writeError(error)
    }
  }

  async #make(
    input: StudyRecord | RequestRecord,
    record: AnyRecord,
    target: Target,
    waived: Waiver,
    outbox: Outbox,
  ): Promise<DeidentifiedRecord | HeldRecord> {
    const { requestId, project, participant, event } = target
    requireWritable('participant', participant)
    requireWritable('project', project)
    if (event !== undefined) requireWritable('event', event)
    const profile = this.#options.profileOf(project)
    const misfit = profile.rules.misfitOf(target)
    if (misfit !== undefined) throw unfitting(misfit)
    const sources = await sourcesOf(input)
    const { StudyInstanceUID } = input
    const pseudonyms = this.#pseudonymsOf(project)
    const patient = patientOf(sources.objects)
    const { crosswalk } = this.#options
    if (crosswalk === undefined) this.#warnOfAnotherPatient(target, patient)
    const becoming = { project, participant, patient, StudyInstanceUID, pseudonyms, profile }
    const objections = crosswalk === undefined ? [] : await objectionsTo(becoming, crosswalk)
    // Who is whom is not noted before a person has decided it.
    if (waived.covers(objections)) {
      await this.#link(target, StudyInstanceUID, patient, pseudonyms)
    }
    const facts = { requestId, project, participant, ...(event === undefined ? {} : { event }) }
    const { durable, onDone, howToDecide, partner, keyOf, journal } = this.#options
    const how = howToDecide(requestId)
    const exclude = input.type === 'request' ? (input.exclude ?? []) : []
    const start = performance.now()
    const outcome = await deidentifyStudy(
      {
        ...target,
        StudyInstanceUID,
        sources,
        profile,
        pseudonyms,
        outbox,
        durable,
        exclusion: eitherOf(this.#options.exclusionOf(project), exclusionOf(exclude)),
        objections,
        waived,
        ...(partner === undefined
          ? {}
          : { partner: { thread: partner, key: keyOf(project), exclude } }),
      },
      ({ reasons, details, masked }, staged) =>
        this.#review.hold(
          {
            ...facts,
            outbox: outbox.root,
            reasons,
            details,
            ...(masked.length > 0 ? { masked } : {}),
            how,
            ...(journal === undefined ? {} : { journal }),
            record,
          },
          staged,
        ),
    )
    const about = { request: requestId, project, seconds: (performance.now() - start) / 1000 }
    if ('reasons' in outcome) {
      const codes = outcome.reasons.map(({ code }) => code)
      onDone({ ...about, reasons: [...new Set(codes)] }, 'a study is held for a person to look at')
      const reasons = [...outcome.reasons]
      return {
        type: 'held',
        v: 1,
        time: nowIso(),
        ...facts,
        ...countsOf(outcome.account),
        reasons,
        how,
      }
    }
    onDone({ ...about, instances: outcome.instances }, 'a study is de-identified')
    return deidentifiedRecord(outcome, facts, input.revision, profile)
  }

  #warnOfAnotherPatient({ requestId, project, participant }: Target, patient: Patient): void {
    if (!this.#patients.isAnother(project, participant, patient)) return
    this.#options.onWarning(
      { request: requestId, project, code: 'participant-of-other-patient' },
      'studies of several patients become one participant: with --data-dir or --config there is a crosswalk, and such a study is held',
    )
  }

  /** The link is on stable storage before anything that needs it can be seen. */
  async #link(
    { project, participant }: Target,
    StudyInstanceUID: string,
    patient: Patient,
    pseudonyms: Pseudonyms,
  ): Promise<void> {
    const newStudyInstanceUID = pseudonyms.uid(StudyInstanceUID)
    await this.#options.crosswalk?.note([
      ...(patient.PatientID === '' ? [] : [participantLink(project, participant, patient)]),
      { kind: 'study', project, participant, StudyInstanceUID, newStudyInstanceUID },
    ])
  }

  #pseudonymsOf(project: string): Pseudonyms {
    const { keyOf, uidRoot, profileOf } = this.#options
    const uids = uidWayOf(profileOf(project))
    const name = JSON.stringify([project, uids])
    let pseudonyms = this.#pseudonyms.get(name)
    if (pseudonyms === undefined) {
      pseudonyms = new Pseudonyms(keyOf(project), project, uidRoot, uids)
      this.#pseudonyms.set(name, pseudonyms)
    }
    return pseudonyms
  }

  #outboxOf(project: string): Outbox {
    const { dataDir, out, durable } = this.#options
    const root = out ?? join(dataDir, projectFolder(project), 'outbox')
    let outbox = this.#outboxes.get(root)
    if (outbox === undefined) {
      outbox = new Outbox(root, { durable })
      this.#outboxes.set(root, outbox)
    }
    return outbox
  }
}

function deidentifiedRecord(
  {
    StudyInstanceUID,
    path,
    series,
    instances,
    bytes,
    removed,
    account,
    terms,
    pixels,
    masks,
    waived,
  }: Published,
  facts: Omit<Target, 'event'> & { readonly event?: string },
  revision: number,
  profile: Profile,
): DeidentifiedRecord {
  return {
    type: 'deidentified',
    v: 1,
    time: nowIso(),
    ...facts,
    revision,
    StudyInstanceUID,
    path,
    series: [...series],
    instances,
    bytes,
    profile: profile.name,
    profileDigest: profile.digest,
    removed: { ...removed },
    ...countsOf(account),
    ...(account.earlier > 0 ? { earlier: account.earlier } : {}),
    verified: { objects: account.searched, terms },
    ...pixelsOf(pixels, masks),
    ...(waived.length > 0 ? { waived: [...waived] } : {}),
  }
}

/** Nothing where nothing was done with pixels. */
function pixelsOf(
  { defaced, ...others }: Published['pixels'],
  { masks, unlisted }: Published['masks'],
) {
  if (others.masked + others.searched + defaced === 0) return {}
  return {
    pixels: {
      ...others,
      ...(defaced > 0 ? { defaced } : {}),
      ...(masks.length > 0 ? { masks: masks.map(maskOf) } : {}),
      ...(unlisted > 0 ? { unlisted } : {}),
    },
  }
}

function maskOf({ regions, ...others }: Published['masks']['masks'][number]) {
  return { ...others, regions: regions.map(([x, y, width, height]) => [x, y, width, height]) }
}

/** Where every object is: what came in is what goes out, and what is said here. */
function countsOf({ received, duplicates, excluded, missing }: Account) {
  return {
    received,
    ...(duplicates > 0 ? { duplicates } : {}),
    ...(Object.keys(excluded).length > 0 ? { excluded: { ...excluded } } : {}),
    ...(missing > 0 ? { missing } : {}),
  }
}

/** What becomes PatientID and a folder: text that every character set has, of the length LO allows. */
function requireWritable(what: string, value: string): void {
  if (/^[\x20-\x5b\x5d-\x7e]{1,64}$/.test(value) && value.trim() !== '') return
  throw new FionaError('E_PARTICIPANT', `the ${what} cannot be written into DICOM objects`, {
    hint: 'use 1 to 64 printable ASCII characters without a backslash',
    exitCode: ExitCode.badInput,
  })
}

/** @param misfit which attribute cannot hold it; nothing of the patient */
function unfitting(misfit: string): FionaError {
  return new FionaError('E_PARTICIPANT', `what the request says cannot be written: ${misfit}`, {
    hint: 'give a shorter participant or event, or let the profile write it elsewhere; then replay the record',
    exitCode: ExitCode.badInput,
  })
}
