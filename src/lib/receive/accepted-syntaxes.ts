import { type ChooseSyntax, VERIFICATION, chooseReadableSyntax } from '../dimse/index.ts'
import { isUid } from '../uid/index.ts'

/** Everything that DICOM itself defines. */
const dicomRoot = '1.2.840.10008.'
/** Nearly all storage SOP classes, the ones of future supplements too (PS3.6 annex A). */
const storageRoot = '1.2.840.10008.5.1.4.1.1.'
/** The storage SOP classes outside of it; retired ones included, because archives still send them. */
const otherStorage = new Set([
  '1.2.840.10008.5.1.1.27', // Stored Print
  '1.2.840.10008.5.1.1.29', // Hardcopy Grayscale Image
  '1.2.840.10008.5.1.1.30', // Hardcopy Color Image
  '1.2.840.10008.5.1.4.34.1', // RT Beams Delivery Instruction (trial)
  '1.2.840.10008.5.1.4.34.7', // RT Beams Delivery Instruction
  '1.2.840.10008.5.1.4.34.10', // RT Brachy Application Setup Delivery Instruction
  '1.2.840.10008.5.1.4.38.1', // Hanging Protocol
  '1.2.840.10008.5.1.4.39.1', // Color Palette
  '1.2.840.10008.5.1.4.43.1', // Generic Implant Template
  '1.2.840.10008.5.1.4.44.1', // Implant Assembly Template
  '1.2.840.10008.5.1.4.45.1', // Implant Template Group
])

/**
 * What can be stored. Promiscuous: private SOP classes too. What DICOM defines for another purpose
 * (worklists, printing) is refused in either case: to accept it would be a promise we do not keep.
 */
export function isStorageClass(abstractSyntax: string, promiscuous: boolean): boolean {
  if (abstractSyntax.startsWith(storageRoot) || otherStorage.has(abstractSyntax)) return true
  return promiscuous && !abstractSyntax.startsWith(dicomRoot)
}

/**
 * The first transfer syntax that the sender proposes, whichever it is: bytes are kept as they come, so
 * every one serves, and senders put first what they have. Not so for other services.
 * @param others their SOP classes
 */
export function chooseSyntax(
  promiscuous: boolean,
  others: ReadonlyMap<string, unknown> = new Map(),
): ChooseSyntax {
  return (abstractSyntax, transferSyntaxes) => {
    if (others.has(abstractSyntax)) return chooseReadableSyntax(transferSyntaxes)
    const isKnown =
      abstractSyntax === VERIFICATION ||
      (isUid(abstractSyntax) && isStorageClass(abstractSyntax, promiscuous))
    if (!isKnown) return 'abstractSyntaxNotSupported'
    const transferSyntax = transferSyntaxes.find(isUid)
    return transferSyntax === undefined ? 'transferSyntaxesNotSupported' : { transferSyntax }
  }
}
