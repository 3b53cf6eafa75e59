/** First byte of each protocol data unit (PS3.8 9.3). */
export const PduType = {
  AssociateRequest: 1,
  AssociateAccept: 2,
  AssociateReject: 3,
  DataTransfer: 4,
  ReleaseRequest: 5,
  ReleaseResponse: 6,
  Abort: 7,
} as const
export type PduType = (typeof PduType)[keyof typeof PduType]

/** Type, a reserved byte, and the length of what follows: the same for all seven. */
export const pduHeaderBytes = 6
/** Length, presentation context, message control header: in front of each fragment (PS3.8 9.3.5.1). */
export const pdvHeaderBytes = 6

/** PS3.7 annex A.2.1: the only application context there is. */
export const DICOM_APPLICATION_CONTEXT = '1.2.840.10008.3.1.1.1'

/** What a requestor would like to send, and in which encodings. */
export interface ProposedContext {
  /** Odd, 1 to 255. */
  readonly id: number
  readonly abstractSyntax: string
  readonly transferSyntaxes: readonly string[]
}

/** PS3.8 table 9-18. */
export const ContextResult = {
  acceptance: 0,
  userRejection: 1,
  noReason: 2,
  abstractSyntaxNotSupported: 3,
  transferSyntaxesNotSupported: 4,
} as const
export type ContextResult = (typeof ContextResult)[keyof typeof ContextResult]

export interface AnsweredContext {
  readonly id: number
  readonly result: ContextResult
  /** Means something only where the context was accepted. */
  readonly transferSyntax: string
}

/** PS3.7 D.3.3.4: who plays which part in a SOP class; without it, the requestor is the SCU. */
export interface RoleSelection {
  readonly SOPClassUID: string
  readonly scu: boolean
  readonly scp: boolean
}

/** PS3.7 D.3.3.5, its service-class application information as it came. */
export interface ExtendedNegotiation {
  readonly SOPClassUID: string
  readonly information: Buffer
}

export interface UserInformation {
  /** The longest P-DATA-TF its sender wants to receive, without the PDU's header; 0 says no limit. */
  readonly maxPduLength: number
  readonly implementationClassUID: string
  readonly implementationVersionName?: string
  /** PS3.7 D.3.3.3; 0 says no limit. Absent: one operation at a time. */
  readonly asynchronousOperations?: { readonly invoked: number; readonly performed: number }
  readonly roles?: readonly RoleSelection[]
  readonly extendedNegotiations?: readonly ExtendedNegotiation[]
  /** Sub-items that nobody here interprets (user identity, common extended negotiation), by type. */
  readonly others?: readonly { readonly type: number; readonly bytes: Buffer }[]
}

interface AssociateFields {
  /** A bit set; bit 0 is version 1, the only one. */
  readonly protocolVersion: number
  /** Without the blanks that pad it to 16. Not checked: any bytes, as Latin-1. */
  readonly calledAETitle: string
  readonly callingAETitle: string
  readonly applicationContext: string
  readonly userInformation: UserInformation
}
export interface AssociateRequest extends AssociateFields {
  readonly type: typeof PduType.AssociateRequest
  readonly presentationContexts: readonly ProposedContext[]
}
export interface AssociateAccept extends AssociateFields {
  readonly type: typeof PduType.AssociateAccept
  readonly presentationContexts: readonly AnsweredContext[]
}

/** PS3.8 table 9-21. */
export const RejectResult = { permanent: 1, transient: 2 } as const
/** Who rejects, and why: PS3.8 table 9-21. `acse` and `presentation` are parts of the service provider. */
export const RejectReason = {
  noReason: { source: 1, reason: 1 },
  applicationContextNotSupported: { source: 1, reason: 2 },
  callingAETitleNotRecognized: { source: 1, reason: 3 },
  calledAETitleNotRecognized: { source: 1, reason: 7 },
  acseNoReason: { source: 2, reason: 1 },
  acseProtocolVersionNotSupported: { source: 2, reason: 2 },
  presentationTemporaryCongestion: { source: 3, reason: 1 },
  presentationLocalLimitExceeded: { source: 3, reason: 2 },
} as const
export interface AssociateReject {
  readonly type: typeof PduType.AssociateReject
  readonly result: number
  readonly source: number
  readonly reason: number
}

/** PS3.8 table 9-26. */
export const AbortSource = { serviceUser: 0, serviceProvider: 2 } as const
export const AbortReason = {
  notSpecified: 0,
  unrecognizedPdu: 1,
  unexpectedPdu: 2,
  unrecognizedPduParameter: 4,
  unexpectedPduParameter: 5,
  invalidPduParameterValue: 6,
} as const
export type AbortReason = (typeof AbortReason)[keyof typeof AbortReason]
export interface Abort {
  readonly type: typeof PduType.Abort
  readonly source: number
  readonly reason: number
}

export interface ReleaseRequest {
  readonly type: typeof PduType.ReleaseRequest
}
export interface ReleaseResponse {
  readonly type: typeof PduType.ReleaseResponse
}

/** A PDU that is held in memory as a whole: all but P-DATA-TF, whose bytes pass through. */
export type ControlPdu =
  AssociateRequest | AssociateAccept | AssociateReject | ReleaseRequest | ReleaseResponse | Abort

/** A fragment of a message: presentation data value of a P-DATA-TF (PS3.8 annex E). */
export interface Pdv {
  readonly contextId: number
  /** Of the command set; else of the data set. */
  readonly isCommand: boolean
  /** No fragment of this command or data set follows. */
  readonly isLast: boolean
  readonly bytes: Buffer
}
