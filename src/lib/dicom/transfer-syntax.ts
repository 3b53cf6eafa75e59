/** Transfer syntaxes that decide how a data set is written (PS3.5 annex A); all others are explicit VR little endian. */
export const TransferSyntax = {
  ImplicitVRLittleEndian: '1.2.840.10008.1.2',
  ExplicitVRLittleEndian: '1.2.840.10008.1.2.1',
  DeflatedExplicitVRLittleEndian: '1.2.840.10008.1.2.1.99',
  ExplicitVRBigEndian: '1.2.840.10008.1.2.2',
} as const

/** How the bytes of a data set are to be read. */
export interface Encoding {
  readonly littleEndian: boolean
  readonly explicitVR: boolean
}

/** JPIP referenced deflate and its HTJ2K successor: deflated like the plain one (PS3.5 A.5, A.7). */
const deflated = new Set<string>([
  TransferSyntax.DeflatedExplicitVRLittleEndian,
  '1.2.840.10008.1.2.4.95',
  '1.2.840.10008.1.2.4.205',
])

/** GE's private syntax: implicit little endian but for the order of its pixels. */
const implicit = new Set<string>([TransferSyntax.ImplicitVRLittleEndian, '1.2.840.113619.5.2'])

const native = new Set<string>([...Object.values(TransferSyntax), '1.2.840.113619.5.2'])

/** Whether pixels are a plain array of numbers (PS3.5 8.1.1), and not fragments; deflated or not. */
export function hasNativePixels(transferSyntaxUID: string): boolean {
  return native.has(transferSyntaxUID)
}

export function encodingOf(transferSyntaxUID: string): Encoding & { readonly deflated: boolean } {
  return {
    littleEndian: transferSyntaxUID !== TransferSyntax.ExplicitVRBigEndian,
    explicitVR: !implicit.has(transferSyntaxUID),
    deflated: deflated.has(transferSyntaxUID),
  }
}
