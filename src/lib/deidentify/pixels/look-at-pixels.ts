import type { DicomFile } from '../../dicom/index.ts'
import { checkPixelData } from './check-pixel-data.ts'
import type { ObjectPolicy } from '../object-policy.ts'
import type { Reasons } from '../reasons.ts'

const Tag = {
  ImageType: 0x00080008,
  SOPClassUID: 0x00080016,
  ConversionType: 0x00080064,
  SpecimenLabelInImage: 0x00480010,
  SeriesDescription: 0x0008103e,
  BitsAllocated: 0x00280100,
  BurnedInAnnotation: 0x00280301,
  PixelDataProviderURL: 0x00287fe0,
  PixelData: 0x7fe00010,
}

const wholeSlideImage = '1.2.840.10008.5.1.4.1.1.77.1.6'

/** ImageType as screen shots have it, from several vendors. */
const screenTypes =
  /SCREEN|SNAP ?SHOT|CAPTURE|CSA REPORT|HARD ?COPY|PASTED|DOSE[ _]?(?:INFO|REPORT)|REPORT/i
const screenDescriptions =
  /screen ?(?:shot|save|cap)|snap ?shot|dose (?:report|info)|patient protocol/i

/** What speaks for text in the pixels, and where. */
export interface SignOfText {
  readonly code: 'burned-in-annotation' | 'screen-capture' | 'classified-check-burned-in'
  readonly where: string
}

/** The type by which rules ask for a look at the pixels. */
const checkBurnedIn = 'CHECKBURNEDINFO'

/**
 * Signs that a person could be read in the pixels (PS3.3 C.7.6.1.1.1): what the object says of itself, what it is, and
 * what the classification said of its series.
 */
export function signsOfText(
  file: DicomFile,
  policy: ObjectPolicy,
  types: readonly string[],
): SignOfText[] {
  const signs: SignOfText[] = []
  const burnedIn = file.string(file.dataSet, Tag.BurnedInAnnotation)?.toUpperCase()
  const label = signOfLabel(file)
  if (label !== undefined) signs.push({ code: 'burned-in-annotation', where: label })
  if (burnedIn !== undefined && burnedIn !== 'NO') {
    signs.push({ code: 'burned-in-annotation', where: '(0028,0301) BurnedInAnnotation' })
  } else if (burnedIn === undefined) {
    const where = signOfScreen(file, policy)
    if (where !== undefined) signs.push({ code: 'screen-capture', where })
  }
  if (types.includes(checkBurnedIn)) {
    signs.push({ code: 'classified-check-burned-in', where: 'ClassifyType' })
  }
  return signs
}

/**
 * Whatever is beside the pixels that are described.
 * Pixels are never decoded here: signs are enough to let a person look.
 */
export function lookAtPixels(
  file: DicomFile,
  policy: ObjectPolicy,
  SOPClassUID: string,
  reasons: Reasons,
): void {
  const { dataSet } = file
  lookForOverlays(file, reasons)
  checkPixelData(file, policy, SOPClassUID, reasons)
  if (dataSet.get(Tag.PixelDataProviderURL) !== undefined) {
    reasons.add('pixels-elsewhere', '(0028,7FE0) PixelDataProviderURL')
  }
}

/**
 * The label of a slide has a name, a number and mostly a bar code on it, and often the overview shows it (PS3.3 C.8.12.4.1.1,
 * C.8.12.8). Scanners call that no burned-in annotation.
 */
function signOfLabel(file: DicomFile): string | undefined {
  const { dataSet } = file
  const says = file.string(dataSet, Tag.SpecimenLabelInImage)?.toUpperCase()
  if (says !== undefined && says !== 'NO') return '(0048,0010) SpecimenLabelInImage'
  const flavor = file.strings(dataSet, Tag.ImageType)[2]?.toUpperCase()
  const isSlide = file.string(dataSet, Tag.SOPClassUID) === wholeSlideImage
  const isLabel = flavor === 'LABEL' || (isSlide && flavor === 'OVERVIEW' && says === undefined)
  return isLabel ? '(0008,0008) ImageType' : undefined
}

function signOfScreen(file: DicomFile, policy: ObjectPolicy): string | undefined {
  const { dataSet } = file
  if (policy === 'screen') return '(0008,0016) SOPClassUID'
  // A report with a picture is a picture of something else.
  if (policy !== 'image' && dataSet.get(Tag.PixelData) !== undefined) return '(7FE0,0010) PixelData'
  if (file.strings(dataSet, Tag.ImageType).some((value) => screenTypes.test(value))) {
    return '(0008,0008) ImageType'
  }
  // Of the Secondary Capture Equipment module (C.8.6.1): the picture was converted from something else.
  if (file.string(dataSet, Tag.ConversionType) !== undefined) return '(0008,0064) ConversionType'
  const description = file.string(dataSet, Tag.SeriesDescription)
  if (description !== undefined && screenDescriptions.test(description)) {
    return '(0008,103E) SeriesDescription'
  }
  return undefined
}

/**
 * An overlay of its own (60xx,3000) is removed. Old ones lie in unused bits of the pixel data (PS3.3
 * C.9.2, retired), where removing its description would only hide it.
 */
function lookForOverlays(file: DicomFile, reasons: Reasons): void {
  const { dataSet } = file
  const groups = new Set<number>()
  for (const { tag } of dataSet.elements) {
    if (tag >>> 24 === 0x60 && (tag & 0x10000) === 0) groups.add((tag & 0xffff0000) >>> 0)
  }
  for (const group of groups) {
    const hasData = dataSet.get(group + 0x3000) !== undefined
    const bits = file.numbers(dataSet, group + 0x0100)[0]
    const isInPixels = !hasData && bits !== undefined && bits > 1
    const position = file.numbers(dataSet, group + 0x0102)[0]
    if (isInPixels || (!hasData && position !== undefined && position > 0)) {
      reasons.add('overlay-in-pixel-data', '(60xx,0102) OverlayBitPosition')
    }
  }
}
