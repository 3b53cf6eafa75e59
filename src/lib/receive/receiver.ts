import type { Logger } from 'pino'
import {
  IMPLEMENTATION_CLASS_UID,
  IMPLEMENTATION_VERSION_NAME,
  encodingOf,
  hasNativePixels,
} from '../dicom/index.ts'
import { faultPoint } from '../fault/index.ts'
import {
  type AcceptorObserver,
  type Answer,
  type AssociateAccept,
  type AssociateReject,
  type AssociateRequest,
  type AssociationEnd,
  type AssociationFacts,
  type ClassProvider,
  CommandField,
  type ChooseSyntax,
  type DataSetConsumer,
  Draining,
  type Operation,
  PduType,
  RejectReason,
  RejectResult,
  type ServiceProvider,
  Status,
  VERIFICATION,
  acceptAssociation,
  formatStatus,
} from '../dimse/index.ts'
import { FionaError } from '../error/index.ts'
import { type Access, type Intake, type RecordSink, type Taken, loadOf } from '../intake/index.ts'
import { type AssociationRecord, type InstanceRecord, nowIso } from '../record/index.ts'
import type { ArchivePart, Syncs } from '../storage/index.ts'
import { chooseSyntax } from './accepted-syntaxes.ts'
import { classAgreement } from './agreed-class.ts'
import { PartSupply } from './part-supply.ts'
import type { PartWriterOptions } from './part-writer.ts'
import { refusalAnswer } from './refusal.ts'
import { StoreConsumer } from './store-consumer.ts'

export interface ReceiverOptions {
  readonly intake: Intake
  readonly sink: RecordSink
  readonly access: Access
  readonly promiscuous: boolean
  /** Whatever comes belongs to it; undefined: the projects' `match` decides. */
  readonly project?: string | undefined
  /** How bytes get into part files. */
  readonly writing: PartWriterOptions
  /** Told of each object in hand. */
  readonly syncs: Syncs
  /** Associations of all doors. */
  readonly everybody: Set<AssociationFacts>
  readonly maxPduBytes: number
  readonly log: Logger
  /** What is served beside storage and verification, on the same associations. */
  readonly others?: readonly ClassProvider[]
  /** An object is in the archive, and its record safe. */
  readonly onStored?: (record: InstanceRecord) => void
  /** An association has ended that brought objects. */
  readonly onEnded?: ((record: AssociationRecord) => void) | undefined
  /** The records' reader has gone: no object can be acknowledged any more. */
  readonly onSinkLost: (error: unknown) => void
}

interface Tally {
  objects: number
  duplicates: number
  refused: number
  bytes: number
  /** That objects come in contexts of other classes has been said. */
  toldOfOtherClass: boolean
  readonly since: number
}

/**
 * Storage and verification (PS3.4 annexes A and B): what a sender hands over is in the archive, and its
 * record is written, before the sender hears success.
 */
export class Receiver implements ServiceProvider, AcceptorObserver {
  readonly #options: ReceiverOptions
  readonly #choose: ChooseSyntax
  readonly #others: ReadonlyMap<string, ClassProvider>
  readonly #parts: PartSupply
  readonly #tallies = new Map<AssociationFacts, Tally>()
  #sinkLost: { readonly error: unknown } | undefined

  constructor(options: ReceiverOptions) {
    this.#options = options
    this.#others = new Map(options.others?.map((other) => [other.SOPClassUID, other]))
    this.#choose = chooseSyntax(options.promiscuous, this.#others)
    this.#parts = new PartSupply(() => options.intake.begin())
  }

  /** What was made ahead is removed. */
  async close(): Promise<void> {
    await this.#parts.close()
  }

  associate(request: AssociateRequest, address: string): AssociateAccept | AssociateReject {
    const { access, everybody, maxPduBytes } = this.#options
    const refusal = access.refusal(request, address, loadOf(everybody, address))
    if (refusal !== undefined) return refusal
    const shortage = wantsToStore(request) ? this.#options.intake.shortage() : undefined
    if (shortage !== undefined) {
      const { code, message } = shortage
      this.#options.log.warn({ address, code }, `association rejected for now: ${message}`)
      return { type: PduType.AssociateReject, result: RejectResult.transient, ...congestion }
    }
    return acceptAssociation(request, {
      maxPduBytes,
      implementationClassUID: IMPLEMENTATION_CLASS_UID,
      implementationVersionName: IMPLEMENTATION_VERSION_NAME,
      choose: this.#choose,
      requestorMayServe: (SOPClassUID) => this.#others.get(SOPClassUID)?.hearsEvents === true,
    })
  }

  consume(operation: Operation): DataSetConsumer | Promise<DataSetConsumer> {
    const other = this.#others.get(operation.context.abstractSyntax)
    if (other !== undefined) return other.consume(operation)
    if (operation.command.CommandField !== CommandField.CStoreRequest) {
      return new Draining(unrecognized)
    }
    const agreement = classAgreement(operation, this.#options.promiscuous)
    if (agreement === 'neverAgreed') {
      return new Draining(this.#refuse(operation, classNotAgreed))
    }
    if (agreement === 'otherClass') this.#tellOfOtherClass(operation)
    if (this.#sinkLost !== undefined) {
      return new Draining(this.#refuse(operation, recordLost(this.#sinkLost.error)))
    }
    const { syncs } = this.#options
    const outcome = {
      received: (part: ArchivePart, taken: Taken) => this.#store(operation, part, taken),
      failed: (error: unknown) => this.#refuse(operation, error),
      done: () => {
        syncs.inHand -= 1
      },
      shortage: () => this.#options.intake.shortage(),
    }
    const draining = (error: unknown): DataSetConsumer =>
      new Draining(this.#refuse(operation, error))
    const part = this.#parts.take()
    const consumer = (ready: ArchivePart): DataSetConsumer => {
      syncs.inHand += 1
      return new StoreConsumer(ready, operation, this.#writingOf(operation), outcome)
    }
    return part instanceof Promise ? part.then(consumer, draining) : consumer(part)
  }

  /**
   * An object's header is walked to its end. That of an image in fragments goes on between them, and that of
   * a deflated one is all over: what was written past the kernel's cache would be read back from the disk.
   */
  #writingOf({ context }: Operation): PartWriterOptions {
    const { writing } = this.#options
    const { transferSyntax } = context
    const isReadBack = !hasNativePixels(transferSyntax) || encodingOf(transferSyntax).deflated
    return isReadBack ? { ...writing, direct: false } : writing
  }

  perform(operation: Operation): Answer | Promise<Answer> {
    const { command, context } = operation
    const other = this.#others.get(context.abstractSyntax)
    if (other !== undefined) return other.perform(operation)
    if (command.CommandField === CommandField.CEchoRequest) return { status: Status.success }
    if (command.CommandField === CommandField.CStoreRequest) {
      return { status: Status.cannotUnderstand, comment: 'a C-STORE without data set' }
    }
    return unrecognized
  }

  started(association: AssociationFacts, accept: AssociateAccept): void {
    this.#options.everybody.add(association)
    this.#tallies.set(association, {
      objects: 0,
      duplicates: 0,
      refused: 0,
      bytes: 0,
      toldOfOtherClass: false,
      since: performance.now(),
    })
    const contexts = accept.presentationContexts
    const accepted = contexts.filter(({ result }) => result === 0).length
    this.#options.log.info(
      { ...logged(association), contexts: contexts.length, accepted },
      'association accepted',
    )
  }

  ended(association: AssociationFacts, end: AssociationEnd, reason: string | undefined): void {
    const tally = this.#tallies.get(association)
    this.#tallies.delete(association)
    this.#options.everybody.delete(association)
    this.#parts.shrink(this.#tallies.size)
    if (tally === undefined) return
    const { objects, duplicates, refused, bytes } = tally
    const counts = { objects, duplicates, refused, bytes }
    const seconds = Math.round(performance.now() - tally.since) / 1000
    const facts = { ...logged(association), ...counts, seconds, end, reason }
    if (end === 'released') this.#options.log.info(facts, 'association released')
    else this.#options.log.warn(facts, `association ended: ${end}`)
    const { id, address, callingAETitle: callingAET, calledAETitle: calledAET } = association
    if (objects > 0) {
      const source = { callingAET, calledAET, address }
      const time = nowIso()
      this.#options.onEnded?.({
        type: 'association',
        v: 1,
        time,
        association: id,
        end,
        objects,
        source,
      })
    }
  }

  turnedAway(address: string, reason: string): void {
    // Load balancers and port scans connect all day long.
    const level = reason === 'closed' ? 'debug' : 'info'
    this.#options.log[level]({ address, reason }, 'connection turned away')
  }

  failed(error: unknown): void {
    this.#options.log.error({ err: error }, 'internal error: an association was aborted')
  }

  async #store(operation: Operation, part: ArchivePart, taken: Taken): Promise<Answer> {
    let record: InstanceRecord
    try {
      const { intake, project } = this.#options
      // Spread into it, the fields would make an object of a new shape each time (ADR 21).
      const { source, sha256, size, head, expected } = taken
      record = await intake.take(part, { source, sha256, size, head, expected, project })
    } catch (error) {
      return this.#refuse(operation, error)
    }
    faultPoint('receive.stored')
    try {
      await this.#options.sink.put(record)
    } catch (error) {
      // The object is kept; it comes again as a duplicate, and then has its record.
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EPIPE') this.#loseSink(error)
      return this.#refuse(operation, recordLost(error))
    }
    faultPoint('receive.recorded')
    this.#options.onStored?.(record)
    this.#parts.prepare(this.#tallies.size)
    const tally = this.#tallies.get(operation.association)
    if (tally !== undefined) {
      tally.objects++
      tally.bytes += record.size
      if (record.duplicate === true) tally.duplicates++
    }
    if (record.conflict === true) {
      this.#options.log.warn(
        { association: operation.association.id, path: record.path },
        'another object was already stored under this SOP Instance UID; both are kept',
      )
    }
    return { status: Status.success }
  }

  /** Once an association: such a sender does it with all its objects. */
  #tellOfOtherClass({ association, command, context }: Operation): void {
    const tally = this.#tallies.get(association)
    if (tally === undefined || tally.toldOfOtherClass) return
    tally.toldOfOtherClass = true
    this.#options.log.warn(
      {
        association: association.id,
        abstractSyntax: context.abstractSyntax,
        SOPClassUID: command.AffectedSOPClassUID,
      },
      'objects come in a presentation context of another SOP class; they are taken',
    )
  }

  #refuse(operation: Operation, error: unknown): Answer {
    const answer = refusalAnswer(error)
    const tally = this.#tallies.get(operation.association)
    if (tally !== undefined) tally.refused++
    const code = error instanceof FionaError ? error.code : 'E_INTERNAL'
    const facts = {
      association: operation.association.id,
      code,
      status: formatStatus(answer.status),
    }
    const { log } = this.#options
    // The message may repeat what the object says: that is nothing for a log.
    if (error instanceof FionaError) log.debug({ code }, error.message)
    else log.error({ err: error }, 'internal error while storing an object')
    log.warn(facts, `object refused: ${answer.comment ?? ''}`)
    return answer
  }

  #loseSink(error: unknown): void {
    if (this.#sinkLost !== undefined) return
    this.#sinkLost = { error }
    this.#options.onSinkLost(error)
  }
}

/** PS3.8 table 9-21; a sender comes again later. */
const congestion = RejectReason.presentationTemporaryCongestion

/** Whoever only wants to know whether we are there is answered, however full the disk is. */
function wantsToStore({ presentationContexts }: AssociateRequest): boolean {
  return presentationContexts.some(({ abstractSyntax }) => abstractSyntax !== VERIFICATION)
}

const unrecognized: Answer = {
  status: Status.unrecognizedOperation,
  comment: 'this operation is not served in this context',
}

const classNotAgreed = new FionaError(
  'E_CLASS_NOT_AGREED',
  'the SOP class of a C-STORE was not agreed for its presentation context',
  {
    hint: 'the sender must propose the SOP class of what it sends; only storage classes are taken',
  },
)

function recordLost(error: unknown): FionaError {
  return new FionaError('E_RECORD_WRITE', 'the record cannot be written', {
    hint: 'check the journal and its disk, or the reader of stdout; the object will be sent again',
    retryable: true,
    cause: error,
  })
}

function logged({ id, address, callingAETitle, calledAETitle }: AssociationFacts) {
  return { association: id, address, callingAET: callingAETitle, calledAET: calledAETitle }
}
