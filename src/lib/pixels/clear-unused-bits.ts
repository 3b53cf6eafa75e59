import type { ByteOrder, ImageLayout } from './image-layout.ts'
import type { Edit } from './mask-native.ts'
import { pixelTrouble } from './pixel-trouble.ts'

/**
 * Bits that BitsStored and HighBit leave unused become 0, or copies of the sign above a signed value: what was drawn
 * there (PS3.3 C.9.2, retired) is gone. A chunk begins and ends with a whole word.
 * @throws FionaError E_PIXELS for a layout that is not known
 */
export function clearUnusedBits(image: ImageLayout, order: ByteOrder): Edit {
  const { bitsAllocated, bitsStored, highBit, isSigned } = image
  const isOdd = bitsStored > bitsAllocated || highBit >= bitsAllocated || highBit < bitsStored - 1
  if (isOdd || ![8, 16, 32].includes(bitsAllocated)) {
    throw pixelTrouble('it is not known which of their bits are unused')
  }
  const bytes = bitsAllocated / 8
  // Up to the left end and down to the stored bits: the sign is copied on the way down.
  const left = 31 - highBit
  const low = highBit - bitsStored + 1
  const clean = (word: number) => {
    const above = isSigned ? (word << left) >> left : (word << left) >>> left
    return ((above >> low) << low) >>> 0
  }
  const whole = bitsAllocated === 32 ? 0xffffffff : 2 ** bitsAllocated - 1
  return (chunk) => {
    for (let at = 0; at + bytes <= chunk.length; at += bytes) {
      if (order.littleEndian) {
        chunk.writeUIntLE((clean(chunk.readUIntLE(at, bytes)) & whole) >>> 0, at, bytes)
      } else {
        chunk.writeUIntBE((clean(chunk.readUIntBE(at, bytes)) & whole) >>> 0, at, bytes)
      }
    }
  }
}
