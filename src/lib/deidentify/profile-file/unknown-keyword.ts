import { knownKeywords } from '../../dicom/index.ts'
import { nearest } from '../../text/index.ts'

/** No keyword is longer, and looking for what was meant takes long with long texts. */
const longestKeyword = 64

export function unknownKeyword(written: string, others: readonly string[] = []): string {
  const isShort = written.length <= longestKeyword
  const guess = isShort ? nearest(written, [...others, ...knownKeywords()]) : undefined
  const meant = guess === undefined ? '' : `; did you mean "${guess}"?`
  return `no attribute is called ${JSON.stringify(isShort ? written : `${written.slice(0, longestKeyword)}…`)}${meant}`
}
