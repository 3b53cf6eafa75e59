import type { Logger } from 'pino'
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '../dicom/index.ts'
import {
  type AcceptorObserver,
  type Answer,
  type AssociateAccept,
  type AssociateReject,
  type AssociateRequest,
  type AssociationEnd,
  type AssociationFacts,
  ByteBudget,
  type ChooseSyntax,
  CommandField,
  type DataSetConsumer,
  DataSetCollector,
  Draining,
  type Operation,
  type ServiceProvider,
  Status,
  VERIFICATION,
  acceptAssociation,
  chooseReadableSyntax,
  formatStatus,
} from '../dimse/index.ts'
import { type Access, loadOf } from '../intake/index.ts'
import { type Uid, isUid } from '../uid/index.ts'
import { toJson } from './json-data-set.ts'
import { isTooMany, tooManyAttributes } from './step-rules.ts'
import type { Done, Steps } from './steps.ts'

/** PS3.4 F.7.1. */
export const MODALITY_PERFORMED_PROCEDURE_STEP = '1.2.840.10008.3.1.2.3.3'

/** 70,000 images, each with its class and instance, stay below both. */
const limits = { maxBytes: 8 << 20, maxParts: 250_000 }
/** Of all associations together. */
const budgetBytes = 64 << 20

export interface MppsScpOptions {
  readonly steps: Steps
  readonly access: Access
  readonly maxPduBytes: number
  readonly log: Logger
}

/**
 * The association's side of PS3.4 annex F: takes N-CREATE and N-SET apart, lets `Steps` decide, and tells
 * it which answers have been heard.
 */
export class MppsScp implements ServiceProvider, AcceptorObserver {
  readonly #options: MppsScpOptions
  readonly #budget = new ByteBudget(budgetBytes)
  /** Who is associated; and steps of which a change was answered there, not known to have been heard. */
  readonly #answered = new Map<AssociationFacts, Set<Uid>>()

  constructor(options: MppsScpOptions) {
    this.#options = options
  }

  associate(request: AssociateRequest, address: string): AssociateAccept | AssociateReject {
    const { access, maxPduBytes } = this.#options
    const refusal = access.refusal(request, address, loadOf(this.#answered.keys(), address))
    if (refusal !== undefined) return refusal
    return acceptAssociation(request, {
      maxPduBytes,
      implementationClassUID: IMPLEMENTATION_CLASS_UID,
      implementationVersionName: IMPLEMENTATION_VERSION_NAME,
      choose,
    })
  }

  consume(operation: Operation): DataSetConsumer {
    this.#hear(operation.association)
    const consumer = this.#consumerOf(operation)
    return {
      write: (bytes) => consumer.write(bytes),
      finish: async () => this.#told(operation, await consumer.finish()),
      abandon: () => consumer.abandon(),
    }
  }

  perform(operation: Operation): Answer {
    this.#hear(operation.association)
    const { CommandField: field } = operation.command
    if (field === CommandField.CEchoRequest) return { status: Status.success }
    const isOurs = field === CommandField.NCreateRequest || field === CommandField.NSetRequest
    return this.#told(operation, isOurs ? noDataSet : unrecognized)
  }

  started(association: AssociationFacts, accept: AssociateAccept): void {
    this.#answered.set(association, new Set())
    const contexts = accept.presentationContexts
    const accepted = contexts.filter(({ result }) => result === 0).length
    this.#options.log.info(
      { ...logged(association), contexts: contexts.length, accepted },
      'association accepted',
    )
  }

  ended(association: AssociationFacts, end: AssociationEnd, reason: string | undefined): void {
    const { log } = this.#options
    // Who releases has heard all answers; of anybody else nobody knows.
    if (end === 'released') this.#hear(association)
    this.#answered.delete(association)
    const facts = { ...logged(association), end, reason }
    if (end === 'released') log.info(facts, 'association released')
    else log.warn(facts, `association ended: ${end}`)
  }

  turnedAway(address: string, reason: string): void {
    // Load balancers and port scans connect all day long.
    const level = reason === 'closed' ? 'debug' : 'info'
    this.#options.log[level]({ address, reason }, 'connection turned away')
  }

  #consumerOf(operation: Operation): DataSetConsumer {
    const { command, context, association } = operation
    const { steps } = this.#options
    const isCreate = command.CommandField === CommandField.NCreateRequest
    const isOurs = isCreate || command.CommandField === CommandField.NSetRequest
    if (!isOurs || context.abstractSyntax !== MODALITY_PERFORMED_PROCEDURE_STEP) {
      return new Draining(unrecognized)
    }
    const SOPClassUID = command.AffectedSOPClassUID ?? command.RequestedSOPClassUID
    if (SOPClassUID !== MODALITY_PERFORMED_PROCEDURE_STEP) return new Draining(otherClass)
    const collect = { ...limits, budget: this.#budget }
    return new DataSetCollector(operation, collect, async (file) => {
      // Before they are read.
      if (isTooMany(file.dataSet.elements.length)) return answerOf(tooManyAttributes)
      const { id, address, callingAETitle, calledAETitle } = association
      const request = {
        instance: command.AffectedSOPInstanceUID ?? command.RequestedSOPInstanceUID ?? '',
        dataSet: toJson(file),
        source: { callingAET: callingAETitle, calledAET: calledAETitle, address, association: id },
      }
      const done = await (isCreate ? steps.create(request) : steps.set(request))
      if ('MPPSInstanceUID' in done) this.#answered.get(association)?.add(done.MPPSInstanceUID)
      return answerOf(done)
    })
  }

  /** Whoever asks for more, or releases, has heard what was answered before. */
  #hear(association: AssociationFacts): void {
    const steps = this.#answered.get(association)
    for (const MPPSInstanceUID of steps ?? []) {
      this.#options.steps.heard(MPPSInstanceUID, association.id)
    }
    steps?.clear()
  }

  #told({ association, command }: Operation, answer: Answer): Answer {
    if (answer.status === Status.success) return answer
    const named = command.AffectedSOPInstanceUID ?? command.RequestedSOPInstanceUID
    const facts = {
      association: association.id,
      mpps: isUid(named) ? named : undefined,
      status: formatStatus(answer.status),
    }
    this.#options.log.warn(facts, `request refused: ${answer.comment ?? ''}`)
    return answer
  }
}

const choose: ChooseSyntax = (abstractSyntax, transferSyntaxes) =>
  abstractSyntax === MODALITY_PERFORMED_PROCEDURE_STEP || abstractSyntax === VERIFICATION
    ? chooseReadableSyntax(transferSyntaxes)
    : 'abstractSyntaxNotSupported'

const unrecognized: Answer = {
  status: Status.unrecognizedOperation,
  comment: 'only N-CREATE and N-SET of a step, and C-ECHO, are served here',
}

const otherClass: Answer = {
  status: Status.noSuchSOPClass,
  comment: 'not the SOP class of the presentation context',
}

const noDataSet: Answer = { status: Status.missingAttribute, comment: 'there is no data set' }

function answerOf(done: Done): Answer {
  if ('MPPSInstanceUID' in done) {
    return { status: Status.success, SOPInstanceUID: done.MPPSInstanceUID }
  }
  const { refused, comment, errorID, tags } = done
  return {
    status: refused,
    comment,
    ...(errorID === undefined ? {} : { errorID }),
    ...(tags === undefined ? {} : { attributeIdentifiers: tags }),
  }
}

function logged({ id, address, callingAETitle, calledAETitle }: AssociationFacts) {
  return { association: id, address, callingAET: callingAETitle, calledAET: calledAETitle }
}
