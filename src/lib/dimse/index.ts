/**
 * The DICOM upper layer and message exchange (PS3.8, PS3.7), for both sides of an association. Bytes of
 * a connection go through `PduStream` to `MessageReader`, in place: commands come out whole, data sets as
 * slices of what was read, so that an object of any size passes through without being held or copied.
 */
export * from './pdu/index.ts'
export * from './command-set.ts'
export { type MessageListener, MessageReader } from './message-reader.ts'
export { VERIFICATION, echoRequest, responseTo, storeRequest } from './messages.ts'
export { Status, type StatusKind, formatStatus, statusMeaning } from './status.ts'
export {
  type Association,
  type Pace,
  type PreparedStore,
  type ReportedEvent,
  type StoreAnswer,
  type StoredObject,
} from './requestor.ts'
export { type DataSetSource } from './store-scu.ts'
export { notAccepted } from './requestor-trouble.ts'
export { type AssociationOptions, openAssociation } from './open-association.ts'
export {
  type AcceptedContext,
  type ChooseSyntax,
  type OwnSide,
  acceptAssociation,
} from './negotiation.ts'
export * from './state-machine.ts'
export type * from './service.ts'
export { type Notice } from './notices.ts'
export { Draining } from './draining.ts'
export { ByteBudget } from './byte-budget.ts'
export { type CollectOptions, DataSetCollector } from './data-set-collector.ts'
export { chooseReadableSyntax } from './readable-syntax.ts'
export { type AcceptorSettings } from './acceptor.ts'
export { DicomServer, type DicomServerOptions } from './server.ts'
