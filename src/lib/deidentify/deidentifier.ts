import { join } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import {
  type AnyRecord,
  type DeidentifiedRecord,
  type FionaRecord,
  type HeldRecord,
  type RequestRecord,
  type StudyRecord,
  errorRecord,
  nowIso,
  parseRecord,
} from '../record/index.ts'
import { safeComponent } from '../storage/index.ts'
import { profileDigest } from './basic-profile.ts'
import type { Crosswalk } from './crosswalk.ts'
import { type Published, deidentifyStudy } from './deidentify-study.ts'
import type { Exclusion } from './exclusions.ts'
import { LooseInstances } from './loose-instances.ts'
import { Outbox } from './outbox.ts'
import { type Patient, patientOf } from './patient.ts'
import { Pseudonyms } from './pseudonyms.ts'
import { isReleasable, type ReasonCode } from './reasons.ts'
import { type HeldStudy, Review } from './review.ts'
import { sourcesOf } from './source-objects.ts'
import { writeError } from './write-object.ts'

export interface DeidentifierOptions {
  readonly key: Buffer
  readonly uidRoot: string
  /** For review folders, and outboxes where `out` is not given. */
  readonly dataDir: string
  readonly out?: string | undefined
  readonly crosswalk?: Crosswalk | undefined
  /** For study and instance records; a request says it itself. */
  readonly project?: string | undefined
  readonly participant?: string | undefined
  readonly event?: string | undefined
  /** Between two journals: nothing passes that was not made here. */
  readonly inStage: boolean
  /** Studies go where requests say, and nowhere without one. */
  readonly onlyRequests: boolean
  readonly durable: boolean
  /** What the project demands; there is one profile: basic. */
  readonly profileOf: (project: string) => string
  readonly exclusionOf: (project: string) => Exclusion
  /** The command by which a person releases or drops what is held. */
  readonly howToDecide: (requestId: string) => string
  /** Never told an original value. */
  readonly onDone: (facts: Readonly<Record<string, unknown>>, message: string) => void
}

/** Whose study it becomes. */
interface Target {
  readonly requestId: string
  readonly project: string
  readonly participant: string
  readonly event: string | undefined
}

const clinical = new Set(['instance', 'series', 'study', 'request', 'mpps'])
/** What a stage takes out of the stream again, on the clinical side. */
const diverted = new Set(['error', 'held'])

/**
 * The boundary as a filter. Records of the clinic are consumed, never passed on; what comes out was
 * made here. Every result is on stable storage before its record is said, so a mark needs nothing more.
 */
export class Deidentifier {
  readonly handles: 'all' | readonly string[]
  readonly discreet = true
  /** There are error records among those of `end`. */
  hasFailedAtEnd = false
  readonly #options: DeidentifierOptions
  readonly #review: Review
  readonly #loose = new LooseInstances()
  readonly #pseudonyms = new Map<string, Pseudonyms>()
  readonly #outboxes = new Map<string, Outbox>()

  constructor(options: DeidentifierOptions) {
    this.#options = options
    this.#review = new Review(options.dataDir)
    this.handles = options.inStage ? 'all' : [...clinical]
  }

  async record(record: AnyRecord): Promise<AnyRecord | FionaRecord | undefined> {
    const { inStage, onlyRequests } = this.#options
    if (!clinical.has(record.type)) {
      if (!inStage || diverted.has(record.type)) return record
      throw new FionaError(
        'E_PRIVACY_BOUNDARY',
        'a record of this type may not pass into the outbox',
        {
          hint: 'only what fiona-anon itself made crosses the privacy boundary',
          exitCode: ExitCode.notAllowed,
        },
      )
    }
    if (record.type === 'series' || record.type === 'mpps') return undefined
    // In a stage the study record follows; with requests configured so does the request.
    if (record.type === 'instance' && (inStage || onlyRequests)) return undefined
    if (record.type === 'study' && onlyRequests) return undefined
    const valid = parseRecord(record)
    if (valid.type === 'instance') this.#loose.add(valid)
    if (valid.type !== 'study' && valid.type !== 'request') return undefined
    this.#loose.forget(valid.StudyInstanceUID)
    return this.#guarded(() => this.#deidentify(valid, record))
  }

  /** By hand: instances of studies that no record spoke of, one study each. */
  async end(): Promise<(AnyRecord | FionaRecord)[]> {
    const results: (AnyRecord | FionaRecord)[] = []
    for (const study of this.#loose.studies()) {
      try {
        results.push(await this.#guarded(() => this.#deidentify(study, study as AnyRecord)))
      } catch (error) {
        this.hasFailedAtEnd = true
        results.push(errorRecord('fiona-anon', error, study))
      }
    }
    return results
  }

  /**
   * Makes a held study again, letting pass what a person has looked at.
   * @param anyway let pass also what is known of the patient and was found in the outputs
   * @param publish gets the record; the study counts as released when it resolves
   * @throws FionaError E_NOT_HELD, E_NOT_RELEASABLE
   */
  async release(
    requestId: string,
    anyway: boolean,
    publish: (record: AnyRecord | FionaRecord) => Promise<void>,
  ): Promise<void> {
    const study = await this.#review.find(requestId, this.#options.project)
    const codes = study.reasons.map(({ code }) => code)
    if (codes.includes('identity-found') && !anyway) {
      throw new FionaError(
        'E_NOT_RELEASABLE',
        'values that are known of the patient were found in this study',
        {
          hint: 'held.json says where; correct the objects, drop it with --drop, or let them go out with --release-anyway',
          exitCode: ExitCode.notAllowed,
        },
      )
    }
    const waived = new Set<ReasonCode>(codes.filter((code) => isReleasable(code)))
    if (anyway) waived.add('identity-found')
    const input = parseRecord(study.record) as StudyRecord | RequestRecord
    const { project, participant, event } = study
    const target: Target = { requestId, project, participant, event }
    const result = await this.#guarded(() =>
      this.#make(input, study.record, target, waived, new Outbox(study.outbox)),
    )
    await publish(result)
    if (result.type === 'deidentified') {
      await this.#review.decide(study, 'released', { waived: [...waived], anyway })
    }
  }

  /** Removes what was made; the decision stays. */
  async drop(requestId: string): Promise<HeldStudy> {
    const study = await this.#review.find(requestId, this.#options.project)
    await this.#review.decide(study, 'dropped', {})
    return study
  }

  async #deidentify(
    input: StudyRecord | RequestRecord,
    record: AnyRecord,
  ): Promise<DeidentifiedRecord | HeldRecord> {
    const project =
      (input.type === 'request' ? input.project : (this.#options.project ?? input.project)) ??
      'default'
    if (this.#options.profileOf(project) !== 'basic') throw unknownProfile()
    const outbox = this.#outboxOf(project)
    const target = await this.#targetOf(input, project)
    const result = await this.#make(input, record, target, new Set(), outbox)
    if (result.type === 'deidentified') {
      await this.#review.supersede(project, target.requestId, input.revision)
    }
    return result
  }

  async #targetOf(input: StudyRecord | RequestRecord, project: string): Promise<Target> {
    if (input.type === 'request') {
      const { requestId, participant, event } = input
      return { requestId, project, participant, event }
    }
    const { event } = this.#options
    const pseudonyms = this.#pseudonymsOf(project)
    const participant =
      this.#options.participant ??
      pseudonymOf(patientOf((await sourcesOf(input)).objects), input, pseudonyms)
    const requestId = pseudonyms.requestId(input.StudyInstanceUID, participant, event ?? '')
    return { requestId, project, participant, event }
  }

  async #make(
    input: StudyRecord | RequestRecord,
    record: AnyRecord,
    target: Target,
    waived: ReadonlySet<ReasonCode>,
    outbox: Outbox,
  ): Promise<DeidentifiedRecord | HeldRecord> {
    const { requestId, project, participant, event } = target
    requireWritable('participant', participant)
    requireWritable('project', project)
    if (event !== undefined) requireWritable('event', event)
    const sources = await sourcesOf(input)
    const { StudyInstanceUID } = input
    const pseudonyms = this.#pseudonymsOf(project)
    await this.#link(target, StudyInstanceUID, patientOf(sources.objects), pseudonyms)
    const facts = { requestId, project, participant, ...(event === undefined ? {} : { event }) }
    const { durable, onDone, howToDecide } = this.#options
    const start = performance.now()
    const outcome = await deidentifyStudy(
      {
        ...target,
        StudyInstanceUID,
        sources,
        pseudonyms,
        outbox,
        durable,
        exclusion: this.#options.exclusionOf(project),
        waived,
      },
      ({ reasons, details }, staged) =>
        this.#review.hold({ ...facts, outbox: outbox.root, reasons, details, record }, staged),
    )
    const about = { request: requestId, project, seconds: (performance.now() - start) / 1000 }
    if ('reasons' in outcome) {
      const codes = outcome.reasons.map(({ code }) => code)
      onDone({ ...about, reasons: [...new Set(codes)] }, 'a study is held for a person to look at')
      const how = howToDecide(requestId)
      return { type: 'held', v: 1, time: nowIso(), ...facts, reasons: [...outcome.reasons], how }
    }
    onDone({ ...about, instances: outcome.instances }, 'a study is de-identified')
    return deidentifiedRecord(outcome, facts, input.revision)
  }

  /** The link is on stable storage before anything that needs it can be seen. */
  async #link(
    { project, participant }: Target,
    StudyInstanceUID: string,
    { PatientID, IssuerOfPatientID }: Patient,
    pseudonyms: Pseudonyms,
  ): Promise<void> {
    const issuer = IssuerOfPatientID === '' ? {} : { IssuerOfPatientID }
    const newStudyInstanceUID = pseudonyms.uid(StudyInstanceUID)
    await this.#options.crosswalk?.note([
      ...(PatientID === ''
        ? []
        : [{ kind: 'participant' as const, project, participant, PatientID, ...issuer }]),
      { kind: 'study', project, participant, StudyInstanceUID, newStudyInstanceUID },
    ])
  }

  #pseudonymsOf(project: string): Pseudonyms {
    let pseudonyms = this.#pseudonyms.get(project)
    if (pseudonyms === undefined) {
      pseudonyms = new Pseudonyms(this.#options.key, project, this.#options.uidRoot)
      this.#pseudonyms.set(project, pseudonyms)
    }
    return pseudonyms
  }

  #outboxOf(project: string): Outbox {
    const { dataDir, out, durable } = this.#options
    const root = out ?? join(dataDir, safeComponent(project), 'outbox')
    let outbox = this.#outboxes.get(root)
    if (outbox === undefined) {
      outbox = new Outbox(root, { durable })
      this.#outboxes.set(root, outbox)
    }
    return outbox
  }

  async #guarded<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work()
    } catch (error) {
      throw writeError(error)
    }
  }
}

/** Of the patient where there is one, else of the study: two studies of nobody are two participants. */
function pseudonymOf(
  { PatientID, IssuerOfPatientID }: Patient,
  { StudyInstanceUID }: StudyRecord,
  pseudonyms: Pseudonyms,
): string {
  return PatientID === ''
    ? pseudonyms.participant('study', StudyInstanceUID)
    : pseudonyms.participant('patient', PatientID, IssuerOfPatientID)
}

function deidentifiedRecord(
  { StudyInstanceUID, path, series, instances, bytes, removed, excluded, waived }: Published,
  facts: Omit<Target, 'event'> & { readonly event?: string },
  revision: number,
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
    profile: 'basic',
    profileDigest: profileDigest(),
    removed: { ...removed },
    ...(Object.keys(excluded).length > 0 ? { excluded: { ...excluded } } : {}),
    ...(waived.length > 0 ? { waived: [...waived] } : {}),
  }
}

/** Whoever asks for other rules must not get these without noticing. */
export function unknownProfile(): FionaError {
  return new FionaError(
    'E_PROFILE',
    'the only profile is basic; profile files cannot be used yet, and nothing was de-identified',
    {
      hint: 'leave out --profile and deidentify.profile of the project, or set it to basic',
      exitCode: ExitCode.badConfig,
    },
  )
}

/** What becomes PatientID and a folder: text that every character set has, of the length LO allows. */
function requireWritable(what: string, value: string): void {
  if (/^[\x20-\x5b\x5d-\x7e]{1,64}$/.test(value) && value.trim() !== '') return
  throw new FionaError('E_PARTICIPANT', `the ${what} cannot be written into DICOM objects`, {
    hint: 'use 1 to 64 printable ASCII characters without a backslash',
    exitCode: ExitCode.badInput,
  })
}
