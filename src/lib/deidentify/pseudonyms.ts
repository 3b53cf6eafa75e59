import { createHmac, hkdfSync } from 'node:crypto'
import { isUid } from '../uid/index.ts'
import { type DateShift, daysFor } from './dates/date-shift.ts'
import type { UidStyle } from './profile/profile.ts'
import { originalUid } from './rules/original-style.ts'

/** Crockford's alphabet: no letter that looks like a digit or like another. */
const base32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const mostRemembered = 50_000

/**
 * All that replaces an identifier, as keyed functions of it: one input gives one output in all files,
 * runs and machines that have the same key and project, and with another key or project another.
 * Each purpose has a subkey of its own (HKDF, RFC 5869), so that no output tells of another.
 */
export class Pseudonyms {
  readonly #uidKey: Buffer
  readonly #participantKey: Buffer
  readonly #requestKey: Buffer
  readonly #dateKey: Buffer
  readonly #uidRoot: string
  readonly #hashKey: Buffer
  readonly #project: string
  readonly #uidWay: 'kept' | UidStyle
  #uids = new Map<string, string>()

  /**
   * @param uidRoot of the new UIDs; at most 24 characters, so that they have at most 64 (PS3.5 9.1)
   * @param uidWay `kept`: UIDs stay what they are (PS3.15 E.3.9); what is none gets one
   */
  constructor(key: Buffer, project: string, uidRoot = '2.25', uidWay: 'kept' | UidStyle = 'keyed') {
    const subkey = (purpose: string) =>
      Buffer.from(hkdfSync('sha256', key, 'fiona', `deidentify 1 ${purpose} ${project}`, 32))
    this.#uidKey = subkey('uid')
    this.#participantKey = subkey('participant')
    this.#requestKey = subkey('request')
    this.#dateKey = subkey('date')
    this.#uidRoot = uidRoot
    this.#hashKey = subkey('hash')
    this.#project = project
    this.#uidWay = uidWay
  }

  /**
   * A new UID: the root and 128 bits as a decimal number (PS3.5 B.2 for 2.25). Padding is no part of a
   * UID, and UIDs of the standard itself stay what they are.
   */
  uid(original: string): string {
    const normal = normalUid(original)
    if (isRegistered(normal) || (this.#uidWay === 'kept' && isUid(normal))) return normal
    let made = this.#uids.get(normal)
    if (made === undefined) {
      made = this.#newUid(normal)
      if (this.#uids.size >= mostRemembered) this.#uids.clear()
      this.#uids.set(normal, made)
    }
    return made
  }

  #newUid(normal: string): string {
    if (this.#uidWay === 'original' || this.#uidWay === 'originalUnpadded') {
      return originalUid(normal, this.#project, this.#uidWay === 'original')
    }
    return `${this.#uidRoot}.${this.#numberOf(normal)}`
  }

  #numberOf(normal: string): string {
    const bits = createHmac('sha256', this.#uidKey).update(normal).digest('hex').slice(0, 32)
    return BigInt(`0x${bits}`).toString()
  }

  /** With this key and project, under whatever root. */
  isMadeOf(made: string, original: string): boolean {
    return made.endsWith(`.${this.#numberOf(normalUid(original))}`)
  }

  /** For an identifier of any kind: the same for the same text. Five bits a character, up to 48 of them. */
  hash(text: string, length: number): string {
    return spell(this.#hashKey, [text], length)
  }

  /** Twelve characters for a patient; for a study of nobody, give its UID alone. */
  participant(...identity: readonly string[]): string {
    return spell(this.#participantKey, identity, 12)
  }

  /** The days by which all dates of a participant are shifted, in whatever study and on whatever machine. */
  days(shift: DateShift, participant: string): number {
    return daysFor(shift, participant, this.#dateKey)
  }

  /** The same for every revision of a study, project, participant and event; it tells nothing of them. */
  requestId(...facts: readonly string[]): string {
    return spell(this.#requestKey, facts, 20)
  }
}

/** Without the NUL or blanks that make its length even; devices use either. */
export function normalUid(text: string): string {
  // A loop: the regular expression for this is quadratic on a long run of blanks.
  let start = 0
  let end = text.length
  const isPadding = (at: number) => text.charCodeAt(at) === 0 || text.charCodeAt(at) === 0x20
  while (end > start && isPadding(end - 1)) end -= 1
  while (start < end && isPadding(start)) start += 1
  return text.slice(start, end)
}

/**
 * Registered in PS3.6: classes, syntaxes, well-known frames of reference. Their components are short
 * numbers; anything else under the root was made up, perhaps from a date, and is replaced.
 */
export function isRegistered(uid: string): boolean {
  return /^1\.2\.840\.10008(?:\.\d{1,4}){1,10}$/.test(uid)
}

/** A digest has 51 digits to the base 32: more of them would all be zeros. */
function spell(key: Buffer, parts: readonly string[], length: number): string {
  // Lengths in front: no two lists of parts are the same text.
  const text = parts.map((part) => `${String(part.length)}:${part}`).join('')
  let number = BigInt(`0x${createHmac('sha256', key).update(text).digest('hex')}`)
  let name = ''
  while (name.length < length) {
    name += base32.charAt(Number(number & 31n))
    number >>= 5n
  }
  return name
}
