import { hash } from 'node:crypto'
import type { DicomFile, Element } from '../../dicom/index.ts'
import type { PixelLayout } from '../../image/index.ts'
import {
  type GrayImage,
  type Rectangle,
  enlarged,
  graymap,
  pixelTrouble,
} from '../../pixels/index.ts'
import type { TextSearch } from './pixel-policy.ts'
import { renderFrame } from './render-frame.ts'
import { runTextSearch } from './run-text-search.ts'
import { textBoxes } from './text-boxes.ts'

/** A film of some seconds. Longer ones take hours to read. */
const mostFrames = 1000
/** Larger pictures are not enlarged. */
const largestSide = 2048
const mostPixels = 1 << 26

/**
 * Where text is in any frame of an object.
 * @throws FionaError E_PIXELS when a frame cannot be shown to the program, E_OCR when that fails
 */
export async function findText(
  file: DicomFile,
  element: Element,
  layout: PixelLayout,
  search: TextSearch,
): Promise<Rectangle[]> {
  if (layout.frames > mostFrames) throw pixelTrouble('there are too many frames to search them')
  if (layout.rows * layout.columns > mostPixels)
    throw pixelTrouble('they are too large to be searched')
  const found = new Map<string, Rectangle>()
  const seen = new Set<string>()
  for (let frame = 0; frame < layout.frames; frame++) {
    const image = await renderFrame(file, element, layout, frame)
    // Frames of a film that stands still are read once.
    const digest = hash('sha256', image.pixels)
    if (seen.has(digest)) continue
    seen.add(digest)
    for (const box of await boxesIn(image, search)) found.set(box.join(), box)
  }
  return [...found.values()]
}

async function boxesIn(image: GrayImage, search: TextSearch): Promise<Rectangle[]> {
  const factor = Math.max(image.rows, image.columns) * 2 <= largestSide ? 2 : 1
  const table = await runTextSearch(search, graymap(enlarged(image, factor)))
  return textBoxes(table, factor, search.confidence)
}
