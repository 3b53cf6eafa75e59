import { foldText, withoutUnseen } from '../search/fold-text.ts'

/**
 * Names and identifiers that an object says of its patient and staff, as words: they go even where they are words of
 * imaging (a Mr. Head).
 */
export type Unwanted = ReadonlySet<string>

/** Numbers with a unit or a letter that says what they are, reconstruction kernels, and sizes. */
const measures: readonly RegExp[] = [
  /^\d{1,4}(?:mm|cm|um|ms|msec|s|sec|min|hz|khz|mhz|t|deg|kv|kvp|ma|mas|ml|mg|mbq|mci|bpm|ppm|pct|x|d|ch|vol|dir|dirs|sl|ave|nex)$/,
  /^(?:b|te|tr|ti|fa|p|s|r|n|x|v|venc|tof|fov|gap|slice|phase|echo|nex|acc|mb|ipat|l|t|c|th)\d{1,4}$/,
  /^\d{1,3}x\d{1,3}(?:x\d{1,3})?(?:mm)?$/,
  /^[bdhijqstu][afhrv]?\d{2}[fhsmi]?$/,
  /^t[12](?:w|wi|star)?$/,
]
const glue = new Set('and or of the to in on for from at by per via with without w wo'.split(' '))
const smallNumber = /^\d{1,3}$/
/** Numbers in a row with this many digits may be a date or a telephone number. */
const mostDigitsInRow = 4

interface Token {
  readonly text: string
  /** What stands between it and the one before. */
  readonly before: string
  readonly isNumber: boolean
  /** Says something together with its neighbours only. */
  readonly isWeak: boolean
  keeps: boolean
}

/**
 * What is left of a description: words of the vocabulary, measures, and small numbers that have neither a
 * removed word nor a row of numbers beside them. '' where nothing is left. The same for the same text, whatever
 * else the study holds.
 */
export function cleanText(
  text: string,
  vocabulary: ReadonlySet<string>,
  unwanted: Unwanted,
): string {
  // What is not seen may stand inside of a word, and hide it.
  const tokens = tokensOf(withoutUnseen(text), vocabulary, unwanted)
  dropRowsOfNumbers(tokens)
  dropBesideDropped(tokens)
  let cleaned = ''
  let isAfterKept = false
  for (const token of tokens) {
    if (token.keeps) {
      if (cleaned !== '') cleaned += isAfterKept ? separatorOf(token.before) : ' '
      cleaned += token.text
    }
    isAfterKept = token.keeps
  }
  return cleaned
}

function tokensOf(text: string, vocabulary: ReadonlySet<string>, unwanted: Unwanted): Token[] {
  const tokens: Token[] = []
  let end = 0
  for (const match of text.matchAll(/[\p{L}\p{M}\p{N}]+/gu)) {
    const [word] = match
    const folded = foldText(word)
    const isNumber = /^\d+$/.test(folded)
    const isKnown = isNumber
      ? smallNumber.test(folded)
      : vocabulary.has(folded) || measures.some((form) => form.test(folded))
    tokens.push({
      text: isPlain(word) ? word : folded,
      before: text.slice(end, match.index),
      isNumber,
      isWeak: isNumber || glue.has(folded),
      keeps: isKnown && !unwanted.has(folded),
    })
    end = match.index + word.length
  }
  return tokens
}

/** 23.04.1961, 58 123 45 67 */
function dropRowsOfNumbers(tokens: readonly Token[]): void {
  for (let at = 0; at < tokens.length;) {
    let end = at
    while (tokens[end]?.isNumber === true) end += 1
    const row = tokens.slice(at, end)
    const digits = row.reduce((sum, { text }) => sum + text.length, 0)
    if (row.length > 2 && digits > mostDigitsInRow) for (const token of row) token.keeps = false
    at = end + 1
  }
}

/** A number beside what was removed may be a part of it; `of` beside it says nothing. */
function dropBesideDropped(tokens: readonly Token[]): void {
  const dropAfterDropped = (order: readonly Token[]) => {
    order.forEach((token, at) => {
      if (token.isWeak && order[at - 1]?.keeps === false) token.keeps = false
    })
  }
  dropAfterDropped(tokens)
  dropAfterDropped(tokens.toReversed())
}

function separatorOf(between: string): string {
  return /^[ _\-+/.,:;()*&=%]{1,3}$/.test(between) ? between : ' '
}

function isPlain(word: string): boolean {
  return /^[\x21-\x7e]+$/.test(word)
}
