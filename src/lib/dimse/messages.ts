import {
  CommandField,
  type CommandSet,
  noDataSet,
  responseBit,
  withDataSet,
} from './command-set.ts'

/** Verification SOP class (PS3.4 A.4). */
export const VERIFICATION = '1.2.840.10008.1.1'

/** PS3.7 9.3.1.1; the data set goes behind it in the context's transfer syntax. */
export function storeRequest(object: {
  readonly MessageID: number
  readonly SOPClassUID: string
  readonly SOPInstanceUID: string
}): CommandSet {
  return {
    AffectedSOPClassUID: object.SOPClassUID,
    CommandField: CommandField.CStoreRequest,
    MessageID: object.MessageID,
    Priority: 0,
    CommandDataSetType: withDataSet,
    AffectedSOPInstanceUID: object.SOPInstanceUID,
  }
}

/** PS3.7 9.3.5.1 */
export function echoRequest(MessageID: number): CommandSet {
  return {
    AffectedSOPClassUID: VERIFICATION,
    CommandField: CommandField.CEchoRequest,
    MessageID,
    CommandDataSetType: noDataSet,
  }
}

/** LO holds 64 characters; controls and backslashes would be read as structure. */
function comment(text: string): string {
  return text.replaceAll(/[^\x20-\x5b\x5d-\x7e]/g, '?').slice(0, 64)
}

/**
 * The response to any request. SOP class and instance are those of the request, as C-STORE, C-ECHO
 * and the N-services with an affected instance have it (PS3.7 tables 9.3-2, 9.3-13, 10.3-2).
 */
export function responseTo(
  request: CommandSet,
  answer: {
    readonly status: number
    readonly comment?: string
    readonly offendingElements?: readonly number[]
    /** A data set follows. */
    readonly hasDataSet?: boolean
  },
): CommandSet {
  const SOPClass = request.AffectedSOPClassUID ?? request.RequestedSOPClassUID
  const SOPInstance = request.AffectedSOPInstanceUID ?? request.RequestedSOPInstanceUID
  return {
    ...(SOPClass === undefined ? {} : { AffectedSOPClassUID: SOPClass }),
    CommandField: request.CommandField | responseBit,
    MessageIDBeingRespondedTo: request.MessageID ?? 0,
    CommandDataSetType: answer.hasDataSet === true ? withDataSet : noDataSet,
    Status: answer.status,
    ...(answer.offendingElements === undefined
      ? {}
      : { OffendingElement: answer.offendingElements }),
    ...(answer.comment === undefined ? {} : { ErrorComment: comment(answer.comment) }),
    ...(SOPInstance === undefined ? {} : { AffectedSOPInstanceUID: SOPInstance }),
  }
}
