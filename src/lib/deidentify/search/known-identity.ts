import { foldText, spellings, withoutUnseen } from './fold-text.ts'
import { isCommon, isKnown } from './common-words.ts'
import type { IdentityKind } from './identity-kinds.ts'
import { ownTexts } from '../actions/dummy.ts'
import { writtenDates } from './written-dates.ts'

/** What is searched for, as it can be handed to another thread. */
export interface IdentityTerms {
  readonly words: ReadonlySet<string>
  readonly freeTextWords: ReadonlySet<string>
  readonly cutNames: ReadonlySet<string>
  readonly anywhere: ReadonlySet<string>
  readonly phrases: ReadonlySet<string>
  readonly digits: ReadonlySet<string>
  readonly uids: ReadonlySet<string>
  readonly rawForms: ReadonlySet<string>
  readonly beyondAscii: ReadonlySet<string>
  readonly writtenDays: ReadonlySet<string>
  readonly keptUids: ReadonlySet<string>
  readonly whole: ReadonlySet<string>
  readonly privateDays: ReadonlySet<string>
}

/**
 * What is known of the patient, the staff and the study, gathered from the objects while they are
 * rewritten, as the terms an output must not contain.
 *
 * Which values are searched, and how:
 * - Parts of a name of three letters or more, Cyrillic and Greek ones in Latin letters too; two characters
 *   in other scripts. Up to four letters of these three alphabets must be a word of their own (`Lee` is
 *   not in `sleep`); all else counts anywhere but within a longer word that is in every other study (`Norma` in `normalized`).
 *   A part that is a word of imaging (`Head`, `Phantom`) or a particle (`van`) is searched only together with
 *   the rest of the name.
 * - Identifiers of four characters or more that are no word of imaging, as a word; with eight digits, or letters and five digits, also whatever
 *   stands between; digits alone: of four or five digits in free
 *   text only, of six or more among whole numbers, of eight or more among others, too; six digits and more that are part of one in free text. Shorter ones (`1`) say nothing and are not searched.
 * - Dates as YYYYMMDD and in the notations people use, with four digits for the year; addresses and
 *   places of four characters or more as a whole; telephone numbers of seven digits or more whatever
 *   stands between them, without the code of the country; every UID that was replaced.
 * - In bytes that are no text only what has six bytes or more: less is there by chance.
 * - Of attributes that say who somebody is also the whole value, however short or long: in such attributes alone.
 * The participant is not searched, nor are the dummies. Other texts that shall be written (project, event, what rules set) are passed over
 * where they stand alone; a surname that is the project's name, too, is found elsewhere.
 */
export class KnownIdentity implements IdentityTerms {
  /** Words of their own, folded, in any text. */
  readonly words = new Set<string>()
  /** Words in free text only. */
  readonly freeTextWords = new Set<string>()
  /** The beginnings of names, as words of their own. */
  readonly cutNames = new Set<string>()
  /** Folded text that may stand anywhere. */
  readonly anywhere = new Set<string>()
  /** Folded text that must begin and end there: names and identifiers of little pieces. */
  readonly phrases = new Set<string>()
  /** Digits, and letters among them, with anything between. */
  readonly digits = new Set<string>()
  readonly uids = new Set<string>()
  /** Bytes as the source holds them, as latin1 text, where that is not ASCII. */
  readonly rawForms = new Set<string>()
  /** Parts of names and places in their own letters, in lower case, for values that are no text. */
  readonly beyondAscii = new Set<string>()
  /** Days that shifted or kept dates now have, as YYYYMMDD: where a date belongs they are none that slipped through. */
  readonly writtenDays = new Set<string>()
  /** Those of private attributes that are kept: nobody says what was on that day, and it may be the day of birth. */
  readonly privateDays = new Set<string>()
  /** UIDs that are kept in one place, and perhaps replaced in another. */
  readonly keptUids = new Set<string>()
  /** Folded values of attributes that say who somebody is. */
  readonly whole = new Set<string>()
  readonly #allowed: ReadonlySet<string>
  #seen = new Set<string>()

  /**
   * @param given what is no secret wherever it stands: the participant
   * @param unwanted texts that a project never wants to see, whatever they are
   */
  constructor(given: readonly string[], unwanted: readonly string[] = []) {
    this.#allowed = new Set([...given, ...ownTexts].map(foldText))
    for (const text of unwanted) {
      for (const spelling of spellings(text.replace(/\s+/g, ' ').trim()))
        this.#addUnwanted(spelling)
    }
  }

  #addUnwanted(folded: string): void {
    const isWord = folded.length < 5 && /^[\p{L}\p{N}]+$/u.test(folded) && isAlphabet(folded)
    this.#put(isWord ? this.words : this.anywhere, folded)
  }

  /** How many terms are searched for: the only thing about them that may be told. */
  get size(): number {
    const { words, freeTextWords, anywhere, phrases, digits, uids, rawForms } = this
    return [words, freeTextWords, anywhere, phrases, digits, uids, rawForms].reduce(
      (sum, { size }) => sum + size,
      0,
    )
  }

  /** The terms alone; borrowed, for they grow. */
  terms(): IdentityTerms {
    const { words, freeTextWords, anywhere, phrases, digits, uids } = this
    const { cutNames, rawForms, beyondAscii, writtenDays, privateDays, keptUids, whole } = this
    const kept = { writtenDays, privateDays, keptUids }
    const lists = { words, freeTextWords, anywhere, phrases, digits, uids }
    return { ...lists, ...kept, cutNames, rawForms, beyondAscii, whole }
  }

  /** What another thread found in other objects of the same study. */
  absorb(terms: IdentityTerms): void {
    const own: IdentityTerms = this.terms()
    for (const name of Object.keys(own) as (keyof IdentityTerms)[]) {
      const set = this[name]
      for (const term of terms[name]) set.add(term)
    }
  }

  /** Nothing that is known of a study is forgotten; the same value is looked at once. */
  add(kind: IdentityKind, value: string, raw?: Buffer): void {
    const key = `${kind}:${value}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    if (raw?.some((byte) => byte >= 0x80 || byte === 0x1b) === true) this.#addRaw(raw)
    if (kind === 'name' || kind === 'place' || kind === 'address') this.#addBeyondAscii(value)
    if (kind === 'name') for (const name of value.split('\\')) this.#addNames(name)
    else if (kind === 'identifier')
      for (const id of value.split('\\')) this.#addIdentifier(id.trim())
    else if (kind === 'date') for (const date of value.split('\\')) this.#addDate(date.trim())
    else if (kind === 'phone') for (const phone of value.split('\\')) this.#addPhone(phone)
    else {
      this.#addWhole(value)
      if (kind === 'address') this.#addStreets(value)
    }
  }

  /** What an attribute says of who somebody is: a value or a list of them. */
  addWhole(value: string): void {
    for (const one of value.split('\\')) {
      const folded = foldText(one.trim())
      const isSaid = folded.split(/[^\p{L}\p{N}]+/u).every((word) => isCommon(word) || word === '')
      if (!isSaid) this.#put(this.whole, folded)
    }
  }

  #addBeyondAscii(value: string): void {
    for (const part of value.split(/[\\=^\s,;]+/u)) {
      if (!/[^\x00-\x7f]/.test(part) || !isLongEnough(part)) continue
      this.beyondAscii.add(part.toLowerCase())
      // Katakana of half width elsewhere have the full one.
      this.beyondAscii.add(part.normalize('NFKC').toLowerCase())
    }
  }

  /** A value of VR DA or DT that goes out. */
  noteWritten(value: string, vr: string, isPrivate = false): void {
    if (vr !== 'DA' && vr !== 'DT') return
    const days = isPrivate ? this.privateDays : this.writtenDays
    for (const date of value.split('\\')) days.add(dayOf(date))
  }

  /** What cannot be seen in a name stands for nothing, or for a blank. */
  #addNames(name: string): void {
    this.#addName(withoutUnseen(name))
    if (withoutUnseen(name) !== name) this.#addName(withoutUnseen(name, ' '))
  }

  #addName(name: string): void {
    for (const group of name.split('=')) {
      const parts = group
        .split(/[\s^,.;/()[\]"'\0-]+/u)
        .map((part) => part.trim())
        .filter((part) => part !== '')
      for (const part of parts) {
        for (const folded of spellings(part)) {
          if (isLongEnough(folded) && !isCommon(folded)) this.#addTerm(folded)
        }
        this.#addMutilated(part)
      }
      if (parts.length < 2) continue
      for (const between of ['^', ' ', '', '_', ', ']) {
        for (const order of [parts, [...parts].reverse()]) {
          for (const folded of spellings(order.join(between))) {
            const letters = folded.replace(/[^\p{L}]/gu, '').length
            // `Li^Wu` is found although neither part is searched; `liwu` would be in many a word.
            if (!isAlphabet(folded)) this.#put(this.anywhere, folded)
            else if (between === '') {
              if (letters >= 6) this.#put(this.anywhere, folded)
            } else if (letters >= 4) this.#put(this.phrases, folded)
          }
        }
      }
    }
  }

  /** Devices write `M?ller`, `M_ller` and `Mller` where they do not have the letter. */
  #addMutilated(part: string): void {
    const composed = part.normalize('NFC').toLowerCase()
    if (!/[^\x00-\x7f]/.test(composed)) return
    const without = (instead: string) => composed.replace(/[^\x00-\x7f]/g, instead)
    const letters = without('')
    if (!/^[a-z]{4,}$/.test(letters) || isCommon(letters)) return
    // What is left may be a piece of any word.
    this.#put(this.words, letters)
    for (const instead of ['?', '_', '\ufffd']) this.#put(this.anywhere, without(instead))
  }

  #addTerm(folded: string): void {
    // Older systems store what is read from the right in the order in which it is seen.
    if (rightToLeft.test(folded)) this.#put(this.anywhere, [...folded].reverse().join(''))
    if (isAlphabet(folded) && folded.length < 5) this.#put(this.words, folded)
    else this.#put(this.anywhere, folded)
    if (!isAlphabet(folded)) return
    // Fields, and names of files, have an end.
    for (let end = shortestCut; end < folded.length; end += 1) {
      const cut = folded.slice(0, end)
      if (!isKnown(cut)) this.#put(this.cutNames, cut)
    }
  }

  #addIdentifier(id: string): void {
    const folded = foldText(id)
    if (folded.length < 4 || isCommon(folded)) return
    // People write numbers in groups, and leave out what stands between: `010190 12345`, `HOSP778812`.
    const bare = folded.replace(/[^\p{L}\p{N}]/gu, '')
    const figures = bare.replace(/\D/g, '').length
    if (figures >= (figures === bare.length ? 8 : 5)) this.#put(this.digits, bare)
    for (const [run] of folded.matchAll(/\d{6,}/g)) this.#addDigits(run)
    if (/^\d+$/.test(folded)) {
      if (folded.length < 6) this.#put(this.freeTextWords, folded)
      else this.#put(this.words, folded)
    } else if (/^[\p{L}\p{N}]+$/u.test(folded)) this.#put(this.words, folded)
    // With a blank, dash or dot inside it is no single word.
    else this.#put(bare.length < 6 ? this.phrases : this.anywhere, folded)
  }

  /**
   * A hospital's letters are left out (`HOSP-778812`), and so are zeros in front. In free text only: identifiers that devices
   * make have dates and times in them, which may be kept where they belong.
   */
  #addDigits(run: string): void {
    const significant = run.replace(/^0+/, '')
    if (significant.length < 6) return
    this.#put(this.freeTextWords, run)
    this.#put(this.freeTextWords, significant)
  }

  #addDate(text: string): void {
    const written = writtenDates(text)
    for (const word of written.words) this.#put(this.words, word)
    for (const term of written.anywhere) this.#put(this.anywhere, term)
    for (const phrase of written.phrases) this.#put(this.phrases, phrase)
  }

  #addPhone(text: string): void {
    const digits = text.replace(/\D/g, '')
    // In the country it is written without its code, and with a zero or none in front.
    if (digits.length >= 7) this.#put(this.digits, digits.slice(-9))
    // As it is written, too: in bytes nothing is looked for that may have anything between.
    for (const [written] of foldText(text).matchAll(/\d[\d ()./-]{5,}\d/g)) {
      if (written.replace(/\D/g, '').length >= 7) this.#put(this.anywhere, written)
    }
    // In town it is written without the code of the town, if that stands apart.
    const [local = ''] = /\d+\s*$/.exec(text) ?? []
    if (local.trim().length >= 7) this.#put(this.freeTextWords, local.trim())
    if (/@/.test(text)) this.#addWhole(text)
  }

  #addWhole(text: string): void {
    for (const spelling of spellings(text.replace(/[\0\s]+/g, ' '))) this.#addText(spelling.trim())
  }

  #addText(folded: string): void {
    // A service engineer's institution is the manufacturer.
    if (folded.split(/[^\p{L}\p{N}]+/u).every((word) => isCommon(word))) return
    if (folded.length >= 5 || (!isAlphabet(folded) && folded.length >= 2)) {
      this.#put(this.anywhere, folded)
    } else if (folded.length === 4) this.#put(this.words, folded)
    // A street is found without its town, too.
    for (const part of folded.split(/[,;^\n\\]/).map((piece) => piece.trim())) {
      if (part.length >= 8 && part !== folded) this.#put(this.anywhere, part)
    }
  }

  /** A street is told without the number of the house, too. */
  #addStreets(address: string): void {
    for (const part of address.split(/[,;^\n\\]/)) {
      const words = part.split(/[\0\s]+/).filter((word) => word !== '' && !/\d/.test(word))
      for (const street of spellings(words.join(' '))) {
        const isSaid = street.split(/[^\p{L}\p{N}]+/u).every((word) => isCommon(word))
        if (street.length < 8 || isSaid) continue
        this.#put(this.anywhere, street)
        const short = street.replace(/strasse\b/, 'str')
        if (short !== street) this.#put(this.anywhere, short)
      }
    }
  }

  #addRaw(raw: Buffer): void {
    for (const group of raw.toString('latin1').split(/[=\\]/)) {
      const text = group.trim()
      if (text.length >= 4) this.rawForms.add(text)
      for (const part of text.split('^')) {
        if (part.length >= 6 && /[\x1b\x80-\xff]/.test(part)) this.rawForms.add(part)
      }
    }
  }

  #put(terms: Set<string>, term: string): void {
    if (!this.#allowed.has(term)) terms.add(term)
  }
}

/** Of a thousand frequent names none that is cut to as many letters is a word that devices write (`npm run bench held-names`). */
const shortestCut = 6

/** Hebrew and Arabic. */
const rightToLeft = /^[\u0590-\u08ff]+$/

/** The day that a DA or DT begins with, without the points of ACR-NEMA. */
export function dayOf(value: string): string {
  return value
    .replaceAll('\0', ' ')
    .trim()
    .replace(/^(\d{4})\.(\d\d)\.(\d\d)$/, '$1$2$3')
    .slice(0, 8)
}

/**
 * Latin, Greek and Cyrillic write sounds, and blanks between words: two letters are in every other word.
 * Other scripts need fewer characters for a name, or join words.
 */
function isAlphabet(text: string): boolean {
  return /^[\u0000-\u052f\u1e00-\u1fff]*$/.test(text)
}

function isLongEnough(part: string): boolean {
  return (part.match(/\p{L}/gu)?.length ?? 0) >= (isAlphabet(part) ? 3 : 2)
}
