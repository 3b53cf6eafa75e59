import { hash } from 'node:crypto'
import { escapedComponent } from '../storage/index.ts'

/** Devices on Windows, with any ending: a view may be looked at over a share. */
const reserved = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)/i

/**
 * The one name of a text: no two texts have the same. `decodeURIComponent` gives the text back, unless a `~`
 * and 32 digits of its digest stand behind the name: it was too long, or is written in another form of Unicode
 * than its name. A `~` of the text itself is escaped, so that nobody can write another one's digest.
 * At most 255 bytes, also with what keeps two directories apart.
 * @param behind bytes that something else may put behind it
 */
export function viewName(text: string, behind = behindDirectory): string {
  const longest = 255 - ownDigest - behind
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
  const isWhole = !isCut && Buffer.byteLength(escaped) <= longest && decoded(escaped) === text
  if (isWhole || text === '') return escaped
  return `${shortened(escaped, longest)}~${hash('sha256', Buffer.from(text, 'utf16le')).slice(0, 32)}`
}

/** Of the digest here, with its `~`. */
const ownDigest = 33
/** Of the one that keeps two directories of a name apart. */
const behindDirectory = 33

/** Not in the middle of a character, nor of an escaped one. */
function shortened(name: string, longest: number): string {
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
