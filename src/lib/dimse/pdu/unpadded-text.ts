const blank = 0x20
const nul = 0

/**
 * Latin-1 without padding: blanks on both sides (AE titles), and the NULs some peers append. A loop: the
 * regular expression for this takes quadratic time on a long run of blanks, and 64 KiB of them come in
 * one field.
 */
export function unpaddedText(bytes: Buffer, start = 0, stop = bytes.length): string {
  let from = start
  let to = stop
  while (from < to && bytes[from] === blank) from++
  while (to > from && (bytes[to - 1] === blank || bytes[to - 1] === nul)) to--
  return bytes.toString('latin1', from, to)
}
