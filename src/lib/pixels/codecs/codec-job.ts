import type { Band } from '../pixel-mask.ts'

export type WasmCodec = 'jpeg-ls' | 'jpeg-2000' | 'htj2k'

/** What a codestream says of its samples, and has to say again when it is decoded. */
export interface CodedImage {
  readonly rows: number
  readonly columns: number
  readonly samples: number
  /** Bits of a sample, up to 16. */
  readonly precision: number
  readonly isSigned: boolean
}

/** How the samples are to be encoded again; what a codec does not know it leaves out. */
export interface Recoding {
  /** Of one masked pixel, as its samples stand in a word of 8 or 16 bits. */
  readonly blank: readonly number[]
  readonly bands: readonly Band[]
  /** ILV of JPEG-LS: 0 by plane, 1 by line, 2 by pixel. */
  readonly interleave: number
  readonly decompositions: number
  readonly progression: number
  readonly hasColourTransform: boolean
  /** TLM and a tile-part for each resolution, which HTJ2K Lossless RPCL wants (PS3.5 A.4.4). */
  readonly hasTileParts: boolean
}

/** One frame for the thread. Its memory is handed over. */
export interface CodecJob {
  readonly codec: WasmCodec
  readonly frame: Uint8Array<ArrayBuffer>
  readonly image: CodedImage
  /** `undefined`: the samples themselves are wanted. */
  readonly recoding: Recoding | undefined
}

/** Samples of a byte up to 8 bits, else of two in the order of the processor. */
export interface CodecResult {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Of samples: all of one component, then all of the next. */
  readonly isPlanar: boolean
}

export type CodecAnswer = CodecResult | { readonly trouble: string }

/** What the thread is given at its start. */
export interface CodecThreadData {
  /** Of the WebAssembly files. */
  readonly folder: string
  /** That all codecs of a thread may have together. */
  readonly mostBytes: number
}
