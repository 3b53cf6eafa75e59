import { isUtf8 } from 'node:buffer'
import { withPlainDates } from './undress-dates.ts'
import { decodeWindows1252 } from './windows-1252.ts'

/**
 * The dresses in which a text or bytes may hold a name that no plain search sees: UTF-16, UTF-8 taken for Latin-1, the other byte
 * order, letters set apart or over two lines, escapes of HTML, URLs, mails and JSON, base64, hexadecimal, lists of bytes,
 * dates in other languages. Each costs a look at a pattern where there is none.
 */

const mostUnfolded = 1 << 20

/** Other readings of a text, those that differ from it. */
export function undressed(text: string): string[] {
  const readings = new Set<string>()
  // Every other character a NUL: UTF-16 where eight bits are meant.
  if (/[^\0]\0[^\0]\0[^\0]/.test(text)) readings.add(text.replaceAll('\0', ''))
  readings.add(text.replace(lettersApart, (letters) => letters.replace(/[^\p{L}\p{N}]/gu, '')))
  readings.add(text.replace(/-[ \t]*[\r\n]+[ \t]*/g, ''))
  readings.add(text.replace(utf8AsLatin1, readAgain))
  readings.add(withPlainDates(text))
  // What is escaped twice has an escape in it yet.
  const plain = unescaped(text)
  readings.add(plain).add(unescaped(plain))
  for (const reading of spelledInNumbers(text)) readings.add(reading)
  for (const run of text.slice(0, mostUnfolded).match(base64) ?? []) {
    for (const reading of readingsOf(Buffer.from(run, 'base64'))) readings.add(reading)
  }
  for (const run of text.slice(0, mostUnfolded).match(hexadecimal) ?? []) {
    const digits = run.replace(/0x|[^\da-f]/gi, '')
    for (const reading of readingsOf(Buffer.from(digits, 'hex'))) readings.add(reading)
  }
  readings.delete(text)
  return [...readings]
}

/** Texts whose bytes, or letters, are listed in decimal numbers: `77 252 108 108 101 114`. */
export function spelledInNumbers(text: string): string[] {
  return (text.slice(0, mostUnfolded).match(listOfBytes) ?? []).flatMap((run) => {
    const numbers = run.split(/\D+/).map(Number)
    return numbers.every((number) => number < 256) ? readingsOf(Buffer.from(numbers)) : []
  })
}

/** As UTF-8, and as Latin-1 or UTF-16 where that gives letters alone: other bytes have a short name in them by chance. */
function readingsOf(bytes: Buffer): string[] {
  const readings = [bytes.toString('utf8')]
  const latin = bytes.toString('latin1')
  const letters = latin.replaceAll('\0', '')
  const isWide = letters.length <= latin.length * 0.75
  if (!isUtf8(bytes) || isWide) {
    if (/^[\t\r\n\x20-\x7e\xc0-\xff]*$/.test(isWide ? letters : latin)) readings.push(letters)
  }
  return readings
}

/** Four and more single letters or digits with one separator between each. */
const lettersApart = /(?<![\p{L}\p{N}])(?:[\p{L}\p{N}][ ._\-*|]){4,}[\p{L}\p{N}](?![\p{L}\p{N}])/gu
/** Of nine bytes and more, also as URLs and the names of files have it. */
const base64 = /[A-Za-z0-9+/_-]{12,}={0,2}/g
/** Of six bytes and more, with or without something between. */
const hexadecimal = /(?:(?:0x)?[\da-f]{2}[ ,:-]{0,2}){6,}/gi
/** Of six bytes and more, none of them a control character. */
const listOfBytes = /(?<![\d.])(?:(?:3[2-9]|[4-9]\d|[12]\d\d)[ ,;/\\]{1,2}){5,}\d{2,3}(?![\d.])/g

/** Two bytes of UTF-8 that each became a character, by Latin-1 or Windows-1252. */
const utf8AsLatin1 = /(?:[\u00c2-\u00df][\u0080-\u00bf\u0152-\u0192\u02c6\u02dc\u2013-\u2122])+/g
/** What Windows-1252 has at 0x80 to 0x9f. */
const windows1252 = decodeWindows1252(Buffer.from(Array.from({ length: 32 }, (_, at) => 0x80 + at)))

function readAgain(found: string): string {
  const bytes = Buffer.from(
    Array.from(found, (letter) => {
      const at = windows1252.indexOf(letter)
      return at === -1 ? letter.charCodeAt(0) : 0x80 + at
    }),
  )
  return isUtf8(bytes) ? bytes.toString('utf8') : found
}

/** Bytes as URLs and mails write them; several may be one letter of UTF-8. */
const escapedBytes = /(?:%[\da-f]{2})+|(?:=[\da-f]{2})+/gi
const escapes = /&#(\d{1,7});|(?:&#x([\da-f]{1,6});|\\u([\da-f]{4})|\\x([\da-f]{2}))/gi
/** Letters of Latin-1 by their names in HTML: the accent is a mark behind the letter, and the letters without one. */
const named =
  /&([a-z])(uml|acute|grave|circ|tilde|cedil|ring);|&(szlig|aelig|oslash|eth|thorn|amp);/gi
const marks: Readonly<Record<string, string>> = {
  uml: '\u0308',
  acute: '\u0301',
  grave: '\u0300',
  circ: '\u0302',
  tilde: '\u0303',
  cedil: '\u0327',
  ring: '\u030a',
}
const namedLetters: Readonly<Record<string, string>> = {
  szlig: 'ß',
  aelig: 'æ',
  oslash: 'ø',
  eth: 'ð',
  thorn: 'þ',
  amp: '&',
}

function unescaped(text: string): string {
  return text
    .replace(named, (_: string, letter?: string, accent?: string, name?: string) =>
      name === undefined
        ? `${letter ?? ''}${marks[accent?.toLowerCase() ?? ''] ?? ''}`
        : (namedLetters[name.toLowerCase()] ?? ''),
    )
    .replace(escapedBytes, (run) => {
      const bytes = Buffer.from(run.replace(/[%=]/g, ''), 'hex')
      return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1')
    })
    .replace(escapes, characterOf)
}

function characterOf(found: string, decimal?: string, ...hexadecimals: unknown[]): string {
  // Behind the groups stand the place and the whole text.
  const digits = hexadecimals.slice(0, 3).find((one) => typeof one === 'string') ?? ''
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
  // Of UTF-32 there are three, and of numbers that are letters as well.
  if (/(?:[\x20-\xff]\0{1,3}){5}/.test(lowered)) readings.push(lowered.replaceAll('\0', ''))
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
