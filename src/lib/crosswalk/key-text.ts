import { createHash, hkdfSync } from 'node:crypto'
import { ExitCode, FionaError } from '../error/index.ts'

// A key on paper, for a safe: Crockford's base32, whose letters cannot be taken for digits, in short lines. Each
// line has check characters of its own, so that whoever types it in again is told in which line a slip is.

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const bytesPerLine = 10
/** Larger keys are files that somebody made of something else: nobody types them. */
const mostPrintedBytes = 128
const fingerprintBytes = 10

/**
 * Names a key without telling it: the same on every machine that has the same key, `7Q2M-0V9Z-K4T1-C8XB`. Of a
 * subkey of its own, so that it tells nothing of any pseudonym.
 */
export function keyFingerprint(key: Buffer): string {
  const digest = hkdfSync('sha256', key, 'fiona', 'key 1 fingerprint', fingerprintBytes)
  return inGroups(spell(Buffer.from(digest)))
}

/**
 * The key as lines to print and put into a safe.
 * @throws FionaError E_KEY_INVALID when it is too long to be typed
 */
export function escrowLines(key: Buffer): string[] {
  if (key.length > mostPrintedBytes) {
    throw new FionaError(
      'E_KEY_INVALID',
      `a key of ${String(key.length)} bytes is too long to type in again`,
      {
        hint: 'keep a copy of the file on a medium in a safe, or make a new key of 32 bytes for new projects',
        exitCode: ExitCode.badInput,
      },
    )
  }
  const lines: string[] = []
  for (let at = 0; at < key.length; at += bytesPerLine) {
    const text = spell(key.subarray(at, at + bytesPerLine))
    const number = lines.length + 1
    lines.push(
      `${String(number).padStart(2)}  ${inGroups(text).replaceAll('-', ' ')}  ${checkOf(number, text)}`,
    )
  }
  return [...lines, `fingerprint ${keyFingerprint(key)}`]
}

/**
 * The key that `escrowLines` printed. Small letters, other spacing and O for 0, I or L for 1 are forgiven; empty lines
 * and lines that begin with # are comments.
 * @throws FionaError E_KEY_TEXT, which names the line and repeats nothing of it
 */
export function keyFromLines(text: string): Buffer {
  const parts: Buffer[] = []
  let fingerprint: string | undefined
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    if (/^fingerprint\b/i.test(line)) {
      fingerprint = inGroups(forgiving(line.replace(/^fingerprint/i, '')))
      continue
    }
    const number = parts.length + 1
    const [, written = '', rest = ''] = /^(\d{1,2})\s+(.*)$/.exec(line) ?? []
    const characters = forgiving(rest)
    const body = characters.slice(0, -2)
    const isRight =
      Number(written) === number && body !== '' && checkOf(number, body) === characters.slice(-2)
    if (!isRight)
      throw badText(`line ${String(number)} of the key was not typed in as it was printed`)
    parts.push(unspell(body))
  }
  const key = Buffer.concat(parts)
  if (fingerprint === undefined) throw badText('the line with the fingerprint is missing')
  if (keyFingerprint(key) !== fingerprint)
    throw badText('the lines are not those of one key, or not all of them')
  return key
}

function badText(message: string): FionaError {
  return new FionaError('E_KEY_TEXT', message, {
    hint: 'type in all lines with their numbers and check characters, and the fingerprint last; nothing was written',
    exitCode: ExitCode.badInput,
  })
}

/** Ten bits that depend on the line's place, too: two lines that changed places do not fit. */
function checkOf(number: number, text: string): string {
  return spell(
    createHash('sha256')
      .update(`${String(number)} ${text}`)
      .digest(),
  ).slice(0, 2)
}

function forgiving(text: string): string {
  return text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1')
}

function inGroups(text: string): string {
  return (text.match(/.{1,4}/g) ?? []).join('-')
}

/** Five bits a character, the last one filled up with zeros. */
function spell(bytes: Buffer): string {
  let text = ''
  let bits = 0
  let count = 0
  for (const byte of bytes) {
    bits = (bits << 8) | byte
    count += 8
    for (; count >= 5; count -= 5) text += alphabet.charAt((bits >>> (count - 5)) & 31)
    bits &= 31
  }
  return count === 0 ? text : text + alphabet.charAt((bits << (5 - count)) & 31)
}

function unspell(text: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let count = 0
  for (const character of text) {
    bits = (bits << 5) | alphabet.indexOf(character)
    count += 5
    if (count < 8) continue
    count -= 8
    bytes.push((bits >>> count) & 255)
    bits &= 255
  }
  return Buffer.from(bytes)
}
