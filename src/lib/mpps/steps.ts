import type { Logger } from 'pino'
import { Status } from '../dimse/index.ts'
import { FionaError } from '../error/index.ts'
import {
  type FreeSpace,
  type ObjectSource,
  type RecordSink,
  asStorageError,
} from '../intake/index.ts'
import { type Uid, isUid, newUid } from '../uid/index.ts'
import { Attribute } from './attributes.ts'
import { InTurn } from './in-turn.ts'
import { type JsonDataSet, textOf } from './json-data-set.ts'
import { recordOf } from './mpps-record.ts'
import { type Refusal, create, isRepetition, set, statusOf } from './step-rules.ts'
import type { StepStore } from './step-store.ts'
import type { Step } from './step.ts'

export interface StepsOptions {
  readonly store: StepStore
  readonly sink: RecordSink
  /** Below the reserve no step begins; one that began may still end. */
  readonly freeSpace: FreeSpace
  readonly log: Logger
  /** The records' reader has gone: nothing can be answered with success any more. */
  readonly onSinkLost: (error: unknown) => void
  /** Wall clock, ms since 1970. */
  readonly now?: () => number
}

export interface StepRequest {
  /** SOP Instance UID as the command has it; may be empty, or anything. */
  readonly instance: string
  readonly dataSet: JsonDataSet
  readonly source: ObjectSource & { readonly association: string }
}

export type Done = { readonly MPPSInstanceUID: Uid } | Refusal

/**
 * What becomes of steps. A change is said as a record first, which then is durable; next the step's file
 * says so; then the modality hears of success. Killed in between, the modality has no answer and asks
 * again; that finds the step as it was, or already as it is wanted, and succeeds either way. So the
 * journal may hold a change twice, and never lacks one.
 */
export class Steps {
  readonly #options: StepsOptions
  /** One request at a time for each step. */
  readonly #inTurn = new InTurn()
  #isSinkLost = false

  constructor(options: StepsOptions) {
    this.#options = options
  }

  /** N-CREATE. A request that names no SOP instance gets one (PS3.7 10.1.5.1.4). */
  create(request: StepRequest): Promise<Done> {
    return this.#settle(request, newUid(), async (MPPSInstanceUID, asked) => {
      const { store, freeSpace } = this.#options
      const known = await store.read(MPPSInstanceUID)
      if (known !== undefined) {
        const isAgain = !known.heard && isRepetition(known.dataSet, asked)
        return isAgain ? this.#change(known, request, known.dataSet) : duplicate
      }
      const ruling = create(asked)
      if ('refused' in ruling) return ruling
      const shortage = freeSpace.shortage()
      if (shortage !== undefined) throw shortage
      const time = this.#time()
      const step: Step = {
        MPPSInstanceUID,
        created: time,
        changed: time,
        source: request.source,
        heard: false,
        dataSet: ruling.dataSet,
      }
      const file = store.encode(step)
      await this.#say(step)
      return (await store.create(file)) ? { MPPSInstanceUID } : duplicate
    })
  }

  /** N-SET. */
  set(request: StepRequest): Promise<Done> {
    return this.#settle(request, undefined, async (MPPSInstanceUID, asked) => {
      const known = await this.#options.store.read(MPPSInstanceUID)
      if (known === undefined) return unknownInstance
      const isOver = statusOf(known.dataSet) !== 'IN PROGRESS'
      if (isOver && !known.heard && isRepetition(known.dataSet, asked)) {
        return this.#change(known, request, known.dataSet)
      }
      const ruling = set(known.dataSet, asked)
      return 'refused' in ruling ? ruling : this.#change(known, request, ruling.dataSet)
    })
  }

  /**
   * The modality has heard that a change which came on this association was taken: the same once more is
   * a mistake from now on.
   */
  heard(MPPSInstanceUID: Uid, association: string): void {
    const noting = this.#inTurn.take(MPPSInstanceUID, () =>
      this.#noteHeard(MPPSInstanceUID, association),
    )
    noting.catch((error: unknown) => {
      // All that comes of it is that a repetition would be answered as the first was.
      this.#options.log.warn({ err: error, mpps: MPPSInstanceUID }, 'a step cannot be rewritten')
    })
  }

  /** What is under way has ended when it resolves. */
  async close(): Promise<void> {
    await this.#inTurn.idle()
  }

  /** In turn with the other requests for the step. Trouble becomes a refusal. */
  async #settle(
    request: StepRequest,
    unnamed: Uid | undefined,
    work: (MPPSInstanceUID: Uid, asked: JsonDataSet) => Promise<Done>,
  ): Promise<Done> {
    const named = instanceOf(request, unnamed)
    if (typeof named !== 'string') return named
    if (this.#isSinkLost) return notRecorded
    try {
      const asked = withoutIdentity(request.dataSet)
      return await this.#inTurn.take(named, () => work(named, asked))
    } catch (error) {
      return this.#troubleOf(error, named)
    }
  }

  async #change(known: Step, request: StepRequest, dataSet: JsonDataSet): Promise<Done> {
    const { MPPSInstanceUID, created } = known
    const step: Step = {
      MPPSInstanceUID,
      created,
      changed: this.#time(),
      source: request.source,
      heard: false,
      dataSet,
    }
    const { store } = this.#options
    const file = store.encode(step)
    await this.#say(step)
    await store.replace(file)
    return { MPPSInstanceUID }
  }

  async #say(step: Step): Promise<void> {
    const { sink, log, onSinkLost } = this.#options
    const record = recordOf(step)
    try {
      await sink.put(record)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPIPE' && !this.#isSinkLost) {
        this.#isSinkLost = true
        onSinkLost(error)
      }
      throw new FionaError('E_RECORD_WRITE', 'the record cannot be written', {
        hint: 'check the journal and its disk, or the reader of stdout; the modality tries again',
        retryable: true,
        cause: error,
      })
    }
    const { MPPSInstanceUID, status, StudyInstanceUID, series = [] } = record
    const objects = series.reduce((sum, { instances }) => sum + instances.length, 0)
    log.info(
      {
        association: step.source.association,
        mpps: MPPSInstanceUID,
        study: StudyInstanceUID,
        series: series.length,
        objects,
      },
      `step ${status}`,
    )
  }

  async #noteHeard(MPPSInstanceUID: Uid, association: string): Promise<void> {
    const { store } = this.#options
    const step = await store.read(MPPSInstanceUID)
    // Somebody else may have changed it since, and not have heard.
    if (step === undefined || step.heard || step.source.association !== association) return
    await store.replace(store.encode({ ...step, heard: true }), { durable: false })
  }

  #troubleOf(error: unknown, MPPSInstanceUID: Uid): Refusal {
    const { log } = this.#options
    const known = asStorageError(error)
    if (!(known instanceof FionaError)) {
      log.error({ err: error, mpps: MPPSInstanceUID }, 'internal error while changing a step')
      return { refused: Status.processingFailure, comment: 'internal error, see the log' }
    }
    const { code, message } = known
    // Of the cause its code alone: a parser's message repeats what it read.
    const { code: errno } = (known.cause ?? {}) as NodeJS.ErrnoException
    log.error({ code, errno, mpps: MPPSInstanceUID }, message)
    if (code === 'E_STATE_FORMAT') {
      return { refused: Status.processingFailure, comment: 'what is kept of the step is damaged' }
    }
    if (code === 'E_RECORD_WRITE') return notRecorded
    return { refused: Status.resourceLimitation, comment: 'the step cannot be kept now' }
  }

  #time(): string {
    return new Date((this.#options.now ?? Date.now)()).toISOString()
  }
}

const duplicate: Refusal = {
  refused: Status.duplicateSOPInstance,
  comment: 'this step was created before',
}
const unknownInstance: Refusal = {
  refused: Status.noSuchObjectInstance,
  comment: 'no step of this UID was created here',
}
const notRecorded: Refusal = {
  refused: Status.resourceLimitation,
  comment: 'the record cannot be written',
}

/** The step a request is about: the command names it, or at least the data set does. */
function instanceOf({ instance, dataSet }: StepRequest, unnamed: Uid | undefined): Uid | Refusal {
  const inDataSet = textOf(dataSet, Attribute.SOPInstanceUID)
  const named = instance === '' ? (inDataSet ?? unnamed ?? '') : instance
  const isOne = inDataSet === undefined || inDataSet === named
  if (isUid(named) && isOne) return named
  return {
    refused: Status.invalidObjectInstance,
    comment: isOne ? 'the SOP Instance UID is no UID' : 'command and data set name different steps',
  }
}

/** Which step it is, its file's name says. */
function withoutIdentity(dataSet: JsonDataSet): JsonDataSet {
  const { SOPClassUID, SOPInstanceUID } = Attribute
  return Object.fromEntries(
    Object.entries(dataSet).filter(([key]) => key !== SOPClassUID && key !== SOPInstanceUID),
  )
}
