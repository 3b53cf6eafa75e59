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
} from '../dimse/index.ts'
import type { Access } from '../intake/index.ts'
import { toJson } from './json-data-set.ts'
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
 * it which answers are known to have arrived.
 */
export class MppsScp implements ServiceProvider, AcceptorObserver {
  readonly #options: MppsScpOptions
  readonly #budget = new ByteBudget(budgetBytes)
  readonly #associations = new Set<AssociationFacts>()

  constructor(options: MppsScpOptions) {
    this.#options = options
  }

  associate(request: AssociateRequest, address: string): AssociateAccept | AssociateReject {
    const { access, maxPduBytes } = this.#options
    const refusal = access.refusal(request, address, this.#associations.size)
    if (refusal !== undefined) return refusal
    return acceptAssociation(request, {
      maxPduBytes,
      implementationClassUID: IMPLEMENTATION_CLASS_UID,
      implementationVersionName: IMPLEMENTATION_VERSION_NAME,
      choose,
    })
  }

  consume(operation: Operation): DataSetConsumer {
    const { command, context, association } = operation
    const { steps } = this.#options
    // Who asks for more has heard what was answered before.
    steps.heardOn(association.id)
    const act = {
      [CommandField.NCreateRequest]: steps.create.bind(steps),
      [CommandField.NSetRequest]: steps.set.bind(steps),
    }[command.CommandField]
    if (act === undefined || context.abstractSyntax !== MODALITY_PERFORMED_PROCEDURE_STEP) {
      return new Draining(unrecognized)
    }
    const wrongClass = classTrouble(operation)
    if (wrongClass !== undefined) return new Draining(wrongClass)
    const collect = { ...limits, budget: this.#budget }
    return new DataSetCollector(operation, collect, async (file) => {
      const { id, address, callingAETitle, calledAETitle } = association
      const done = await act({
        instance: command.AffectedSOPInstanceUID ?? command.RequestedSOPInstanceUID ?? '',
        dataSet: toJson(file),
        source: {
          callingAET: callingAETitle,
          calledAET: calledAETitle,
          address,
          association: id,
        },
      })
      return answerOf(done)
    })
  }

  perform({ command, association }: Operation): Answer {
    this.#options.steps.heardOn(association.id)
    const { CommandField: field } = command
    if (field === CommandField.CEchoRequest) return { status: Status.success }
    if (field === CommandField.NCreateRequest || field === CommandField.NSetRequest) {
      return { status: Status.missingAttribute, comment: 'there is no data set' }
    }
    return unrecognized
  }

  started(association: AssociationFacts, accept: AssociateAccept): void {
    this.#associations.add(association)
    const contexts = accept.presentationContexts
    const accepted = contexts.filter(({ result }) => result === 0).length
    this.#options.log.info(
      { ...logged(association), contexts: contexts.length, accepted },
      'association accepted',
    )
  }

  ended(association: AssociationFacts, end: AssociationEnd, reason: string | undefined): void {
    const { steps, log } = this.#options
    this.#associations.delete(association)
    // Who releases has heard all answers; of anybody else nobody knows.
    if (end === 'released') steps.heardOn(association.id)
    else steps.unheardOn(association.id)
    const facts = { ...logged(association), end, reason }
    if (end === 'released') log.info(facts, 'association released')
    else log.warn(facts, `association ended: ${end}`)
  }

  turnedAway(address: string, reason: string): void {
    // Load balancers and port scans connect all day long.
    const level = reason === 'closed' ? 'debug' : 'info'
    this.#options.log[level]({ address, reason }, 'connection turned away')
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

function classTrouble({ command }: Operation): Answer | undefined {
  const SOPClassUID = command.AffectedSOPClassUID ?? command.RequestedSOPClassUID
  if (SOPClassUID === MODALITY_PERFORMED_PROCEDURE_STEP) return undefined
  return { status: Status.noSuchSOPClass, comment: 'not the SOP class of the context' }
}

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
