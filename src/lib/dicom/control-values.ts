import type { ByteSource } from './byte-source.ts'
import type { Element, ParsedDataSet } from './data-set.ts'
import { Tag } from './tag.ts'
import { limitError } from './trouble.ts'

/** Specific Character Set and Pixel Representation are read on the way; more than this is nonsense. */
const longestControlValue = 1024

/**
 * Notes what decides how the elements behind it are understood: the character set, and whether US or SS.
 * @throws FionaError E_DICOM_LIMIT
 */
export function noteControl(
  source: ByteSource,
  dataSet: ParsedDataSet,
  { tag, offset, length }: Element,
): void {
  if (tag === Tag.SpecificCharacterSet) {
    if (length > longestControlValue) throw limitError('Specific Character Set is too long', offset)
    const at = source.at(offset, length)
    const text = source.buffer.toString('latin1', at, at + length).replace(/\0+$/, '')
    dataSet.ownCharacterSets = text.trim() === '' ? [] : text.split('\\').map((term) => term.trim())
  } else if (tag === Tag.PixelRepresentation && length === 2) {
    const at = source.at(offset, 2)
    dataSet.ownSignedPixels = source.buffer[at + (dataSet.littleEndian ? 0 : 1)] === 1
  }
}
