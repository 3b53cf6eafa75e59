/** What a peer may make us hold or loop over. Real devices stay far below each of these. */
export const pduLimits = {
  /** A-ASSOCIATE-RQ and -AC: 128 contexts with some thirty transfer syntaxes each fit. */
  maxAssociatePduBytes: 256 * 1024,
  /** The other control PDUs have 4 bytes (PS3.8 9.3.4, 9.3.6 to 9.3.8). */
  smallPduBytes: 4,
  /** Odd identifiers of one byte (PS3.8 9.3.2.2). */
  maxPresentationContexts: 128,
  /** PS3.5 9.1; some peers pad to an even length. */
  maxUidBytes: 66,
  /** PS3.7 D.3.3.2.3. */
  maxVersionNameBytes: 16,
  maxUserInformationItems: 1024,
  /** A command set: a dozen short elements; N-GET's list of attributes may be longer. */
  maxCommandSetBytes: 64 * 1024,
} as const
