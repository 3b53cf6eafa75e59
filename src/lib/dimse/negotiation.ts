import {
  type AnsweredContext,
  type AssociateAccept,
  type AssociateRequest,
  ContextResult,
  DICOM_APPLICATION_CONTEXT,
  PduType,
  type RoleSelection,
  type UserInformation,
} from './pdu/index.ts'

/** What a presentation context became: what fragments in it are about, and how they are encoded. */
export interface AcceptedContext {
  readonly id: number
  readonly abstractSyntax: string
  readonly transferSyntax: string
}

/** Which of the proposed transfer syntaxes; undefined refuses the context. */
export type ChooseSyntax = (
  abstractSyntax: string,
  transferSyntaxes: readonly string[],
) =>
  | { readonly transferSyntax: string }
  | 'abstractSyntaxNotSupported'
  | 'transferSyntaxesNotSupported'

export interface OwnSide {
  readonly maxPduBytes: number
  readonly implementationClassUID: string
  readonly implementationVersionName: string
  readonly choose: ChooseSyntax
  /** Whether the requestor may be the SCP of a class, and we hear of events: as a rule it is the SCU. */
  readonly requestorMayServe?: (SOPClassUID: string) => boolean
}

/** The answer to a request that is accepted, context by context (PS3.8 9.3.3). */
export function acceptAssociation(request: AssociateRequest, own: OwnSide): AssociateAccept {
  return {
    type: PduType.AssociateAccept,
    protocolVersion: 1,
    // These fields are sent back as they came and not looked at (PS3.8 table 9-17).
    calledAETitle: request.calledAETitle,
    callingAETitle: request.callingAETitle,
    applicationContext: DICOM_APPLICATION_CONTEXT,
    presentationContexts: request.presentationContexts.map((context): AnsweredContext => {
      const { id, abstractSyntax, transferSyntaxes } = context
      const choice = own.choose(abstractSyntax, transferSyntaxes)
      if (typeof choice !== 'string') {
        return { id, result: ContextResult.acceptance, transferSyntax: choice.transferSyntax }
      }
      return { id, result: ContextResult[choice], transferSyntax: transferSyntaxes[0] ?? '' }
    }),
    userInformation: answerUser(request, own),
  }
}

function answerUser(request: AssociateRequest, own: OwnSide): UserInformation {
  const asked = request.userInformation
  const roles = answerRoles(request, own)
  return {
    maxPduLength: own.maxPduBytes,
    implementationClassUID: own.implementationClassUID,
    implementationVersionName: own.implementationVersionName,
    // One operation at a time, each answered before the next: what is answered is safe, in order.
    ...(asked.asynchronousOperations === undefined
      ? {}
      : { asynchronousOperations: { invoked: 1, performed: 1 } }),
    ...(roles.length === 0 ? {} : { roles }),
  }
}

/**
 * The requestor remains the SCU, unless we want to hear of events (PS3.7 D.3.3.4.2). One answer for each
 * SOP class that is proposed: a request may hold more roles than would fit into an answer.
 */
function answerRoles(
  { presentationContexts, userInformation }: AssociateRequest,
  { requestorMayServe = () => false }: OwnSide,
): RoleSelection[] {
  const proposed = new Set(presentationContexts.map(({ abstractSyntax }) => abstractSyntax))
  const roles = userInformation.roles ?? []
  return roles.flatMap((role) =>
    proposed.delete(role.SOPClassUID)
      ? [{ ...role, scp: role.scp && requestorMayServe(role.SOPClassUID) }]
      : [],
  )
}

/** The contexts in force once an acceptance was sent or received. */
export function acceptedContexts(
  request: AssociateRequest,
  accept: AssociateAccept,
): Map<number, AcceptedContext> {
  const proposed = new Map(request.presentationContexts.map((context) => [context.id, context]))
  const contexts = new Map<number, AcceptedContext>()
  for (const { id, result, transferSyntax } of accept.presentationContexts) {
    const abstractSyntax = proposed.get(id)?.abstractSyntax
    if (result === ContextResult.acceptance && abstractSyntax !== undefined) {
      contexts.set(id, { id, abstractSyntax, transferSyntax })
    }
  }
  return contexts
}
