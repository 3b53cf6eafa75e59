import { closeSync, fsyncSync } from 'node:fs'
import {
  type DicomFile,
  type OutElement,
  TransferSyntax,
  encodeDataSet,
  encodeFileMeta,
  textElement,
} from '../../dicom/index.ts'
import { checkPixelData, ofOldPixels } from '../pixels/index.ts'
import { policyOf } from '../object-policy.ts'
import { methodItem } from '../profile/profile.ts'
import { methodCodes } from '../profile/profile-options.ts'
import { Reasons } from '../reasons.ts'
import { writeInPieces } from '../study/write-object.ts'
import { differenceBetween, hasSamePixels } from './compare-objects.ts'
import { defacingError } from './run-defacing.ts'

const Tag = {
  DeidentificationMethodCodeSequence: 0x00120064,
  CodeValue: 0x00080100,
  RecognizableVisualFeatures: 0x00280302,
}
const [cleanedCode, cleanedMeaning] = methodCodes.cleanRecognizableVisualFeatures
/** What is written into defaced objects: no search may take it for the patient's. */
export const defacedTexts: readonly string[] = [cleanedMeaning]

/** Native little endian, and what can be encoded without another loss; all of them we read. */
const syntaxes = new Set<string>([
  TransferSyntax.ImplicitVRLittleEndian,
  TransferSyntax.ExplicitVRLittleEndian,
  ...['5', '4.57', '4.70', '4.80', '4.90', '4.201'].map((end) => `1.2.840.10008.1.2.${end}`),
])

/**
 * A file of what the command made: its pixels, and what we say of them. File meta and preamble are ours. What was written is read again and
 * held against what was given, so that nothing the command may do later matters.
 * @returns its size in bytes, and whether its pixels are others than those given
 * @throws FionaError E_DEFACE when anything else than pixels changed; the file is then to be thrown away
 */
export function makeDefaced(
  given: DicomFile,
  from: DicomFile,
  uids: { readonly SOPClassUID: string; readonly SOPInstanceUID: string },
  path: string,
  open: (path: string) => DicomFile,
  isDurable: boolean,
): { readonly bytes: number; readonly isChanged: boolean } {
  const isSameSyntax = from.transferSyntaxUID === given.transferSyntaxUID
  if (!isSameSyntax && !syntaxes.has(from.transferSyntaxUID)) {
    throw defacingError('the command wrote a transfer syntax that is not taken')
  }
  const meta = encodeFileMeta({
    MediaStorageSOPClassUID: uids.SOPClassUID,
    MediaStorageSOPInstanceUID: uids.SOPInstanceUID,
    // Inflated by the reader, and not deflated again.
    TransferSyntaxUID: from.deflated
      ? TransferSyntax.ExplicitVRLittleEndian
      : from.transferSyntaxUID,
  })
  const fd = writeInPieces(path, [meta, ...encodeDataSet(elementsOf(given, from), from)], from)
  try {
    if (isDurable) fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  using made = open(path)
  const difference = differenceBetween(given, made)
  if (difference !== undefined) {
    throw defacingError(`the command changed more than pixels: ${difference}`)
  }
  const reasons = new Reasons()
  checkPixelData(made, policyOf(uids.SOPClassUID) ?? 'image', uids.SOPClassUID, reasons)
  const [wrong] = reasons.list()
  if (wrong !== undefined) {
    throw defacingError(`the command wrote pixels that are not those described: ${wrong.code}`)
  }
  return { bytes: made.size, isChanged: !hasSamePixels(given, made) }
}

function elementsOf(given: DicomFile, from: DicomFile): OutElement[] {
  const said = new Set<number>([
    Tag.DeidentificationMethodCodeSequence,
    Tag.RecognizableVisualFeatures,
  ])
  return [
    ...from.dataSet.elements
      .filter(({ tag }) => !said.has(tag) && !ofOldPixels.has(tag))
      .map((element): OutElement => ({ tag: element.tag, vr: element.vr, copy: element })),
    textElement(Tag.RecognizableVisualFeatures, 'CS', 'NO'),
    { tag: Tag.DeidentificationMethodCodeSequence, vr: 'SQ', items: codesOf(given) },
  ]
}

/** What was said already, and the option once (PS3.16 CID 7050). */
function codesOf(given: DicomFile): readonly (readonly OutElement[])[] {
  const items = given.dataSet.get(Tag.DeidentificationMethodCodeSequence)?.items ?? []
  const already = items.map(({ elements }) =>
    elements.map((element): OutElement => {
      return { tag: element.tag, vr: element.vr, value: given.bytes(element) }
    }),
  )
  const isSaid = items.some((item) => given.string(item, Tag.CodeValue) === cleanedCode)
  return isSaid ? already : [...already, methodItem([cleanedCode, cleanedMeaning])]
}
