// The seven protocol data units of the DICOM upper layer (PS3.8 9.3), read and written the same by both sides.
export * from './pdu.ts'
export { pduLimits } from './limits.ts'
export { ProtocolError } from './protocol-error.ts'
export { readControlPdu } from './read-pdu.ts'
export {
  dataTransferParts,
  dataTransferPieces,
  encodeControlPdu,
  encodeDataHeader,
  encodeDataTransfer,
  maxFragmentBytes,
} from './write-pdu.ts'
export { type PduListener, PduStream } from './pdu-stream.ts'
