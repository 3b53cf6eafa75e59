/** What the sender is to do about a status: PS3.7 annex C, PS3.4 B.2.3. */
export type StatusKind = 'success' | 'warning' | 'pending' | 'cancel' | 'failure'

/** Status codes (0000,0900) that we give. */
export const Status = {
  success: 0x0000,
  noSuchAttribute: 0x0105,
  invalidAttributeValue: 0x0106,
  attributeListError: 0x0107,
  processingFailure: 0x0110,
  duplicateSOPInstance: 0x0111,
  noSuchObjectInstance: 0x0112,
  noSuchEventType: 0x0113,
  noSuchArgument: 0x0114,
  invalidArgumentValue: 0x0115,
  attributeValueOutOfRange: 0x0116,
  invalidObjectInstance: 0x0117,
  noSuchSOPClass: 0x0118,
  classInstanceConflict: 0x0119,
  missingAttribute: 0x0120,
  missingAttributeValue: 0x0121,
  SOPClassNotSupported: 0x0122,
  noSuchActionType: 0x0123,
  notAuthorized: 0x0124,
  duplicateInvocation: 0x0210,
  unrecognizedOperation: 0x0211,
  mistypedArgument: 0x0212,
  resourceLimitation: 0x0213,
  outOfResources: 0xa700,
  dataSetDoesNotMatchSOPClass: 0xa900,
  cannotUnderstand: 0xc000,
} as const

interface Meaning {
  readonly kind: StatusKind
  readonly meaning: string
  /** The same object may be taken later, as it is. */
  readonly retryable: boolean
}

const known: readonly (readonly [
  from: number,
  to: number,
  kind: StatusKind,
  meaning: string,
  retryable?: true,
])[] = [
  [0x0000, 0x0000, 'success', 'success'],
  [0x0001, 0x0001, 'warning', 'success with warning'],
  [0x0105, 0x0105, 'failure', 'no such attribute'],
  [0x0106, 0x0106, 'failure', 'invalid attribute value'],
  [0x0107, 0x0107, 'warning', 'attribute list error'],
  [0x0110, 0x0110, 'failure', 'processing failure', true],
  [0x0111, 0x0111, 'failure', 'duplicate SOP instance'],
  [0x0112, 0x0112, 'failure', 'no such SOP instance'],
  [0x0113, 0x0113, 'failure', 'no such event type'],
  [0x0114, 0x0114, 'failure', 'no such argument'],
  [0x0115, 0x0115, 'failure', 'invalid argument value'],
  [0x0116, 0x0116, 'warning', 'attribute value out of range'],
  [0x0117, 0x0117, 'failure', 'invalid SOP instance'],
  [0x0118, 0x0118, 'failure', 'no such SOP class'],
  [0x0119, 0x0119, 'failure', 'class and instance disagree'],
  [0x0120, 0x0120, 'failure', 'missing attribute'],
  [0x0121, 0x0121, 'failure', 'missing attribute value'],
  [0x0122, 0x0122, 'failure', 'SOP class not supported'],
  [0x0123, 0x0123, 'failure', 'no such action type'],
  [0x0124, 0x0124, 'failure', 'not authorized'],
  [0x0210, 0x0210, 'failure', 'duplicate invocation'],
  [0x0211, 0x0211, 'failure', 'unrecognized operation'],
  [0x0212, 0x0212, 'failure', 'mistyped argument'],
  [0x0213, 0x0213, 'failure', 'resource limitation', true],
  [0xa700, 0xa7ff, 'failure', 'out of resources', true],
  [0xa800, 0xa8ff, 'failure', 'SOP class not supported'],
  [0xa900, 0xa9ff, 'failure', 'data set does not match SOP class'],
  [0xb000, 0xb000, 'warning', 'coercion of data elements'],
  [0xb006, 0xb006, 'warning', 'elements discarded'],
  [0xb007, 0xb007, 'warning', 'data set does not match SOP class'],
  [0xb000, 0xbfff, 'warning', 'warning'],
  [0xc000, 0xcfff, 'failure', 'cannot understand'],
  [0xfe00, 0xfe00, 'cancel', 'canceled'],
  [0xff00, 0xff01, 'pending', 'pending'],
]

/** A code that no table has is a failure: nothing may count as stored that was not said to be. */
export function statusMeaning(code: number): Meaning {
  const found = known.find(([from, to]) => code >= from && code <= to)
  if (found === undefined) return { kind: 'failure', meaning: 'unknown status', retryable: false }
  const [, , kind, meaning, retryable] = found
  return { kind, meaning, retryable: retryable ?? false }
}

/** `0xA700 (out of resources)` */
export function formatStatus(code: number): string {
  return `0x${code.toString(16).toUpperCase().padStart(4, '0')} (${statusMeaning(code).meaning})`
}
