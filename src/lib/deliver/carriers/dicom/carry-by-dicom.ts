import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { type Association, formatStatus, pduLimits, statusMeaning } from '../../../dimse/index.ts'
import { ExitCode, FionaError } from '../../../error/index.ts'
import type { Carrier, Waybill } from '../../carrier.ts'
import type { Destination, DicomTarget } from '../../destination.ts'
import type { StudyObject } from '../../list-objects.ts'
import type { Throttle } from '../../throttle.ts'
import { openPeer } from '../../open-peer.ts'
import { sendInParallel, type Queue } from './send-in-parallel.ts'

/** A destination that refuses so many in a row for want of resources is left alone for a while. */
const refusalsInARow = 3

interface Kind {
  readonly abstractSyntax: string
  readonly transferSyntaxes: readonly [string]
}

/**
 * Sends objects with C-STORE (PS3.4 annex B), over as many associations at once as the destination's
 * concurrency says. Every SOP class is proposed in the very transfer syntaxes its objects have, each
 * in a context of its own: nothing is converted.
 */
export class DicomCarrier implements Carrier {
  readonly #destination: Destination
  readonly #target: DicomTarget
  readonly #throttle: Throttle
  readonly #log: Logger

  constructor(destination: Destination, target: DicomTarget, throttle: Throttle, log: Logger) {
    this.#destination = destination
    this.#target = target
    this.#throttle = throttle
    this.#log = log
  }

  async carry(objects: readonly StudyObject[], waybill: Waybill): Promise<void> {
    const { callingAETitle, timeoutSeconds, concurrency } = this.#destination
    for (const { contexts, members } of byContexts(objects)) {
      if (waybill.stopping.aborted) return
      await sendInParallel(members, {
        associations: concurrency,
        signal: waybill.stopped,
        open: (signal) =>
          openPeer({
            ...this.#target,
            callingAETitle,
            contexts,
            timeoutSeconds,
            signal,
            pace: this.#throttle.paceUntil(waybill.stopped),
          }),
        send: (association, queue) => sendAll(association, queue, waybill, this.#log),
      })
    }
  }

  async rest(): Promise<void> {}
}

/** Takes objects from the queue until it is empty. @throws FionaError when the association broke */
async function sendAll(
  association: Association,
  queue: Queue<StudyObject>,
  waybill: Waybill,
  log: Logger,
): Promise<void> {
  let refusals = 0
  for (let next = queue.next(); next.done !== true; next = queue.next()) {
    if (waybill.stopping.aborted) return
    const object = next.value
    const answer = await sendOne(association, object).catch((error: unknown) => {
      if (!(error instanceof FionaError)) throw error
      return error
    })
    if (answer instanceof FionaError) {
      throwIfBroken(association, object, answer, waybill)
      waybill.failed(object, answer)
      continue
    }
    const { status, sha256 } = answer
    const { kind, retryable } = statusMeaning(status)
    if (kind === 'success' || kind === 'warning') {
      refusals = 0
      if (kind === 'warning') {
        const { SOPInstanceUID } = object
        log.warn({ SOPInstanceUID, status: formatStatus(status) }, 'taken with a warning')
      }
      waybill.arrived(object, sha256)
      continue
    }
    const error = refused(association.peer, status, retryable)
    waybill.failed(object, error)
    refusals = retryable ? refusals + 1 : 0
    if (refusals === refusalsInARow) throw error
  }
}

/** The association is gone, and no other object can be sent on it. */
function throwIfBroken(
  association: Association,
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

/** One object, and the digest of its file, made of the bytes that were sent. */
async function sendOne(
  association: Association,
  object: StudyObject,
): Promise<{ status: number; sha256: string }> {
  const digest = createHash('sha256')
  const { status } = await association.store({
    ...object,
    seen: (bytes) => {
      digest.update(bytes)
    },
  })
  return { status, sha256: digest.digest('hex') }
}

function refused(peer: string, status: number, retryable: boolean): FionaError {
  return new FionaError('E_REFUSED', `${peer} answered with ${formatStatus(status)}`, {
    retryable,
    exitCode: ExitCode.unavailable,
  })
}

/** Objects in groups whose contexts fit into one association (PS3.8 9.3.2.2: at most 128). */
function byContexts(
  objects: readonly StudyObject[],
): { readonly contexts: Kind[]; readonly members: StudyObject[] }[] {
  const groups: { contexts: Kind[]; members: StudyObject[] }[] = []
  const groupOf = new Map<string, (typeof groups)[number]>()
  for (const object of objects) {
    const { SOPClassUID, transferSyntaxUID } = object
    const key = `${SOPClassUID} ${transferSyntaxUID}`
    let group = groupOf.get(key)
    if (group === undefined) {
      group = groups.at(-1)
      if (group === undefined || group.contexts.length === pduLimits.maxPresentationContexts) {
        group = { contexts: [], members: [] }
        groups.push(group)
      }
      group.contexts.push({ abstractSyntax: SOPClassUID, transferSyntaxes: [transferSyntaxUID] })
      groupOf.set(key, group)
    }
    group.members.push(object)
  }
  return groups
}
