// What we use of the codecs' JavaScript around their WebAssembly; the packages have no types.

interface WasmFrameInfo {
  readonly width: number
  readonly height: number
  readonly bitsPerSample: number
  readonly componentCount: number
  readonly isSigned: boolean
  readonly isUsingColorTransform: boolean
}

interface WasmObject {
  delete(): void
}

interface WasmDecoder extends WasmObject {
  /** Memory of the codec, to be filled. */
  getEncodedBuffer(length: number): Uint8Array
  decode(): void
  getFrameInfo(): Partial<WasmFrameInfo>
  /** Memory of the codec, until it is used again. */
  getDecodedBuffer(): ArrayLike<number>
}

interface WasmEncoder extends WasmObject {
  getDecodedBuffer(info: WasmFrameInfo): Uint8Array
  encode(): void
  getEncodedBuffer(): ArrayLike<number>
}

interface WaveletEncoder extends WasmEncoder {
  setQuality(isLossless: boolean, quality: number): void
  setDecompositions(count: number): void
  setProgressionOrder(order: number): void
}

interface WasmOptions {
  readonly wasmBinary: Uint8Array
  readonly print: () => void
  readonly printErr: () => void
}

declare module '@cornerstonejs/codec-charls/wasmjs' {
  interface CharLs {
    JpegLSDecoder: new () => WasmDecoder & { getInterleaveMode(): number }
    JpegLSEncoder: new () => WasmEncoder & {
      setNearLossless(near: number): void
      setInterleaveMode(mode: number): void
    }
  }
  export default function load(options: WasmOptions): Promise<CharLs>
}

declare module '@cornerstonejs/codec-openjpeg/wasmjs' {
  interface OpenJpeg {
    J2KDecoder: new () => WasmDecoder
    J2KEncoder: new () => WaveletEncoder
  }
  export default function load(options: WasmOptions): Promise<OpenJpeg>
}

declare module '@cornerstonejs/codec-openjph/wasmjs' {
  interface OpenJph {
    HTJ2KDecoder: new () => WasmDecoder
    HTJ2KEncoder: new () => WaveletEncoder & {
      setTLMMarker(isWanted: boolean): void
      setTilePartDivisionsAtResolutions(isWanted: boolean): void
    }
  }
  export default function load(options: WasmOptions): Promise<OpenJph>
}

/** Of the browser's types the one we need. */
declare namespace WebAssembly {
  class Memory {
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }
}
