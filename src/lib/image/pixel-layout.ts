import type { DicomFile } from '../dicom/index.ts'
import type { ImageLayout } from '../pixels/index.ts'

/** What the Image Pixel module (PS3.3 C.7.6.3) says of the pixels; undefined where it says nothing usable. */
export interface PixelLayout extends ImageLayout {
  /** Of one frame of native pixels; with one bit allocated a frame may end within a byte. */
  readonly bitsPerFrame: number
}

const Tag = {
  SamplesPerPixel: 0x00280002,
  PhotometricInterpretation: 0x00280004,
  PlanarConfiguration: 0x00280006,
  NumberOfFrames: 0x00280008,
  Rows: 0x00280010,
  Columns: 0x00280011,
  BitsAllocated: 0x00280100,
  BitsStored: 0x00280101,
  HighBit: 0x00280102,
  PixelRepresentation: 0x00280103,
}

/** Bytes for a pixel of eight bits a sample where chrominance is stored less often (C.7.6.3.1.2). */
const subsampled: Readonly<Record<string, number>> = {
  YBR_FULL_422: 2,
  YBR_PARTIAL_422: 2,
  YBR_PARTIAL_420: 1.5,
}

/** @param fixedBits of the samples of Float and Double Float Pixel Data, which need no attribute for it */
export function pixelLayoutOf(file: DicomFile, fixedBits?: number): PixelLayout | undefined {
  const { dataSet } = file
  const read = (tag: number, missing?: number) => {
    const [value] = file.numbers(dataSet, tag)
    return value ?? missing
  }
  const rows = read(Tag.Rows)
  const columns = read(Tag.Columns)
  const samples = read(Tag.SamplesPerPixel, 1)
  const frames = read(Tag.NumberOfFrames, 1)
  const bitsAllocated = fixedBits ?? read(Tag.BitsAllocated)
  if (!isCount(rows) || !isCount(columns) || !isCount(samples)) return undefined
  if (!isCount(frames) || !isCount(bitsAllocated)) return undefined
  const bitsStored = fixedBits ?? read(Tag.BitsStored, bitsAllocated) ?? bitsAllocated
  const highBit = fixedBits === undefined ? read(Tag.HighBit, bitsStored - 1) : fixedBits - 1
  const interpretation = file.string(dataSet, Tag.PhotometricInterpretation) ?? ''
  const sharing = samples === 3 ? subsampled[interpretation] : undefined
  return {
    rows,
    columns,
    samples,
    frames,
    bitsAllocated,
    bitsStored,
    highBit: highBit ?? bitsStored - 1,
    isSigned: read(Tag.PixelRepresentation) === 1,
    interpretation,
    isPlanar: read(Tag.PlanarConfiguration) === 1,
    bitsPerFrame: rows * columns * (sharing ?? samples) * bitsAllocated,
  }
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value > 0
}
