import {
  CommandField,
  type CommandSet,
  noDataSet,
  responseBit,
  withDataSet,
} from './command-set.ts'
import type { Answer } from './service.ts'

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

/** PS3.7 10.3.1.1; the event information goes behind it in the context's transfer syntax. */
export function eventReportRequest(event: {
  readonly MessageID: number
  readonly SOPClassUID: string
  readonly SOPInstanceUID: string
  readonly EventTypeID: number
}): CommandSet {
  return {
    AffectedSOPClassUID: event.SOPClassUID,
    CommandField: CommandField.NEventReportRequest,
    MessageID: event.MessageID,
    CommandDataSetType: withDataSet,
    AffectedSOPInstanceUID: event.SOPInstanceUID,
    EventTypeID: event.EventTypeID,
  }
}

/** PS3.7 10.3.4.1; the action information goes behind it in the context's transfer syntax. */
export function actionRequest(action: {
  readonly MessageID: number
  readonly SOPClassUID: string
  readonly SOPInstanceUID: string
  readonly ActionTypeID: number
}): CommandSet {
  return {
    RequestedSOPClassUID: action.SOPClassUID,
    CommandField: CommandField.NActionRequest,
    MessageID: action.MessageID,
    CommandDataSetType: withDataSet,
    RequestedSOPInstanceUID: action.SOPInstanceUID,
    ActionTypeID: action.ActionTypeID,
  }
}

/** LO holds 64 characters; controls and backslashes would be read as structure. */
function comment(text: string): string {
  return text.replaceAll(/[^\x20-\x5b\x5d-\x7e]/g, '?').slice(0, 64)
}

/**
 * The response to any request; its data set, if any, goes behind it. SOP class and instance are those of
 * the request (PS3.7 tables 9.3-2, 9.3-13, 10.3-2) unless the answer names the instance; event and
 * action type are repeated, as a reply, and a refusal of them, must (10.1.1.1.5, 10.1.4.1.7, C.5).
 */
export function responseTo(request: CommandSet, answer: Answer): CommandSet {
  const { status, offendingElements, attributeIdentifiers, dataSet } = answer
  const { EventTypeID, ActionTypeID } = request
  const SOPClass = request.AffectedSOPClassUID ?? request.RequestedSOPClassUID
  const SOPInstance =
    answer.SOPInstanceUID ?? request.AffectedSOPInstanceUID ?? request.RequestedSOPInstanceUID
  // Assigned, not spread: one is made for every object that comes in, and each spread costs a copy.
  const response: Draft = {
    CommandField: request.CommandField | responseBit,
    MessageIDBeingRespondedTo: request.MessageID ?? 0,
    CommandDataSetType: dataSet === undefined ? noDataSet : withDataSet,
    Status: status,
  }
  if (SOPClass !== undefined) response.AffectedSOPClassUID = SOPClass
  if (SOPInstance !== undefined) response.AffectedSOPInstanceUID = SOPInstance
  if (offendingElements !== undefined) response.OffendingElement = offendingElements
  if (answer.comment !== undefined) response.ErrorComment = comment(answer.comment)
  if (answer.errorID !== undefined) response.ErrorID = answer.errorID
  if (EventTypeID !== undefined) response.EventTypeID = EventTypeID
  if (ActionTypeID !== undefined) response.ActionTypeID = ActionTypeID
  if (attributeIdentifiers !== undefined) response.AttributeIdentifierList = attributeIdentifiers
  return response
}

type Draft = { -readonly [Key in keyof CommandSet]: CommandSet[Key] }
