import { ExitCode, FionaError } from '../../error/index.ts'
import {
  type AnyRecord,
  type FionaRecord,
  type HeldRecord,
  type RequestRecord,
  type StudyRecord,
  errorRecord,
  parseRecord,
} from '../../record/index.ts'
import { LooseInstances } from './loose-instances.ts'
import { Outbox } from './outbox.ts'
import { isReleasable, isReleasableAnyway, type ReasonCode } from '../reasons.ts'
import type { HeldStudy } from '../review/held-study.ts'
import { type Decision, Review } from '../review/review.ts'
import { decideAlone } from '../review/one-decision.ts'
import { isReleasableReturned, notReleasableReturned } from '../returned/held-returned.ts'
import { ReturnedStudies } from '../returned/returned-studies.ts'
import { Waiver } from '../review/waiver.ts'
import { StudyMaker, type StudyMakerOptions, type Target } from './study-maker.ts'

export interface DeidentifierOptions extends StudyMakerOptions {
  /** For study and instance records; a request says it itself. */
  readonly project?: string | undefined
  /** Between two journals: nothing passes that was not made here. */
  readonly inStage: boolean
  /** Told to stop: what is collected is not begun any more. */
  readonly signal?: AbortSignal
  /** Studies go where requests say, and nowhere without one. */
  readonly onlyRequests: boolean
}

type Publish = (record: AnyRecord | FionaRecord, journal: string | undefined) => Promise<void>

const neverNeeded = new Set(['series', 'mpps', 'release', 'association'])
const clinical = new Set(['instance', 'study', 'request', ...neverNeeded])
/** What a stage takes out of the stream again, on the clinical side. */
const diverted = new Set(['error', 'held'])

/**
 * What fiona-request holds says of which study of the clinic it is, and what a source wanted to call it. Whoever pipes it through
 * by hand is on the side of research behind us: there it is a number and a reason.
 */
function withoutTheClinic(record: AnyRecord): AnyRecord {
  const { StudyInstanceUID, ...others } = record
  if (StudyInstanceUID === undefined) return record
  const held = parseRecord(record) as HeldRecord
  const reasons = held.reasons.map(({ code, count }) => ({
    code,
    where: 'before de-identification',
    count,
  }))
  return { ...others, reasons }
}

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
  readonly #maker: StudyMaker
  readonly #loose = new LooseInstances()
  /** Without a crosswalk nobody knows what was made here. */
  readonly #returned: ReturnedStudies | undefined

  constructor(options: DeidentifierOptions) {
    this.#options = options
    this.#review = new Review(options.dataDir)
    this.#maker = new StudyMaker(options, this.#review)
    const { crosswalk } = options
    this.#returned = crosswalk && new ReturnedStudies({ ...options, crosswalk }, this.#review)
    this.handles = options.inStage ? 'all' : [...clinical, 'held']
  }

  async record(record: AnyRecord): Promise<AnyRecord | FionaRecord | undefined> {
    const { inStage, onlyRequests } = this.#options
    if (!clinical.has(record.type)) {
      if (inStage && diverted.has(record.type)) return record
      if (!inStage) return record.type === 'held' ? withoutTheClinic(record) : record
      throw new FionaError(
        'E_PRIVACY_BOUNDARY',
        'a record of this type may not pass into the outbox',
        {
          hint: 'only what fiona-anon itself made crosses the privacy boundary',
          exitCode: ExitCode.notAllowed,
        },
      )
    }
    if (neverNeeded.has(record.type)) return undefined
    // In a stage the study record follows; with requests configured so does the request.
    if (record.type === 'instance' && (inStage || onlyRequests)) return undefined
    if (record.type === 'study' && onlyRequests) return undefined
    const valid = parseRecord(record)
    if (valid.type === 'instance') this.#loose.add(valid)
    if (valid.type !== 'study' && valid.type !== 'request') return undefined
    this.#loose.forget(valid.StudyInstanceUID)
    return this.#deidentify(valid, record)
  }

  /** By hand: instances of studies that no record spoke of, one study each. */
  async end(): Promise<(AnyRecord | FionaRecord)[]> {
    const results: (AnyRecord | FionaRecord)[] = []
    for (const study of [...this.#loose.studies()]) {
      if (this.#options.signal?.aborted === true) break
      this.#loose.forget(study.StudyInstanceUID)
      try {
        const made = await this.#deidentify(study, study)
        if (made !== undefined) results.push(made)
      } catch (error) {
        this.hasFailedAtEnd = true
        results.push(errorRecord('fiona-anon', error, study))
      }
    }
    return results
  }

  /**
   * Told to stop before the end of the input, or while its last studies were made: an error record for
   * each study that was collected and not begun. What is collected is nowhere on disk.
   */
  leftUndone(): FionaRecord[] {
    return [...this.#loose.studies()].map((study) => errorRecord('fiona-anon', stopped(), study))
  }

  /**
   * Makes a held study again, letting pass what a person has looked at, and nothing that has come since.
   * @param anyway let pass also what no viewer shows: values known of the patient, bytes beside the pixels
   * @param decision who decides, and why; it stays with the released study on the clinical side
   * @param publish gets the record, and the journal behind the stage that held it; the study counts as released when
   *   it resolves
   * @throws FionaError E_NOT_HELD, E_NOT_RELEASABLE, E_LEASE_HELD when somebody else decides just now
   */
  async release(
    requestId: string,
    anyway: boolean,
    publish: Publish,
    decision: Decision = {},
  ): Promise<void> {
    const { project } = this.#options
    await decideAlone(this.#review, { requestId, project }, (study) =>
      study.returned === true
        ? this.#releaseReturned(study, publish, decision)
        : this.#releaseMade(study, anyway, publish, decision),
    )
  }

  async #releaseMade(
    study: HeldStudy,
    anyway: boolean,
    publish: Publish,
    decision: Decision,
  ): Promise<void> {
    const mayPass = (code: ReasonCode) => isReleasable(code) || (anyway && isReleasableAnyway(code))
    const waived = study.reasons.filter(({ code }) => mayPass(code))
    const input = parseRecord(study.record) as StudyRecord | RequestRecord
    const { requestId, project, participant, event } = study
    const target: Target = { requestId, project, participant, event }
    const outbox = new Outbox(study.outbox)
    const result = await this.#maker.make(input, study.record, target, new Waiver(waived), outbox)
    const isRefused = ({ code }: { readonly code: string }) =>
      isReleasableAnyway(code as ReasonCode) && !mayPass(code as ReasonCode)
    if (result.type === 'held' && result.reasons.some((reason) => isRefused(reason))) {
      throw notReleasable()
    }
    await publish(result, study.journal)
    if (result.type === 'deidentified') {
      const codes = [...new Set(waived.map(({ code }) => code))]
      await this.#review.decide(study, 'released', { ...decision, waived: codes, anyway })
    }
  }

  /** What came back is looked at anew, as it lies in the archive now. */
  async #releaseReturned(study: HeldStudy, publish: Publish, decision: Decision): Promise<void> {
    const waived = study.reasons.filter(({ code }) => isReleasableReturned(code))
    const input = parseRecord(study.record) as StudyRecord | RequestRecord
    const result = await this.#returned?.take(input, study.record, new Waiver(waived))
    const record = result?.record
    if (record?.type !== 'deidentified') {
      const left = (record?.reasons ?? study.reasons).filter(
        ({ code }) => !isReleasableReturned(code as ReasonCode),
      )
      throw notReleasableReturned([...new Set(left.map(({ code }) => code))])
    }
    await publish(record, study.journal)
    const codes = [...new Set(waived.map(({ code }) => code))]
    await this.#review.decide(study, 'released', { ...decision, waived: codes, anyway: false })
  }

  /** Removes what was made; the decision stays. */
  async drop(requestId: string, decision: Decision = {}): Promise<HeldStudy> {
    const { project } = this.#options
    return decideAlone(this.#review, { requestId, project }, async (study) => {
      await this.#review.decide(study, 'dropped', { ...decision })
      return study
    })
  }

  /** @returns undefined when nothing is to be said: all of it is what we sent ourselves */
  async #deidentify(
    input: StudyRecord | RequestRecord,
    record: AnyRecord,
  ): Promise<AnyRecord | FionaRecord | undefined> {
    const returned = await this.#returned?.take(input, record)
    if (returned !== undefined) return returned.record
    const project =
      (input.type === 'request' ? input.project : (this.#options.project ?? input.project)) ??
      'default'
    const target = await this.#maker.targetOf(input, project)
    const result = await this.#maker.make(input, record, target)
    if (result.type === 'deidentified') {
      await this.#review.supersede(project, target.requestId, input.revision)
    }
    return result
  }
}

function stopped(): FionaError {
  return new FionaError(
    'E_STOPPED',
    'stopped before the loose instances of a study were de-identified',
    {
      hint: 'replay the record, which names them all that had come, or start again',
      exitCode: ExitCode.tryAgain,
      retryable: true,
    },
  )
}

function notReleasable(): FionaError {
  return new FionaError(
    'E_NOT_RELEASABLE',
    'values known of the patient, bytes that no viewer shows, damaged pixels, pixels that were to be masked, or faces that were to be removed are in what would go out',
    {
      hint: 'held.json says where: correct the objects, drop the study with --drop, or add --release-anyway',
      exitCode: ExitCode.notAllowed,
    },
  )
}
