import type { ImageLayout } from './image-layout.ts'
import { pixelTrouble } from './pixel-trouble.ts'

/** Where chrominance is nothing, in eights of the range. */
const black: Readonly<Record<string, 'zero' | 'full' | 'partial'>> = {
  MONOCHROME2: 'zero',
  RGB: 'zero',
  YBR_RCT: 'zero',
  YBR_ICT: 'zero',
  YBR_FULL: 'full',
  YBR_FULL_422: 'full',
  YBR_PARTIAL_422: 'partial',
  YBR_PARTIAL_420: 'partial',
}

/**
 * The samples of a pixel that is shown black (PS3.3 C.7.6.3.1.2), as numbers of bitsStored bits: the smallest
 * value of MONOCHROME2, the largest of MONOCHROME1; a signed one in two's complement.
 * @param paletteIndex of a dark colour, where there is a palette
 * @throws FionaError E_PIXELS where no value is known to be black
 */
export function blankPixel(
  { interpretation, samples, bitsStored, isSigned }: ImageLayout,
  paletteIndex: number | undefined,
): number[] {
  const half = 2 ** (bitsStored - 1)
  const smallest = isSigned ? half : 0
  const largest = isSigned ? half - 1 : 2 * half - 1
  if (interpretation === 'MONOCHROME1' && samples === 1) return [largest]
  if (interpretation === 'PALETTE COLOR' && samples === 1 && paletteIndex !== undefined) {
    return [paletteIndex]
  }
  const kind = Object.hasOwn(black, interpretation) ? black[interpretation] : undefined
  const isMonochrome = interpretation === 'MONOCHROME2'
  if (kind === undefined || samples !== (isMonochrome ? 1 : 3)) {
    throw pixelTrouble('their photometric interpretation has no black that is known')
  }
  if (kind === 'zero') return Array.from({ length: samples }, () => smallest)
  return [kind === 'partial' ? half / 8 : 0, half, half]
}

/** As the sample stands in a word of bitsAllocated bits; copies of the sign are above a signed one. */
export function wordOf(
  value: number,
  { bitsAllocated, bitsStored, highBit, isSigned }: ImageLayout,
): number {
  const shifted = value * 2 ** (highBit - bitsStored + 1)
  const isNegative = isSigned && value >= 2 ** (bitsStored - 1)
  return isNegative ? shifted + 2 ** bitsAllocated - 2 ** (highBit + 1) : shifted
}
