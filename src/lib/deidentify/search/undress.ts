/**
 * The dresses in which a text or bytes may hold a name that no plain search sees: UTF-16, the other byte order, letters
 * set apart or over two lines, escapes of HTML, URLs and JSON, base64, hexadecimal. Each costs a look at a pattern where there is none.
 */

const mostUnfolded = 1 << 20

/** Other readings of a text, those that differ from it. */
export function undressed(text: string): string[] {
  const readings: string[] = []
  // Every other character a NUL: UTF-16 where eight bits are meant.
  if (/[^\0]\0[^\0]\0[^\0]/.test(text)) readings.push(text.replaceAll('\0', ''))
  const joined = text.replace(lettersApart, (letters) => letters.replace(/[^\p{L}\p{N}]/gu, ''))
  if (joined !== text) readings.push(joined)
  const inOneLine = text.replace(/-[ \t]*[\r\n]+[ \t]*/g, '')
  if (inOneLine !== text) readings.push(inOneLine)
  const plain = text.replace(escapes, characterOf)
  if (plain !== text) readings.push(plain)
  for (const run of text.slice(0, mostUnfolded).match(base64) ?? []) {
    readings.push(Buffer.from(run, 'base64').toString('utf8'))
  }
  for (const run of text.slice(0, mostUnfolded).match(hexadecimal) ?? []) {
    const digits = run.replace(/0x|[^\da-f]/gi, '')
    readings.push(Buffer.from(digits, 'hex').toString('utf8'))
  }
  return readings
}

/** Four and more single letters or digits with one separator between each. */
const lettersApart = /(?<![\p{L}\p{N}])(?:[\p{L}\p{N}][ ._\-*|]){4,}[\p{L}\p{N}](?![\p{L}\p{N}])/gu
/** Of nine bytes and more. */
const base64 = /[A-Za-z0-9+/]{12,}={0,2}/g

/** Of six bytes and more, with or without something between. */
const hexadecimal = /(?:(?:0x)?[\da-f]{2}[ ,:-]{0,2}){6,}/gi
const escapes =
  /&#(\d{1,7});|(?:&#x([\da-f]{1,6});|%([\da-f]{2})|\\u([\da-f]{4})|\\x([\da-f]{2}))/gi

function characterOf(found: string, decimal?: string, ...hexadecimals: unknown[]): string {
  // Behind the groups stand the place and the whole text.
  const digits = hexadecimals.slice(0, 4).find((one) => typeof one === 'string') ?? ''
  const code = decimal === undefined ? Number.parseInt(digits, 16) : Number(decimal)
  return code <= 0x10ffff ? String.fromCodePoint(code) : found
}

/**
 * Other readings of bytes, in small letters: without the NULs of UTF-16, and numbers in the other byte order.
 * @param lowered the bytes as latin1, ASCII in small letters
 * @param unit bytes of a number, which is written in the byte order of the file
 */
export function undressedBytes(lowered: string, unit: number): string[] {
  const readings: string[] = []
  if (/(?:[\x20-\x7e]\0){5}/.test(lowered)) readings.push(lowered.replaceAll('\0', ''))
  if (unit > 1 && /[\x20-\x7e]{5}/.test(lowered)) {
    const numbers = Buffer.from(
      lowered.slice(0, lowered.length - (lowered.length % unit)),
      'latin1',
    )
    if (unit === 2) numbers.swap16()
    else if (unit === 4) numbers.swap32()
    else numbers.swap64()
    readings.push(numbers.toString('latin1'))
  }
  return readings
}
