import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import {
  type DataSetSource,
  type PreparedStore,
  type StoreAnswer,
  Status,
  formatStatus,
  notAccepted,
  pduLimits,
  statusMeaning,
} from '../../../dimse/index.ts'
import { FionaError } from '../../../error/index.ts'
import type { Cargo, Carrier, Conversion, Waybill } from '../../carrier.ts'
import { digestObject } from '../../digest-object.ts'
import type { Destination, DicomTarget } from '../../destination.ts'
import type { StudyObject } from '../../list-objects.ts'
import type { Throttle } from '../../throttle.ts'
import { openPeer } from '../../open-peer.ts'
import { Queue } from '../queue.ts'
import { convertedDataSet, hasNativePixels, losslessAlternatives } from './converted-data-set.ts'
import { decodedDataSet } from './decoded-data-set.ts'
import { KeptAssociations, type Way } from './kept-associations.ts'
import { sendInParallel } from './send-in-parallel.ts'
import { refused } from '../refused.ts'

/** A destination that refuses so many in a row for want of resources is left alone for a while. */
const refusalsInARow = 3
/** What is proposed goes by these; where another kind of object turns up later, there is another association for it. */
const lookedAhead = 64

/**
 * Sends objects with C-STORE (PS3.4 annex B), over as many associations at once as the destination's
 * concurrency says. Every SOP class is proposed in the very transfer syntaxes its objects have, and in those
 * that they can be converted into without loss, each in a context of its own, so that the peer cannot choose:
 * an object is converted only where its own syntax was refused. Associations are kept for the next study.
 */
export class DicomCarrier implements Carrier {
  readonly #destination: Destination
  readonly #target: DicomTarget
  readonly #throttle: Throttle
  readonly #log: Logger
  readonly #conversions: Conversions
  readonly #kept = new KeptAssociations()

  /** @param spool a directory of ours, for pixels that are decompressed */
  constructor(
    destination: Destination,
    target: DicomTarget,
    throttle: Throttle,
    log: Logger,
    spool: string,
  ) {
    this.#conversions = { transcode: destination.transcode, spool }
    this.#destination = destination
    this.#target = target
    this.#throttle = throttle
    this.#log = log
  }

  async carry(objects: Cargo, waybill: Waybill): Promise<void> {
    const queue = new Queue(objects)
    let kinds: readonly string[] = []
    // More than once where an object is of a new kind, or a kept association turned out to be over.
    while (!waybill.stopping.aborted && !queue.isEmpty) {
      const proposed = (kinds = kindsToPropose(queue.ahead(lookedAhead), kinds, this.#conversions))
      await this.#kept.releaseOthers(proposed)
      await sendInParallel(queue, {
        associations: this.#destination.concurrency,
        signal: waybill.stopped,
        open: async (signal) => this.#kept.take(proposed) ?? this.#open(proposed, waybill, signal),
        send: (way) =>
          sendAll(way, queue, waybill, { log: this.#log, conversions: this.#conversions }),
        leave: async (way) => {
          // What asks it afterwards may be the only one that it lets in.
          if (this.#destination.verify === 'none') this.#kept.keep(way)
          else await way.association.release()
        },
      })
    }
  }

  rest(): Promise<void> {
    return this.#kept.releaseAll()
  }

  async #open(kinds: readonly string[], waybill: Waybill, signal: AbortSignal): Promise<Way> {
    const { callingAETitle, timeoutSeconds } = this.#destination
    const association = await openPeer({
      ...this.#target,
      callingAETitle,
      contexts: kinds.map((kind) => {
        const [abstractSyntax = '', transferSyntax = ''] = kind.split(' ')
        return { abstractSyntax, transferSyntaxes: [transferSyntax] }
      }),
      timeoutSeconds,
      signal,
      pace: this.#throttle.paceUntil(waybill.stopped),
    })
    return { association, proposed: new Set(kinds), isKept: false }
  }
}

/** What may be done with an object that is not taken as it is. */
interface Conversions {
  readonly transcode: Destination['transcode']
  readonly spool: string
}

/** An object that was read ahead. */
interface Ready {
  readonly object: StudyObject
  readonly store: PreparedStore
  readonly conversion: Conversion | undefined
  /** Of the whole file, to be asked before the object is sent; it comes when all was sent. */
  readonly digest: () => Promise<() => string>
}

/**
 * Takes objects from the queue until it is empty or the next is of a kind that was not proposed, each while the
 * answer to the one before is awaited.
 * @throws FionaError when the association broke
 */
async function sendAll(
  way: Way,
  queue: Queue<StudyObject>,
  waybill: Waybill,
  { log, conversions }: { readonly log: Logger; readonly conversions: Conversions },
): Promise<void> {
  const { association } = way
  let refusals = 0
  let isAnswered = false
  let following: Ready | undefined
  const readAhead = (): void => {
    following = nextReady(way, queue, waybill, conversions)
  }
  try {
    for (readAhead(); following !== undefined && !waybill.stopping.aborted;) {
      const ready: Ready = following
      following = undefined
      const { object, conversion } = ready
      const result = await sendOne(ready, readAhead).catch((error: unknown) => {
        if (!(error instanceof FionaError)) throw error
        return error
      })
      if (result instanceof FionaError) {
        if (way.isKept && !isAnswered && result.code === 'E_ASSOCIATION_ABORTED') {
          // The peer had ended it between the studies. If it has taken the object, it may say so.
          waybill.suspect(object)
          queue.putBack(object, ...(following === undefined ? [] : [(following as Ready).object]))
          return
        }
        throwIfBroken(way, object, result, waybill)
        waybill.failed(object, result)
      } else {
        isAnswered = true
        const { answer, sha256 } = result
        const error = troubleWith(answer, object, association.peer, waybill, log)
        refusals = error?.retryable === true ? refusals + 1 : 0
        if (error === undefined) waybill.arrived(object, sha256, conversion)
        else waybill.failed(object, error)
        if (error !== undefined && refusals === refusalsInARow) throw error
      }
      if (following === undefined) readAhead()
    }
  } finally {
    following?.store[Symbol.dispose]()
  }
}

/** @returns why it does not count as delivered */
function troubleWith(
  { status, errorComment }: StoreAnswer,
  object: StudyObject,
  peer: string,
  waybill: Waybill,
  log: Logger,
): FionaError | undefined {
  const { SOPInstanceUID } = object
  const { kind } = statusMeaning(status)
  const isThere = status === Status.duplicateSOPInstance && waybill.mayBeThere(object)
  if (kind !== 'success' && kind !== 'warning' && !isThere) {
    return refused(peer, status, errorComment)
  }
  if (isThere) log.info({ SOPInstanceUID }, 'was taken before, and only the answer was lost')
  else if (kind === 'warning') {
    log.warn({ SOPInstanceUID, status: formatStatus(status) }, 'taken with a warning')
  }
  return undefined
}

/** The next object that can be sent here; those before it that cannot be sent are told of. */
function nextReady(
  way: Way,
  queue: Queue<StudyObject>,
  waybill: Waybill,
  conversions: Conversions,
): Ready | undefined {
  if (waybill.stopping.aborted || way.association.failure !== undefined) return undefined
  for (;;) {
    const [object] = queue.ahead(1)
    if (object === undefined || !way.proposed.has(ownKindOf(object))) return undefined
    queue.next()
    try {
      return prepare(way, object, conversions)
    } catch (error) {
      if (!(error instanceof FionaError)) throw error
      waybill.failed(object, error)
    }
  }
}

function prepare(
  { association }: Way,
  object: StudyObject,
  { transcode, spool }: Conversions,
): Ready {
  const { path, SOPClassUID, SOPInstanceUID, transferSyntaxUID, dataSetOffset } = object
  if (association.accepted(SOPClassUID, transferSyntaxUID) === undefined) {
    const alternatives = losslessAlternatives(transferSyntaxUID, transcode)
    const to = alternatives.find((one) => association.accepted(SOPClassUID, one) !== undefined)
    if (to === undefined) {
      throw notAccepted(association.peer, SOPClassUID, transferSyntaxUID, alternatives)
    }
    const convert = (dataSet: DataSetSource): PreparedStore =>
      association.prepare({ ...object, transferSyntaxUID: to, dataSet })
    const store = hasNativePixels(transferSyntaxUID)
      ? convert(convertedDataSet(path, to))
      : decodedThen(() => decodedDataSet(path, to, spool), convert)
    const digest = async () => {
      const sha256 = await digestObject(path)
      return () => sha256
    }
    return { object, store, conversion: { from: transferSyntaxUID, to }, digest }
  }
  const hash = createHash('sha256')
  const seen = (bytes: Buffer): void => void hash.update(bytes)
  const store = association.prepare({
    path,
    SOPClassUID,
    SOPInstanceUID,
    transferSyntaxUID,
    dataSetOffset,
    seen,
  })
  const digest = () => Promise.resolve(() => hash.digest('hex'))
  return { object, store, conversion: undefined, digest }
}

/** Decoding takes its time, and needs room: it begins when the object's turn comes. */
function decodedThen(
  decode: () => Promise<DataSetSource>,
  convert: (dataSet: DataSetSource) => PreparedStore,
): PreparedStore {
  return {
    send: async (meanwhile) => {
      using prepared = convert(await decode())
      return await prepared.send(meanwhile)
    },
    [Symbol.dispose]: () => undefined,
  }
}

async function sendOne(
  { store, digest }: Ready,
  meanwhile: () => void,
): Promise<{ readonly answer: StoreAnswer; readonly sha256: string }> {
  using prepared = store
  const sha256 = await digest()
  const answer = await prepared.send(meanwhile)
  return { answer, sha256: sha256() }
}

/** The association is gone, and no other object can be sent on it. */
function throwIfBroken(
  { association }: Way,
  object: StudyObject,
  error: FionaError,
  waybill: Waybill,
): void {
  if (association.failure === undefined || error.code === 'E_STOPPED') {
    if (error.code === 'E_STOPPED') throw error
    return
  }
  if (error.code !== 'E_FILE_READ') {
    waybill.suspect(object)
    throw error
  }
  // A file that broke off in the middle took the association with it; the way itself is good.
  waybill.failed(object, error)
  throw new FionaError('E_ASSOCIATION_ABORTED', error.message, { retryable: true, cause: error })
}

/** `SOP class, blank, transfer syntax` */
function ownKindOf({ SOPClassUID, transferSyntaxUID }: StudyObject): string {
  return `${SOPClassUID} ${transferSyntaxUID}`
}

/**
 * What one association is to take: the next object in any case, those behind it and what was proposed before as far as
 * there is room (PS3.8 9.3.2.2: at most 128 contexts).
 * @returns kinds; an object's own syntax before those it can be converted into
 */
function kindsToPropose(
  objects: readonly StudyObject[],
  before: readonly string[],
  { transcode }: Conversions,
): readonly string[] {
  const [first, ...others] = objects.map((object) => [
    ownKindOf(object),
    ...losslessAlternatives(object.transferSyntaxUID, transcode).map(
      (syntax) => `${object.SOPClassUID} ${syntax}`,
    ),
  ])
  const kinds = new Set(first)
  for (const more of [before, ...others]) {
    const added = more.filter((kind) => !kinds.has(kind))
    if (kinds.size + added.length > pduLimits.maxPresentationContexts) continue
    for (const kind of added) kinds.add(kind)
  }
  return [...kinds]
}
