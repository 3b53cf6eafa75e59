import type { Logger } from 'pino'
import {
  MultipartFiles,
  type StoreAnswers,
  WebClient,
  readStoreAnswer,
  statusTrouble,
} from '../../../dicomweb/index.ts'
import { formatStatus } from '../../../dimse/index.ts'
import { FionaError } from '../../../error/index.ts'
import { faultPoint } from '../../../fault/index.ts'
import type { Cargo, Carrier, Waybill } from '../../carrier.ts'
import type { Destination, WebTarget } from '../../destination.ts'
import type { StudyObject } from '../../list-objects.ts'
import type { Throttle } from '../../throttle.ts'
import { type BatchLimits, Batches } from './batches.ts'
import { refused } from '../refused.ts'
import { notNamed, notTold, refusedAlone } from './stow-trouble.ts'

/** What is said of one object, with room for services that say much. */
const mostAnswerBytesPerObject = 8 << 10
const mostAnswerBytesBesides = 1 << 20
/** Framing and file bytes that are written at once. */
const blockBytes = 256 << 10
/** The request was understood and its contents were not: one object may be to blame. */
const contentsRefused = new Set([400, 409, 413, 415, 422])
/** The service may have died of what it was sent, unless it says when it will be well again. */
function mayBeOfContents({ code, retryable, retryAfterSeconds }: FionaError): boolean {
  if (!retryable || retryAfterSeconds !== undefined) return false
  return code === 'E_WEB_LOST' || code === 'E_TIMEOUT' || code === 'E_WEB_STATUS'
}

/** What became of a request. */
type Result =
  | { readonly answers: StoreAnswers; readonly body: MultipartFiles<StudyObject> }
  /** Nothing was taken, and it is not said of which object that is the fault. */
  | { readonly status: number }
  /** This one's file broke off, and the request with it. */
  | { readonly unreadable: StudyObject; readonly why: FionaError }

/**
 * Sends objects with STOW-RS (PS3.18 10.5): many in one request, straight from their files, over as many
 * connections at once as the destination's concurrency says. An object counts as delivered only when the
 * answer names it as stored: what answers with 200 may be a proxy that knows nothing of objects.
 */
export class StowCarrier implements Carrier {
  readonly #client: WebClient
  readonly #connections: number
  readonly #throttle: Throttle
  readonly #log: Logger
  /** By path: how many may go together with what was in a request that broke. */
  readonly #together = new Map<string, number>()
  #limits: BatchLimits
  #accept: 'application/dicom+json' | 'application/dicom+xml' = 'application/dicom+json'

  constructor(destination: Destination, target: WebTarget, throttle: Throttle, log: Logger) {
    const { concurrency, timeoutSeconds } = destination
    this.#client = new WebClient({ ...target, timeoutSeconds, connections: concurrency })
    this.#connections = concurrency
    this.#throttle = throttle
    this.#limits = target.batch
    this.#log = log
  }

  async carry(objects: Cargo, waybill: Waybill): Promise<void> {
    const together = ({ path }: StudyObject): number => this.#together.get(path) ?? Infinity
    const batches = new Batches(objects, this.#limits, together)
    const count = Math.min(this.#connections, objects.length)
    const ends = await Promise.allSettled(
      Array.from({ length: count }, () => this.#work(batches, waybill)),
    )
    this.#limits = batches.limits
    for (const end of ends) if (end.status === 'rejected') throw end.reason
  }

  async rest(): Promise<void> {
    this.#client.close()
  }

  /** One connection: a request after the other until there are no more. */
  async #work(batches: Batches<StudyObject>, waybill: Waybill): Promise<void> {
    const block = Buffer.allocUnsafeSlow(Math.min(blockBytes, this.#throttle.pieceBytes))
    try {
      for (let batch = batches.next(); batch !== undefined; batch = batches.next()) {
        if (waybill.stopping.aborted) return
        await this.#send(batch, batches, block, waybill)
      }
    } catch (error) {
      // The way is broken: nobody takes another.
      batches.clear()
      throw error
    }
  }

  async #send(
    batch: readonly StudyObject[],
    batches: Batches<StudyObject>,
    block: Buffer,
    waybill: Waybill,
  ): Promise<void> {
    const { peer } = this.#client
    const result = await this.#post(batch, block, waybill).catch((error: unknown) => {
      if (error instanceof FionaError && mayBeOfContents(error)) this.#suspect(batch, waybill)
      throw error
    })
    if ('unreadable' in result) {
      waybill.failed(result.unreadable, result.why)
      batches.again(batch.filter((object) => object !== result.unreadable))
    } else if ('status' in result) {
      const { status } = result
      if (batches.split(batch, status === 413 ? 'too large' : 'one is bad')) return
      for (const object of batch) waybill.failed(object, refusedAlone(peer, status))
    } else {
      const { answers, body } = result
      for (const object of batch) this.#settle(object, answers, body.sha256Of(object), waybill)
    }
  }

  /** @throws FionaError when the service does not work for us at all */
  async #post(batch: readonly StudyObject[], block: Buffer, waybill: Waybill): Promise<Result> {
    const { peer } = this.#client
    const body = new MultipartFiles(batch, block)
    const { contentType, length } = body
    const { stopped: signal } = waybill
    const write: typeof body.write = (take) =>
      body.write(async (bytes) => {
        await this.#throttle.take(bytes.length, signal)
        await take(bytes)
      })
    try {
      const answer = await this.#client.request({
        method: 'POST',
        path: 'studies',
        accept: this.#accept,
        body: { contentType, length, write },
        mostAnswerBytes: mostAnswerBytesBesides + batch.length * mostAnswerBytesPerObject,
        signal,
      })
      faultPoint('stow.answered')
      const { status } = answer
      if (status === 406 && this.#accept !== 'application/dicom+xml') {
        this.#accept = 'application/dicom+xml'
        return await this.#post(batch, block, waybill)
      }
      // PS3.18 table 10.5.3-1: with these, the body tells of each object.
      const answers = [200, 202, 409].includes(status) ? readStoreAnswer(answer) : undefined
      if (answers !== undefined) return { answers, body }
      if (contentsRefused.has(status)) return { status }
      throw status < 300 ? notTold(peer, status) : statusTrouble(peer, answer)
    } catch (error) {
      const { current } = body
      const isOfFile = error instanceof FionaError && error.code === 'E_FILE_READ'
      if (!isOfFile || current === undefined) throw error
      return { unreadable: current, why: error }
    }
  }

  #settle(
    object: StudyObject,
    answers: StoreAnswers,
    sha256: string | undefined,
    waybill: Waybill,
  ): void {
    const { SOPInstanceUID } = object
    const how = answers.get(SOPInstanceUID)
    if (how === undefined || sha256 === undefined) {
      waybill.failed(object, notNamed(this.#client.peer))
      return
    }
    this.#together.delete(object.path)
    if (how.kind === 'failed') {
      waybill.failed(object, refused(this.#client.peer, how.reason))
      return
    }
    if (how.warning !== undefined) {
      const status = formatStatus(how.warning)
      this.#log.warn({ SOPInstanceUID, status }, 'taken with a warning')
    }
    waybill.arrived(object, sha256)
  }

  /** With the next try they go in smaller company, so that one alone is found out. */
  #suspect(batch: readonly StudyObject[], waybill: Waybill): void {
    for (const object of batch) {
      this.#together.set(object.path, Math.max(1, batch.length >> 1))
      waybill.suspect(object)
    }
  }
}
