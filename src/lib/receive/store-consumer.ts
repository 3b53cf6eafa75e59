import { ftruncateSync, writeSync } from 'node:fs'
import { encodeFileMeta } from '../dicom/index.ts'
import type { Answer, DataSetConsumer, Operation } from '../dimse/index.ts'
import type { FionaError } from '../error/index.ts'
import type { FileDigest, FileDigester } from './file-digester.ts'
import { type Expected, type Taken, asStorageError } from '../intake/index.ts'
import type { ArchivePart } from '../storage/index.ts'
import { isUid } from '../uid/index.ts'

/** What becomes of an object whose bytes are all there, or whose bytes could not be written. */
export interface Outcome {
  received(part: ArchivePart, taken: Taken): Promise<Answer>
  failed(error: unknown): Answer
  /** Why no more can be taken, asked now and then. */
  shortage(): FionaError | undefined
}

/** An object that never ends must not take what the reserve keeps for journals and views. */
const bytesBetweenLooks = 8 << 20

/**
 * The bytes of one object, on their way into a part file: a header of ours (PS3.10 7.1), then the data set
 * as it comes. They are written where they were read, synchronously: the kernel takes them into its cache
 * for less than a thread would cost, and while a slow disk makes it wait, the sender waits too.
 */
export class StoreConsumer implements DataSetConsumer {
  readonly #part: ArchivePart
  readonly #operation: Operation
  readonly #outcome: Outcome
  readonly #digest: FileDigest
  #size = 0
  #lookAgainAt = bytesBetweenLooks
  #trouble: { readonly error: unknown } | undefined

  constructor(part: ArchivePart, operation: Operation, digester: FileDigester, outcome: Outcome) {
    this.#part = part
    this.#digest = digester.begin(part.fd)
    this.#operation = operation
    this.#outcome = outcome
    this.write(fileHeader(operation))
  }

  write(bytes: Buffer): void {
    if (this.#trouble !== undefined) return
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#part.fd, bytes, at)
    } catch (error) {
      // The sender cannot be told before it has sent everything (PS3.7 9.1.1.1).
      this.#trouble = { error: asStorageError(error) }
      this.#giveSpaceBack()
      return
    }
    this.#digest.wrote(bytes.length)
    this.#size += bytes.length
    if (this.#size < this.#lookAgainAt) return
    this.#lookAgainAt = this.#size + bytesBetweenLooks
    const error = this.#outcome.shortage()
    if (error === undefined) return
    this.#trouble = { error }
    this.#giveSpaceBack()
  }

  async finish(): Promise<Answer> {
    if (this.#trouble !== undefined) {
      await this.abandon()
      return this.#outcome.failed(this.#trouble.error)
    }
    const sha256 = this.#digest.finish()
    this.#part.flush(sha256)
    const { association } = this.#operation
    return this.#outcome.received(this.#part, {
      source: {
        callingAET: association.callingAETitle,
        calledAET: association.calledAETitle,
        address: association.address,
        association: association.id,
      },
      sha256,
      size: this.#size,
      expected: expectedOf(this.#operation),
    })
  }

  /** At once: the sender may go on for hours before it can be told. */
  #giveSpaceBack(): void {
    try {
      ftruncateSync(this.#part.fd)
    } catch {
      // The part is removed in any case.
    }
  }

  async abandon(): Promise<void> {
    await this.#digest.abandon().catch(() => undefined)
    await this.#part.discard().catch(() => undefined)
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
