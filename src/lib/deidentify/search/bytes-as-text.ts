// How bytes that are no text are read as one, each byte a character.

/** As bytes only ASCII is made small: other letters are looked for as they may stand there. */
export function casesOf(term: string): string[] {
  if (/^[\x00-\x7f]*$/.test(term)) return [term]
  return [term, term.toUpperCase(), term.charAt(0).toUpperCase() + term.slice(1)]
}

/** Without a control character it is text; with NULs between perhaps UTF-16. */
export function isTextual(raw: string): boolean {
  return /^[^\x01-\x08\x0e-\x1f\x7f]*$/.test(raw) && /[\t-\r -~]{6}|(?:[ -~]\0{1,3}){6}/.test(raw)
}

export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** Three characters and more without a control character, a letter among them: shorter numbers are anybody's. */
export function isWord(raw: string): boolean {
  return raw.length >= 3 && /^[^\x00-\x1f\x7f]+$/.test(raw) && /[A-Za-z\x80-\xff]/.test(raw)
}
