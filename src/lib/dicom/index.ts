/**
 * DICOM files (PS3.5, PS3.10): where their elements are, what the values say, and how to write
 * them. Reading walks headers only, so that an object of gigabytes costs as little as a small one;
 * writing yields bytes and ranges of the source file, so that pixels are never held in memory.
 */
export { isRecordedAttribute, readAttributes } from './attributes.ts'
export { definedTermsOf } from './character-sets.ts'
export type { DataSet, Element } from './data-set.ts'
export { isDeclaredText } from './declared-text.ts'
export { decodeText } from './decode-text.ts'
export { DicomFile } from './dicom-file.ts'
export { keywordOf, knownKeywords, tagOf, vrOf } from './dictionary.ts'
export { type MadeValue, type OutElement, type OutPart, encodeDataSet } from './encode-data-set.ts'
export { textElement } from './text-element.ts'
export {
  type FileMeta,
  IMPLEMENTATION_CLASS_UID,
  IMPLEMENTATION_VERSION_NAME,
  encodeFileMeta,
} from './encode-file-meta.ts'
export { encodeText } from './encode-text.ts'
export { inflateFile, isDeflated } from './inflate-file.ts'
export { fileMissing, openHeader } from './open-header.ts'
export type { ParseOptions } from './parse-options.ts'
export { beginsLikeDicom } from './part10.ts'
export { privateElement } from './private-elements.ts'
export { osLevelOf, seriesFields } from './series-fields.ts'
export {
  type SiemensDiffusion,
  siemensDiffusion,
  siemensField,
  siemensFieldNames,
} from './siemens-fields.ts'
export { formatTag, isPrivate, isPrivateCreator } from './tag.ts'
export { type NoTag, readTagForm, type TagForm } from './tag-form.ts'
export { itemsAlong, type TagPath } from './tag-path.ts'
export { type Encoding, TransferSyntax, encodingOf, hasNativePixels } from './transfer-syntax.ts'
export {
  bytesPerUnit,
  isKnownVR,
  isText,
  splitsAtBackslash,
  usesCharacterSet,
} from './value-representation.ts'
