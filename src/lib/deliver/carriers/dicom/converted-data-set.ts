import {
  type DataSet,
  DicomFile,
  type Element,
  type OutElement,
  TransferSyntax,
  bytesPerUnit,
  encodeDataSet,
  encodingOf,
  formatTag,
} from '../../../dicom/index.ts'
import type { DataSetSource } from '../../../dimse/index.ts'
import { ExitCode, FionaError } from '../../../error/index.ts'
import { isDecodable } from '../../../image/index.ts'
import type { Destination } from '../../destination.ts'
import { DataSetOfParts } from './data-set-of-parts.ts'

const { ImplicitVRLittleEndian, ExplicitVRLittleEndian } = TransferSyntax
const native = new Set<string>(Object.values(TransferSyntax))

/**
 * What an object can be written in instead without any loss, the better first: among the syntaxes whose pixels are
 * native only lengths, value representations and byte order differ (PS3.5 annex A.1, A.2, A.3, A.5). Every peer should
 * take implicit VR (PS3.5 10.1), which cannot say the VR of private elements. Compressed pixels are decompressed where that is allowed, and
 * exact.
 */
export function losslessAlternatives(
  transferSyntaxUID: string,
  transcode: Destination['transcode'],
): readonly string[] {
  const isDecoded = transcode === 'lossless' && isDecodable(transferSyntaxUID)
  if (!native.has(transferSyntaxUID) && !isDecoded) return []
  return [ExplicitVRLittleEndian, ImplicitVRLittleEndian].filter((one) => one !== transferSyntaxUID)
}

/**
 * The data set of a file, written in another transfer syntax with native pixels.
 * @param to one of `losslessAlternatives`
 * @throws FionaError E_DICOM_PARSE, E_DICOM_LIMIT, E_FILE_READ; E_DICOM_ENCODE when it cannot be done exactly
 */
export function convertedDataSet(path: string, to: string): DataSetSource {
  const file = DicomFile.open(path)
  const close = (): void => {
    file.close()
  }
  try {
    const { dataSet } = file
    const elements = dataSet.littleEndian ? copiesOf(dataSet) : swappedCopiesOf(dataSet, file)
    return new DataSetOfParts(file, encodeDataSet(elements, encodingOf(to)), close)
  } catch (error) {
    close()
    throw error
  }
}

/** Whether it can be written while it is sent. */
export function hasNativePixels(transferSyntaxUID: string): boolean {
  return native.has(transferSyntaxUID)
}

function copiesOf({ elements }: DataSet): OutElement[] {
  return elements.map((copy) => ({ tag: copy.tag, vr: copy.vr, copy }))
}

/** Of a big endian data set: numbers change their byte order, whatever their depth. */
function swappedCopiesOf({ elements }: DataSet, file: DicomFile): OutElement[] {
  return elements.map((copy) => {
    const { tag, vr, items, length } = copy
    if (items !== undefined) {
      // Those within UN are little endian whatever is around them (PS3.5 6.2.2).
      if (items.every(({ littleEndian }) => littleEndian)) return { tag, vr, copy }
      return { tag, vr: 'SQ', items: items.map((item) => swappedCopiesOf(item, file)) }
    }
    if (vr === 'UN' && length > 0) throw unknownOrder(tag)
    const unit = bytesPerUnit(vr)
    if (unit === 1 || length === 0) return { tag, vr, copy }
    if (length % unit !== 0) throw unknownOrder(tag)
    return { tag, vr, made: swapped(copy, unit, file) }
  })
}

function swapped({ offset, length }: Element, unit: number, file: DicomFile) {
  return {
    length,
    undefinedLength: false,
    readInto(target: Buffer, at: number): void {
      const before = at % unit
      const bytes = Math.ceil((before + target.length) / unit) * unit
      const units = Buffer.allocUnsafe(bytes)
      file.rangeInto(units, offset + at - before)
      if (unit === 2) units.swap16()
      else if (unit === 4) units.swap32()
      else units.swap64()
      units.copy(target, 0, before)
    },
  }
}

function unknownOrder(tag: number): FionaError {
  return new FionaError(
    'E_DICOM_ENCODE',
    `the byte order of ${formatTag(tag)} cannot be changed: nobody knows what its numbers are`,
    {
      hint: 'the object is explicit VR big endian, which the destination does not take; convert the file first',
      exitCode: ExitCode.badInput,
    },
  )
}
