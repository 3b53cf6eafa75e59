/** What pixels look like in memory, after the Image Pixel module (PS3.3 C.7.6.3). */
export interface ImageLayout {
  readonly rows: number
  readonly columns: number
  readonly samples: number
  readonly frames: number
  readonly bitsAllocated: number
  readonly bitsStored: number
  readonly highBit: number
  readonly isSigned: boolean
  /** Photometric Interpretation (0028,0004). */
  readonly interpretation: string
  /** Planar Configuration (0028,0006) is 1: all of one sample, then all of the next. */
  readonly isPlanar: boolean
}

/** How the words of native pixels lie in the bytes of the file. */
export interface ByteOrder {
  readonly littleEndian: boolean
  /** Samples of a byte or less were written as words of the other byte order (PS3.5 8.1.1, OW in big endian). */
  readonly swapsBytes: boolean
}
