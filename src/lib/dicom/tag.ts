/** `(gggg,eeee)` of a tag number 0xggggeeee. */
export function formatTag(tag: number): string {
  const digits = tag.toString(16).toUpperCase().padStart(8, '0')
  return `(${digits.slice(0, 4)},${digits.slice(4)})`
}

/** Private attributes have an odd group number (PS3.5 7.8). */
export function isPrivate(tag: number): boolean {
  return (tag & 0x00010000) !== 0
}

/** (gggg,0010-00FF) with odd gggg: the reservation of a block of private elements (PS3.5 7.8.1). */
export function isPrivateCreator(tag: number): boolean {
  const element = tag & 0xffff
  return isPrivate(tag) && element >= 0x10 && element <= 0xff
}

export const Tag = {
  SpecificCharacterSet: 0x00080005,
  PixelRepresentation: 0x00280103,
  TransferSyntaxUID: 0x00020010,
  FloatPixelData: 0x7fe00008,
  DoubleFloatPixelData: 0x7fe00009,
  PixelData: 0x7fe00010,
  Item: 0xfffee000,
  ItemDelimitation: 0xfffee00d,
  SequenceDelimitation: 0xfffee0dd,
} as const
