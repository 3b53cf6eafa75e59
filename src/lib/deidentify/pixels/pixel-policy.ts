import type { DicomFile } from '../../dicom/index.ts'
import type { Rectangle } from '../../pixels/index.ts'

/** What a project wants done with pictures in which a person could be read. */
export interface PixelPolicy {
  /** The first that fits an object decides about it. */
  readonly rules: readonly PixelRule[]
  /** For objects with signs of text that no rule decides about, and no search for text. */
  readonly otherwise: 'review' | 'keep' | 'drop'
  /** What lies in unused bits of native pixels. */
  readonly overlayBits: 'review' | 'clear'
  /** Text is looked for where there are signs of it and no rule decides; `undefined`: it is not. */
  readonly ocr: TextSearch | undefined
}

export interface PixelRule {
  /** As records and reasons name it. */
  readonly name: string
  readonly fits: (file: DicomFile, types: readonly string[]) => boolean
  readonly action: PixelAction
}

export type PixelAction =
  | { readonly kind: 'mask'; readonly region: MaskedRegion }
  /** Such devices burn nothing in: signs of text are none. What the object says itself still counts. */
  | { readonly kind: 'clean' }
  | { readonly kind: 'review' }
  /** The object is left out. */
  | { readonly kind: 'drop' }

/** Rectangles; or all that is outside of those where the object says ultrasound is (PS3.3 C.8.5.5). */
export type MaskedRegion = readonly Rectangle[] | 'outsideUltrasoundRegions'

export interface TextSearch {
  /** Mask what was found, or let a person look. */
  readonly then: 'mask' | 'review'
  /** A program that speaks as tesseract does, and its arguments in front of ours. */
  readonly command: readonly string[]
  readonly languages: string
  /** Words that it is less sure of are none: 0 to 100. */
  readonly confidence: number
}

/** Without rules: what shows signs of text waits for a person. */
export const reviewPixels: PixelPolicy = {
  rules: [],
  otherwise: 'review',
  overlayBits: 'review',
  ocr: undefined,
}
