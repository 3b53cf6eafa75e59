import { hash } from 'node:crypto'
import { escapedComponent } from '../storage/index.ts'

/** Devices on Windows, with any ending: a view may be looked at over a share. */
const reserved = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)/i

/**
 * The one name of a text: no two texts have the same. `decodeURIComponent` gives the text back, unless a `~`
 * and 32 digits of its digest stand behind the name: it was too long, or is written in another form of Unicode
 * than its name. A `~` of the text itself is escaped, so that nobody can write another one's digest.
 * At most 255 bytes, also with what keeps two directories apart.
 */
export function viewName(text: string): string {
  const { escaped, isWhole } = escape(text)
  return isWhole ? escaped : withDigest(escaped, text)
}

/**
 * The same, for folders that must not become one where a file system takes capitals for small letters, or other
 * spellings in Unicode for one (a share, macOS, ext4 with casefold): no two texts have names that are alike there.
 * Behind a name with small letters stand a `~` and a hexadecimal number of at most 16 digits: a bit for each letter of
 * A to Z, the first one the highest, 1 where it is small. Where that does not tell all, the digest stands there.
 * A name depends on its text alone, never on who came first: made again, it is the same.
 * @param taken a name in small letters that stands for something else: none is like it
 */
export function caseSafeViewName(text: string, taken: string): string {
  const { escaped, isWhole } = escape(text)
  const letters = text.match(/[A-Za-z]/g) ?? []
  const others = text.replace(/[a-z]/g, (letter) => letter.toUpperCase())
  if (!isWhole || letters.length > mostLetters || !isOwnFold(others)) {
    return withDigest(escaped, text)
  }
  const small = letters.map((letter) => (letter >= 'a' ? '1' : '0')).join('')
  if (!small.includes('1') && escaped.toLowerCase() !== taken) return escaped
  return `${escaped}~${BigInt(`0b${small}`).toString(16)}`
}

/** 16 digits: never as many as a digest has. */
const mostLetters = 64

/** Whether no other text that has no small letters of A to Z is like this one when folded. */
function isOwnFold(text: string): boolean {
  // Linux folds by leaving these out (NFDICF).
  if (/\p{Default_Ignorable_Code_Point}/u.test(text)) return false
  const folded = text.normalize('NFKC').toUpperCase().toLowerCase().toUpperCase()
  return folded.normalize('NFKC') === text
}

function escape(text: string): { readonly escaped: string; readonly isWhole: boolean } {
  const { name, isCut } = escapedComponent(text)
  const escaped = name
    .replaceAll('~', '%7E')
    // The empty text is `_`.
    .replace(/^_$/, text === '' ? '_' : '%5F')
    .replace(/\.$/, '%2E')
    .replace(
      reserved,
      (device) => `%${device.charCodeAt(0).toString(16).toUpperCase()}${device.slice(1)}`,
    )
  const isShort = !isCut && Buffer.byteLength(escaped) <= longest
  return { escaped, isWhole: text === '' || (isShort && decoded(escaped) === text) }
}

function withDigest(escaped: string, text: string): string {
  return `${shortened(escaped)}~${hash('sha256', Buffer.from(text, 'utf16le')).slice(0, 32)}`
}

/** Room for the digest here and the one behind it (`claim-directory`). */
const longest = 255 - 33 - 33

/** Not in the middle of a character, nor of an escaped one. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= longest) return name
  let out = ''
  let bytes = 0
  for (const part of name.match(/%[0-9A-F]{2}|[^]/gu) ?? []) {
    bytes += Buffer.byteLength(part)
    if (bytes > longest) break
    out += part
  }
  return out
}

function decoded(name: string): string | undefined {
  try {
    return decodeURIComponent(name)
  } catch {
    return undefined
  }
}
