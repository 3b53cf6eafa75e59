// A modality as it is: it sends what it has, and sends again what was not acknowledged.
import { setTimeout as delay } from 'node:timers/promises'
import { DicomFile } from '../../src/lib/dicom/index.ts'
import { type Association, openAssociation } from '../../src/lib/dimse/index.ts'
import { CT_IMAGE_STORAGE, syntax } from '../fixtures/dicom-writer.ts'
import type { LoadObject } from './load.ts'

const retryMs = 100
/** Of so many objects one is sent again, although it was acknowledged, and one under a UID that it has not. */
const oddEvery = 8
const success = 0

export class Modality {
  /** SOP Instance UIDs that were answered with success. */
  readonly acknowledged = new Set<string>()
  /** Stores that were begun, whatever became of them. */
  attempts = 0
  /** Stores that were refused, as they should be. */
  refused = 0
  /** Names under which another object was taken. */
  readonly wronglyTaken: string[] = []
  readonly #port: number
  readonly #name: string

  constructor(name: string, port: number) {
    this.#name = name
    this.#port = port
  }

  /** Until all of them are acknowledged, however often the receiver dies. */
  async sendAll(objects: readonly LoadObject[], signal: AbortSignal): Promise<void> {
    const begin = performance.now()
    const queue = [...objects]
    while (queue.length > 0) {
      signal.throwIfAborted()
      const wait = (queue[0]?.dueMs ?? 0) - (performance.now() - begin)
      if (wait > 0) await delay(wait, undefined, { signal })
      const isDue = ({ dueMs }: LoadObject) => dueMs <= performance.now() - begin
      try {
        await this.#sendSome(queue, isDue, signal)
      } catch (error) {
        if (signal.aborted) throw error
        await delay(retryMs, undefined, { signal })
      }
    }
  }

  /** On one association, from the front of the queue; what was acknowledged leaves it. */
  async #sendSome(
    queue: LoadObject[],
    isDue: (object: LoadObject) => boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const association = await openAssociation({
      host: '127.0.0.1',
      port: this.#port,
      callingAETitle: this.#name,
      calledAETitle: 'FIONA',
      contexts: [{ abstractSyntax: CT_IMAGE_STORAGE, transferSyntaxes: [syntax.explicit] }],
      timeoutSeconds: 10,
      signal,
    })
    try {
      for (let next = queue[0]; next !== undefined && isDue(next); next = queue[0]) {
        this.attempts++
        const status = await store(association, next)
        if (status !== success) throw new Error(`status ${String(status)}`)
        this.acknowledged.add(next.SOPInstanceUID)
        queue.shift()
        if (this.acknowledged.size % oddEvery !== 0) continue
        await store(association, next)
        const name = `${next.SOPInstanceUID}.${String(oddEvery)}`
        if ((await store(association, next, name)) === success) this.wronglyTaken.push(name)
        else this.refused++
      }
      await association.release()
    } catch (error) {
      association.abort()
      throw error
    }
  }
}

async function store(
  association: Association,
  object: LoadObject,
  SOPInstanceUID: string = object.SOPInstanceUID,
): Promise<number> {
  const { status } = await association.store({
    path: object.path,
    SOPClassUID: CT_IMAGE_STORAGE,
    SOPInstanceUID,
    transferSyntaxUID: syntax.explicit,
    dataSetOffset: dataSetOffsetOf(object.path),
  })
  return status
}

/** Where the data set of a file begins. */
export function dataSetOffsetOf(path: string): number {
  using file = DicomFile.open(path)
  return file.dataSetOffset
}
