/** How much of a data set is parsed, and kept. */
export interface ParseOptions {
  /** Stop in front of the pixel data of the object itself. */
  readonly stopAtPixelData?: boolean
  /** Elements, items and fragments together, where fewer than of any real file are to be expected. */
  readonly maxParts?: number
  /** Bytes that a deflated data set may have inflated; likewise. */
  readonly maxInflatedBytes?: number
  /**
   * Keep the elements of the object itself only. What is inside sequences and encapsulated pixel data is
   * walked as ever, so damage shows, but `items` and `fragments` stay empty: a hostile object of five
   * million of them costs a gigabyte otherwise.
   */
  readonly topLevelOnly?: boolean
  /** With `topLevelOnly`: these sequences of the object itself are kept with what is inside, as far as memory allows. */
  readonly keptSequences?: ReadonlySet<number>
  /** Stop in front of this sequence of the object itself: `walkSequence` goes on, an item at a time. */
  readonly itemByItem?: number
}
