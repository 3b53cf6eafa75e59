import { type DicomFile, type Element, type OutElement, textElement } from '../../dicom/index.ts'
import { FionaError } from '../../error/index.ts'
import { type PixelLayout, pixelLayoutOf, type PixelSpool } from '../../image/index.ts'
import {
  type Edit,
  PixelMask,
  type Rectangle,
  clearUnusedBits,
  maskNative,
  pixelTrouble,
} from '../../pixels/index.ts'
import { darkestColour } from './palette-light.ts'
import { findText } from './find-text.ts'
import { type SignOfText, lookAtPixels, signsOfText } from './look-at-pixels.ts'
import { byteOrderOf, editedPixels, maskedFrames } from './masked-pixels.ts'
import { type ObjectPolicy, policyOf } from '../object-policy.ts'
import type { MaskedRegion, PixelAction, PixelPolicy } from './pixel-policy.ts'
import { Reasons } from '../reasons.ts'
import { ultrasoundRegions } from './ultrasound-regions.ts'

const Tag = {
  DeidentificationMethodCodeSequence: 0x00120064,
  BurnedInAnnotation: 0x00280301,
  IconImageSequence: 0x00880200,
  FloatPixelData: 0x7fe00008,
  DoubleFloatPixelData: 0x7fe00009,
  PixelData: 0x7fe00010,
}
/** The smallest and largest values that pixels have, which are others now (PS3.3 C.7.6.3). */
export const ofOldPixels = new Set([
  0x00280106,
  0x00280107,
  0x00280108,
  0x00280109,
  Tag.IconImageSequence,
])

/** Of PS3.16 CID 7050. */
const cleanPixelData: readonly OutElement[] = [
  textElement(0x00080100, 'SH', '113101'),
  textElement(0x00080102, 'SH', 'DCM'),
  textElement(0x00080104, 'LO', 'Clean Pixel Data Option'),
]
/** What is written into cleaned objects: no search may take it for the patient's. */
export const cleanedTexts: readonly string[] = ['Clean Pixel Data Option']

/** What becomes of the pixels of an object. */
export class CleanedPixels {
  /** The rule that left the object out. */
  readonly droppedBy: string | undefined
  /** The rule, or the search for text, by which parts are blank now. */
  readonly cleanedBy: string | undefined
  readonly regions: readonly Rectangle[]
  /** Of the image that has these regions. */
  readonly size: { readonly rows: number; readonly columns: number }
  readonly isSearched: boolean
  readonly #replacing: readonly OutElement[]

  constructor(
    about: {
      readonly droppedBy?: string
      readonly cleanedBy?: string | undefined
      readonly mask?: PixelMask | undefined
      readonly isSearched?: boolean
      readonly replacing?: readonly OutElement[]
    } = {},
  ) {
    this.droppedBy = about.droppedBy
    this.cleanedBy = about.cleanedBy
    this.regions = about.mask?.rectangles() ?? []
    this.size = { rows: about.mask?.rows ?? 0, columns: about.mask?.columns ?? 0 }
    this.isSearched = about.isSearched ?? false
    this.#replacing = about.replacing ?? []
  }

  /** The elements of the object with pixels as they are now, and with what is to be said of them. */
  applyTo(elements: readonly OutElement[]): readonly OutElement[] {
    if (this.#replacing.length === 0) return elements
    const replaced = new Set(this.#replacing.map(({ tag }) => tag))
    const others = elements.filter(({ tag }) => !replaced.has(tag))
    if (this.cleanedBy === undefined) return [...others, ...this.#replacing]
    const kept = others.filter(({ tag }) => tag !== Tag.BurnedInAnnotation && !ofOldPixels.has(tag))
    return [
      ...kept.map((element) =>
        element.tag === Tag.DeidentificationMethodCodeSequence && 'items' in element
          ? { ...element, items: [...element.items, cleanPixelData] }
          : element,
      ),
      ...this.#replacing,
      textElement(Tag.BurnedInAnnotation, 'CS', 'NO'),
    ]
  }
}

/** What a rule, the default or a search for text came to. */
type Outcome =
  | { readonly kind: 'pass' }
  | { readonly kind: 'drop'; readonly by: string }
  | { readonly kind: 'mask'; readonly by: string; readonly mask: PixelMask }

/**
 * Decides about the pixels of an object, and makes them ready. Whatever a person has to look at is added to
 * `reasons`; so is what should have been masked and could not be.
 * @param spool for compressed frames; to be kept until the object is written
 */
export async function cleanPixels(
  file: DicomFile,
  SOPClassUID: string,
  types: readonly string[],
  policy: PixelPolicy,
  reasons: Reasons,
  spool: PixelSpool,
): Promise<CleanedPixels> {
  const objectPolicy = policyOf(SOPClassUID) ?? 'data'
  const work = new PixelWork(file, policy, reasons, spool)
  const outcome = await work.decide(objectPolicy, types)
  if (outcome.kind === 'drop') return new CleanedPixels({ droppedBy: outcome.by })
  return work.make(outcome, objectPolicy, SOPClassUID)
}

class PixelWork {
  readonly #file: DicomFile
  readonly #policy: PixelPolicy
  readonly #reasons: Reasons
  readonly #spool: PixelSpool
  readonly #element: Element | undefined
  readonly #layout: PixelLayout | undefined
  #isSearched = false

  constructor(file: DicomFile, policy: PixelPolicy, reasons: Reasons, spool: PixelSpool) {
    this.#file = file
    this.#policy = policy
    this.#reasons = reasons
    this.#spool = spool
    this.#element = file.dataSet.get(Tag.PixelData)
    this.#layout = pixelLayoutOf(file)
  }

  async decide(objectPolicy: ObjectPolicy, types: readonly string[]): Promise<Outcome> {
    const signs = signsOfText(this.#file, objectPolicy, types)
    const hasPixels = [Tag.PixelData, Tag.FloatPixelData, Tag.DoubleFloatPixelData].some(
      (tag) => this.#file.dataSet.get(tag) !== undefined,
    )
    const rule = hasPixels
      ? this.#policy.rules.find(({ fits }) => fits(this.#file, types))
      : undefined
    if (rule !== undefined) return this.#follow(rule.action, rule.name, signs)
    if (signs.length === 0) return pass
    if (this.#policy.ocr !== undefined && hasPixels) return this.#search(signs)
    return this.#otherwise(signs)
  }

  #follow(action: PixelAction, by: string, signs: readonly SignOfText[]): Outcome {
    switch (action.kind) {
      case 'drop':
        return { kind: 'drop', by }
      case 'review':
        this.#reasons.add('pixel-rule', by)
        return pass
      case 'clean':
        return this.#passUnlessItSaysSo(signs)
      case 'mask':
        return this.#tryToMask(by, signs, (layout) => this.#maskOf(action.region, layout))
    }
  }

  #otherwise(signs: readonly SignOfText[]): Outcome {
    const { otherwise } = this.#policy
    if (otherwise === 'drop') return { kind: 'drop', by: 'pixels.default' }
    if (otherwise === 'keep') return this.#passUnlessItSaysSo(signs)
    this.#hold(signs)
    return pass
  }

  /** No rule overrules an object that says of itself that there is text in it. */
  #passUnlessItSaysSo(signs: readonly SignOfText[]): Outcome {
    this.#hold(signs.filter(({ code }) => code === 'burned-in-annotation'))
    return pass
  }

  #hold(signs: readonly SignOfText[]): void {
    for (const { code, where } of signs) this.#reasons.add(code, where)
  }

  #maskOf(region: MaskedRegion, { rows, columns }: PixelLayout): PixelMask {
    if (region !== 'outsideUltrasoundRegions') return PixelMask.of(region, rows, columns)
    return PixelMask.outside(ultrasoundRegions(this.#file), rows, columns)
  }

  #tryToMask(
    by: string,
    signs: readonly SignOfText[],
    maskOf: (layout: PixelLayout) => PixelMask,
  ): Outcome {
    try {
      if (this.#layout === undefined) throw pixelTrouble('their size is not known')
      const mask = maskOf(this.#layout)
      if (mask.isEmpty) throw pixelTrouble('the mask lies outside of the image')
      return { kind: 'mask', by, mask }
    } catch (error) {
      this.#failed(error, by, signs)
      return pass
    }
  }

  /** @throws what is no trouble with the pixels */
  #failed(error: unknown, by: string, signs: readonly SignOfText[]): void {
    if (!(error instanceof FionaError) || error.code !== 'E_PIXELS') throw error
    this.#reasons.add('pixels-not-masked', `${by}: ${error.message}`)
    this.#hold(signs)
  }

  async #search(signs: readonly SignOfText[]): Promise<Outcome> {
    const { ocr } = this.#policy
    const [element, layout] = [this.#element, this.#layout]
    if (ocr === undefined) return pass
    const by = 'pixels.ocr'
    let words: readonly Rectangle[]
    try {
      if (element === undefined || layout === undefined) throw pixelTrouble('none can be read')
      words = await findText(this.#file, element, layout, ocr)
      this.#isSearched = true
    } catch (error) {
      if (!(error instanceof FionaError) || !/^E_(?:PIXELS|OCR)$/.test(error.code)) throw error
      this.#reasons.add('text-search-failed', `${by}: ${error.message}`)
      this.#hold(signs)
      return pass
    }
    // What the object says and the search did not see is there all the same.
    if (words.length === 0) return this.#passUnlessItSaysSo(signs)
    if (ocr.then === 'review') {
      this.#reasons.add('text-in-pixels', by)
      return pass
    }
    return this.#tryToMask(by, signs, ({ rows, columns }) => PixelMask.of(words, rows, columns))
  }

  async make(
    outcome: Exclude<Outcome, { kind: 'drop' }>,
    objectPolicy: ObjectPolicy,
    SOPClassUID: string,
  ): Promise<CleanedPixels> {
    const looked = new Reasons()
    lookAtPixels(this.#file, objectPolicy, SOPClassUID, looked)
    const found = looked.list()
    const clears =
      this.#policy.overlayBits === 'clear' &&
      found.some(({ code }) => code === 'overlay-in-pixel-data')
    let made: CleanedPixels | undefined
    let isCleared = false
    try {
      made = await this.#made(outcome, clears)
      isCleared = clears
    } catch (error) {
      const by = outcome.kind === 'mask' ? outcome.by : 'pixels.overlayBits'
      this.#failed(error, by, [])
    }
    for (const { code, where, count } of found) {
      if (code !== 'overlay-in-pixel-data' || !isCleared) this.#reasons.add(code, where, count)
    }
    return made ?? new CleanedPixels({ isSearched: this.#isSearched })
  }

  async #made(
    outcome: Exclude<Outcome, { kind: 'drop' }>,
    clears: boolean,
  ): Promise<CleanedPixels> {
    const isSearched = this.#isSearched
    if (outcome.kind === 'pass' && !clears) return new CleanedPixels({ isSearched })
    const [file, element, layout] = [this.#file, this.#element, this.#layout]
    if (element === undefined || layout === undefined) throw pixelTrouble('none can be changed')
    const mask = outcome.kind === 'mask' ? outcome.mask : undefined
    const paletteIndex = darkestColour(file)
    const about = {
      isSearched,
      cleanedBy: outcome.kind === 'mask' ? outcome.by : undefined,
      mask,
    }
    if (element.fragments !== undefined) {
      if (clears) throw pixelTrouble('unused bits of compressed ones cannot be cleared')
      if (mask === undefined) return new CleanedPixels({ isSearched })
      const replacing = await maskedFrames(
        file,
        element,
        layout,
        { mask, paletteIndex },
        this.#spool,
      )
      return new CleanedPixels({ ...about, replacing })
    }
    const order = byteOrderOf(file, element, layout)
    const edits: Edit[] = [
      ...(clears ? [clearUnusedBits(layout, order)] : []),
      ...(mask === undefined ? [] : [maskNative(layout, mask, order, paletteIndex)]),
    ]
    return new CleanedPixels({ ...about, replacing: [editedPixels(file, element, edits)] })
  }
}

const pass = { kind: 'pass' } as const
