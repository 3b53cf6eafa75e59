import { TransferSyntax } from '../dicom/index.ts'
import type { ChooseSyntax } from './negotiation.ts'

/** Uncompressed, or deflated as a whole (PS3.5 A.1, A.2, A.3, A.5): there are no pixels in these data sets. */
const readable = new Set<string>(Object.values(TransferSyntax))

/**
 * For services whose data sets we must understand (N-CREATE, N-SET, N-ACTION), where storage keeps any:
 * the first proposed transfer syntax that we can read and write.
 */
export function chooseReadableSyntax(
  transferSyntaxes: readonly string[],
): ReturnType<ChooseSyntax> {
  const transferSyntax = transferSyntaxes.find((syntax) => readable.has(syntax))
  return transferSyntax === undefined ? 'transferSyntaxesNotSupported' : { transferSyntax }
}
