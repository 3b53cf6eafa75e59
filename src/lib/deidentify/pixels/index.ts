/**
 * What becomes of the pixels of an object. A project's policy (`pixel-policy.ts`, read by `compile-pixel-rules.ts`)
 * and signs of text (`look-at-pixels.ts`) decide whether they pass, are masked or wait for a person; `clean-pixels.ts`
 * does it. Native pixels are edited while they pass by, compressed frames are made anew in their own syntax and
 * wait in a spool (`masked-pixels.ts`). Nothing else may be where pixels are: `check-pixel-data.ts` holds what
 * attributes say against the bytes, and `compressed-frames.ts` walks codestreams from marker to marker.
 */
export { checkPixelData } from './check-pixel-data.ts'
export { type CleanedPixels, cleanPixels, cleanedTexts, ofOldPixels } from './clean-pixels.ts'
export { compilePixelRules, conditionsOf } from './compile-pixel-rules.ts'
export { codecOf, walkFrames } from './compressed-frames.ts'
export { signsOfText } from './look-at-pixels.ts'
export { type PixelPolicy, reviewPixels } from './pixel-policy.ts'
export type { Condition } from './rule-conditions.ts'
