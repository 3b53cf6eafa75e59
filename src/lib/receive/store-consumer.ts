import { encodeFileMeta } from '../dicom/index.ts'
import type { Answer, DataSetConsumer, Operation } from '../dimse/index.ts'
import type { FionaError } from '../error/index.ts'
import { type Expected, type Taken, asStorageError } from '../intake/index.ts'
import type { ArchivePart } from '../storage/index.ts'
import { isUid } from '../uid/index.ts'
import { PartWriter, type PartWriterOptions, type Written } from './part-writer.ts'

/** What becomes of an object whose bytes are all there, or whose bytes could not be written. */
export interface Outcome {
  received(part: ArchivePart, taken: Taken): Promise<Answer>
  failed(error: unknown): Answer
  /** The last that is heard of it. */
  done(): void
  /** Why no more can be taken, asked now and then. */
  shortage(): FionaError | undefined
}

/** An object that never ends must not take what the reserve keeps for journals and views. */
const bytesBetweenLooks = 8 << 20

/** One object on its way into a part file: a header of ours (PS3.10 7.1), then the data set as it comes. */
export class StoreConsumer implements DataSetConsumer {
  readonly #part: ArchivePart
  readonly #operation: Operation
  readonly #outcome: Outcome
  readonly #writer: PartWriter
  #lookAgainAt = bytesBetweenLooks

  constructor(
    part: ArchivePart,
    operation: Operation,
    options: PartWriterOptions,
    outcome: Outcome,
  ) {
    this.#part = part
    this.#operation = operation
    this.#outcome = outcome
    this.#writer = new PartWriter(part, options)
    this.#writer.write(fileHeader(operation))
  }

  write(bytes: Buffer): Promise<void> | undefined {
    this.#writer.write(bytes)
    if (this.#writer.size >= this.#lookAgainAt) {
      this.#lookAgainAt = this.#writer.size + bytesBetweenLooks
      const shortage = this.#outcome.shortage()
      // The sender cannot be told before it has sent everything (PS3.7 9.1.1.1).
      if (shortage !== undefined) this.#writer.giveUp(shortage)
    }
    return this.#writer.congestion
  }

  async finish(): Promise<Answer> {
    try {
      return await this.#finish()
    } finally {
      this.#outcome.done()
    }
  }

  async #finish(): Promise<Answer> {
    const { trouble } = this.#writer
    if (trouble !== undefined) return this.#refuse(trouble.error)
    let written: Written
    try {
      written = await this.#writer.finish()
    } catch (error) {
      return this.#refuse(error)
    }
    this.#part.flush()
    const { association } = this.#operation
    try {
      return await this.#outcome.received(this.#part, {
        source: {
          callingAET: association.callingAETitle,
          calledAET: association.calledAETitle,
          address: association.address,
          association: association.id,
        },
        size: written.size,
        sha256: written.sha256,
        head: written.head,
        expected: expectedOf(this.#operation),
      })
    } finally {
      await this.#writer.release()
    }
  }

  async abandon(): Promise<void> {
    try {
      await this.#throwAway()
    } finally {
      this.#outcome.done()
    }
  }

  async #throwAway(): Promise<void> {
    await this.#writer.abandon()
    await this.#part.discard().catch(() => undefined)
  }

  async #refuse(error: unknown): Promise<Answer> {
    await this.#throwAway()
    return this.#outcome.failed(asStorageError(error))
  }
}

function expectedOf({ command }: Operation): Expected {
  return {
    SOPClassUID: command.AffectedSOPClassUID ?? '',
    SOPInstanceUID: command.AffectedSOPInstanceUID ?? '',
  }
}

/** A UID that is none leaves its place empty: the object is going to quarantine, its name is not repeated. */
function fileHeader(operation: Operation): Buffer {
  const { association, context } = operation
  const { SOPClassUID, SOPInstanceUID } = expectedOf(operation)
  return encodeFileMeta({
    MediaStorageSOPClassUID: isUid(SOPClassUID) ? SOPClassUID : '',
    MediaStorageSOPInstanceUID: isUid(SOPInstanceUID) ? SOPInstanceUID : '',
    TransferSyntaxUID: context.transferSyntax,
    SourceApplicationEntityTitle: association.callingAETitle,
    ReceivingApplicationEntityTitle: association.calledAETitle,
  })
}
