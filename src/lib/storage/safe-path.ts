import { isAbsolute, relative, resolve, sep } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'

/** Longest component we make: file systems allow 255 bytes, suffixes need room. */
const maxComponentBytes = 200

/** Kept as they are; all other characters below U+0080, and `%` itself, are escaped. */
const plain = /[A-Za-z0-9_.,+=@^~() -]/

/** Names that mean nothing to anybody as they are: UIDs, and most others. */
const harmless = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,197}$/

/**
 * One path component from text of any origin. Reversible with `decodeURIComponent` unless cut:
 * whatever could mean something to a file system, a shell or a terminal becomes `%XX`.
 * Never empty, `.` or `..`, never longer than 200 bytes (a cut name ends in `~`).
 */
export function safeComponent(text: string): string {
  if (harmless.test(text)) return text
  const { name, isCut } = escapedComponent(text)
  return isCut ? `${name}~` : name
}

/** The same, for who marks a cut name in another way than by `~`: up to 199 bytes of it. */
export function escapedComponent(text: string): {
  readonly name: string
  readonly isCut: boolean
} {
  let out = ''
  for (const character of text.normalize('NFC')) {
    const code = character.codePointAt(0) ?? 0
    const isLetterBeyondAscii = code >= 0xa1 && !isControlOrSurrogate(code)
    out += isLetterBeyondAscii || plain.test(character) ? character : percent(character)
    if (Buffer.byteLength(out) > maxComponentBytes) return { name: cut(out), isCut: true }
  }
  if (out === '') return { name: '_', isCut: false }
  // A leading dot hides a file and makes `..`; a leading dash becomes an option; blanks at the ends get lost.
  return { name: out.replace(/^[.\- ]| $/g, percent), isCut: false }
}

/**
 * Join below a root, and prove it.
 * @throws FionaError E_PATH_ESCAPE when the result would not lie inside `root`
 */
export function inside(root: string, ...parts: readonly string[]): string {
  const base = resolve(root)
  const path = resolve(base, ...parts)
  const way = relative(base, path)
  if (
    way === '' ||
    way === '..' ||
    way.startsWith(`..${sep}`) ||
    isAbsolute(way) ||
    path.includes('\0')
  ) {
    throw new FionaError('E_PATH_ESCAPE', 'a path would leave the folder it belongs in', {
      hint: 'the record or object carries a name that is not allowed; nothing was written',
      exitCode: ExitCode.badInput,
    })
  }
  return path
}

function percent(character: string): string {
  return Array.from(
    Buffer.from(character),
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}

/** C1 controls, surrogates, bidirectional controls and line separators: what makes a listing lie. */
function isControlOrSurrogate(code: number): boolean {
  return (
    (code >= 0x2000 && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202f) ||
    (code >= 0x2060 && code <= 0x206f) ||
    (code >= 0xd800 && code <= 0xdfff) ||
    code === 0xfeff
  )
}

function cut(text: string): string {
  let out = text
  while (Buffer.byteLength(out) > maxComponentBytes - 1) out = Array.from(out).slice(0, -1).join('')
  return out.replace(/^[.\- ]/, percent)
}
