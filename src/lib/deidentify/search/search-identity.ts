import {
  type DataSet,
  type DicomFile,
  type Element,
  bytesPerUnit,
  decodeText,
  formatTag,
  isText,
  keywordOf,
  splitsAtBackslash,
  usesCharacterSet,
  vrOf,
} from '../../dicom/index.ts'
import { ownTexts } from '../actions/dummy.ts'
import { codecOf, walkFrames } from '../pixels/index.ts'
import { casesOf, isTextual, isWord, lowerAscii } from './bytes-as-text.ts'
import { standsAlone, standsIn } from './common-words.ts'
import { foldText, spellings } from './fold-text.ts'
import { saysWho } from './identity-kinds.ts'
import { inflatedWithin } from './inflate-within.ts'
import { type IdentityTerms, dayOf } from './known-identity.ts'
import { plausibleBytes, plausibleTexts } from './plausible-texts.ts'
import { spelledInNumbers, undressed, undressedBytes } from './undress.ts'

const numeric = new Set(['DS', 'IS'])
const chunkBytes = 1 << 20
/** Longer than any term that is searched in bytes. */
const overlapBytes = 512
/** Bytes of fewer than a whole term, as UTF-8 has them, hold none: most numbers are that short. */
const shortestTermBytes = 6
const longestText = 16 << 20
/** Longer bytes are searched as bytes. */
const longestWord = 64
const byteVRs = new Set(['UN', 'OB'])
const longestRememberedSegment = 4096
const mostRemembered = 20_000

/**
 * Reads a finished output again and looks for what is known, in every value but pixels, and in what
 * compressed frames hold beside them. Values are read with the reader, not taken from what was written:
 * what a receiver would see is what counts.
 */
export class IdentitySearch {
  readonly #identity: IdentityTerms
  readonly #given: ReadonlySet<string>
  readonly #anywhere: readonly string[]
  readonly #phrases: readonly string[]
  readonly #inBytes: readonly string[]
  readonly #phrasesInBytes: readonly string[]
  /** Short values without a hit: most are the same in all objects of a series. */
  #clean = new Set<string>()
  /** By their tags, the last of these that were met again. */
  readonly #lastClean = new Map<number, Clean>()

  /** @param given values that the request says shall be written, found exactly like that */
  constructor(identity: IdentityTerms, given: readonly string[]) {
    this.#identity = identity
    this.#given = new Set([...given, ...ownTexts])
    this.#anywhere = [...identity.anywhere]
    this.#phrases = [...identity.phrases]
    const bytesOf = (terms: readonly string[]) =>
      terms.flatMap((term) => casesOf(term)).map((term) => Buffer.from(term).toString('latin1'))
    const longEnough = (forms: readonly string[]) => [
      ...new Set(forms.filter((form) => form.length >= shortestTermBytes).map(lowerAscii)),
    ]
    this.#phrasesInBytes = longEnough(bytesOf([...identity.phrases]))
    this.#inBytes = longEnough([
      ...bytesOf([...identity.anywhere, ...identity.words, ...identity.digits]),
      ...[...identity.beyondAscii].flatMap((part) => casesOf(part)).flatMap(plausibleBytes),
      ...identity.rawForms,
    ])
  }

  /** @returns attribute paths; never what was found there */
  find(file: DicomFile): string[] {
    const hits: string[] = []
    this.#searchDataSet(file, file.meta, '', hits)
    this.#searchDataSet(file, file.dataSet, '', hits)
    return hits
  }

  #searchDataSet(file: DicomFile, dataSet: DataSet, path: string, hits: string[]): void {
    for (const element of dataSet.elements) {
      // Text that is made of every tag takes as long as to search what was met before.
      const where = () => `${path}${formatTag(element.tag)}`
      if (element.items !== undefined) {
        element.items.forEach((item, index) => {
          this.#searchDataSet(file, item, `${where()}[${String(index + 1)}].`, hits)
        })
      } else if (isPixels(element) && path === '') {
        if (this.#isInFrames(file, element)) hits.push(`${where()} ${keywordOf(element.tag) ?? ''}`)
      } else if (element.length > 0 && this.#isHit(file, dataSet, element)) {
        hits.push(`${where()} ${keywordOf(element.tag) ?? ''}`.trim())
      }
    }
  }

  /** Without a hit the last time, and the same now: what most attributes are in all objects of a series. */
  #isAsBefore(file: DicomFile, { characterSets }: DataSet, element: Element): boolean {
    const last = this.#lastClean.get(element.tag)
    return (
      last !== undefined &&
      last.vr === element.vr &&
      last.characterSets.length === characterSets.length &&
      last.characterSets.every((term, at) => term === characterSets[at]) &&
      file.holds(element, last.value)
    )
  }

  #isHit(file: DicomFile, dataSet: DataSet, element: Element): boolean {
    if (this.#isAsBefore(file, dataSet, element)) return false
    const vr = element.vr === 'UN' ? (vrOf(element.tag) ?? 'UN') : element.vr
    if (!isText(vr) || element.length > longestText) return this.#isInBytes(file, element, vr)
    const bytes = file.bytes(element)
    const raw = bytes.toString('latin1')
    // Before what was met elsewhere: `47` is a number of an image, and here somebody's.
    if (saysWho(element.tag, vr) && this.#isWhole(decodeText(bytes, vr, dataSet.characterSets)))
      return true
    const key =
      element.length <= 128 ? `${vr}${dataSet.characterSets.join('\\')}:${raw}` : undefined
    if (key !== undefined && this.#clean.has(key)) {
      const { characterSets } = dataSet
      this.#lastClean.set(element.tag, { vr: element.vr, characterSets, value: bytes })
      return false
    }
    if ((vr === 'DA' || vr === 'DT') && this.#isWrittenDate(raw)) return false
    const text = decodeText(bytes, vr, dataSet.characterSets)
    if (this.#isInText(text, vr) || this.#isRawForm(raw)) return true
    // Whatever is declared, many write something else, and some receivers see it.
    for (const other of plausibleTexts(bytes)) {
      if (other !== text && this.#isInText(other, vr)) return true
    }
    // Codes and UIDs have no letters to dress up, and numbers may be letters.
    if (
      usesCharacterSet(vr) || vr === 'UR' ? this.#isDressedUp(text, vr) : this.#isSpelled(text, vr)
    )
      return true
    if (key !== undefined) this.#remember(key)
    return false
  }

  /** Shifted by chance to a day that something else was on, or kept. */
  #isWrittenDate(raw: string): boolean {
    const { writtenDays, privateDays, whole } = this.#identity
    const isWritten = (day: string) =>
      writtenDays.has(day) || (privateDays.has(day) && !whole.has(day))
    return /^[0-9.+\-\\ \0]*$/.test(raw) && raw.split('\\').every((date) => isWritten(dayOf(date)))
  }

  /** The value, or one of them, is what an attribute that says who somebody is had, be it one character. */
  #isWhole(text: string): boolean {
    return text.split('\\').some((value) => {
      const trimmed = value.replaceAll('\0', ' ').trim()
      return !this.#given.has(trimmed) && this.#identity.whole.has(foldText(trimmed))
    })
  }

  #isInText(text: string, vr: string): boolean {
    const { uids, keptUids } = this.#identity
    const values = text.split('\\').map((value) => value.replaceAll('\0', ' ').trim())
    if (vr === 'UI') {
      // `0` is no UID, and stands for any that is not known.
      const isOld = values.some(
        (value) => value.includes('.') && uids.has(value) && !keptUids.has(value),
      )
      return isOld || values.some((value) => this.#isInUid(value))
    }
    const rest = values.filter((value) => value !== '' && !this.#given.has(value)).join('\\')
    if (rest === '') return false
    for (const spelling of spellings(rest)) if (this.#isInFolded(spelling, vr)) return true
    return false
  }

  #isDressedUp(text: string, vr: string): boolean {
    // A value that was cut in two where it was too long.
    const whole = splitsAtBackslash(vr) && text.includes('\\') ? [text.replace(/ *\\ */g, '')] : []
    return [...undressed(text), ...whole].some((reading) => this.#isInText(reading, vr))
  }

  #isSpelled(text: string, vr: string): boolean {
    return (
      numeric.has(vr) && spelledInNumbers(text).some((reading) => this.#isInText(reading, 'UT'))
    )
  }

  /** Birth dates and numbers of patients are parts of UIDs that some devices make. */
  #isInUid(uid: string): boolean {
    return uid.split('.').some((part) => part.length >= 8 && this.#identity.words.has(part))
  }

  #isInFolded(spelling: string, vr: string): boolean {
    const { words, freeTextWords, cutNames, digits } = this.#identity
    const folded = spelling.replace(/\s+/g, ' ')
    const tokens = folded.split(/[^\p{L}\p{N}]+/u)
    // No number is a UID; but a UID has no other characters than a number.
    if (numeric.has(vr)) {
      // Measurements have six digits now and then; whole numbers hardly ever.
      const shortest = vr === 'IS' ? 6 : 8
      const isIn = tokens.some((token) => token.length >= shortest && words.has(token))
      return isIn || this.#hasUid(folded)
    }
    if (tokens.some((token) => words.has(token) || cutNames.has(token))) return true
    for (const [, day = ''] of folded.matchAll(dayAndTime)) if (words.has(day)) return true
    if (usesCharacterSet(vr) && tokens.some((token) => isAmong(freeTextWords, token))) return true
    if (this.#anywhere.some((term) => folded.includes(term) && standsIn(term, folded))) return true
    if (this.#phrases.some((term) => folded.includes(term) && standsAlone(term, folded)))
      return true
    if (digits.size > 0) {
      const together = folded.replace(/[^0-9\p{L}]/gu, '')
      for (const number of digits) if (together.includes(number)) return true
    }
    return this.#hasUid(folded)
  }

  /** There may be a hundred thousand UIDs: what looks like one is looked up. */
  #hasUid(text: string): boolean {
    const alike = text.match(/\d+(?:\.\d+){2,}/g)
    return alike?.some((uid) => this.#identity.uids.has(uid)) ?? false
  }

  #isRawForm(raw: string): boolean {
    for (const form of this.#identity.rawForms) if (raw.includes(form)) return true
    return false
  }

  /** Comments and application data of compressed frames: most are the same in all frames of a series. */
  #isInFrames(file: DicomFile, { fragments = [] }: Element): boolean {
    let isFound = false
    walkFrames(file, fragments.slice(1), codecOf(file.transferSyntaxUID), (bytes) => {
      if (!isFound) isFound = this.#isInSegment(bytes)
    })
    return isFound
  }

  #isInSegment(bytes: Buffer): boolean {
    const raw = bytes.toString('latin1')
    const key = bytes.length <= longestRememberedSegment ? `frame:${raw}` : undefined
    if (key !== undefined && this.#clean.has(key)) return false
    if (this.#isInLowered(lowerAscii(raw))) return true
    if (isTextual(raw)) {
      if (this.#isInTextual(bytes)) return true
    } else if (this.#isInLowered(lowerAscii(raw.replaceAll('\0', '')))) return true
    if (key !== undefined) this.#remember(key)
    return false
  }

  /** Bytes that are text in whatever dress: a document of XML or JSON, a comment. */
  #isInTextual(bytes: Buffer): boolean {
    return [...plausibleTexts(bytes)].some(
      (text) => this.#isInText(text, 'UT') || this.#isDressedUp(text, 'UT'),
    )
  }

  #remember(key: string): void {
    if (this.#clean.size >= mostRemembered) this.#clean.clear()
    this.#clean.add(key)
  }

  /** Bytes that are no text, or too many of them: in pieces that overlap. */
  #isInBytes(file: DicomFile, element: Element, vr: string): boolean {
    const { offset, length } = element
    if (length <= longestWord && byteVRs.has(vr) && this.#isWord(file.bytes(element))) return true
    if (length < shortestTermBytes) return false
    for (let at = 0; at < length; at += chunkBytes) {
      const size = Math.min(chunkBytes + overlapBytes, length - at)
      const bytes = file.range(offset + at, size)
      if ([bytes, ...inflatedWithin(bytes)].some((piece) => this.#isInPiece(piece, vr))) return true
    }
    return false
  }

  /** Bytes that are a word and nothing else, padded: in implicit VR what makers write is UN, be it a name of four letters. */
  #isWord(bytes: Buffer): boolean {
    const raw = bytes.toString('latin1').replace(/[\0 ]+$/, '')
    if (!isWord(raw)) return false
    const key = `bytes:${raw}`
    if (this.#clean.has(key)) return false
    const word = Buffer.from(raw, 'latin1')
    if ([...plausibleTexts(word)].some((text) => this.#isInText(text, 'UT'))) return true
    this.#remember(key)
    return false
  }

  #isInPiece(bytes: Buffer, vr: string): boolean {
    const raw = bytes.toString('latin1')
    if (isTextual(raw) && this.#isInTextual(bytes)) return true
    const text = lowerAscii(raw)
    const readings = [text, ...undressedBytes(text, bytesPerUnit(vr))]
    return readings.some((reading) => this.#isInLowered(reading))
  }

  #isInLowered(text: string): boolean {
    return (
      this.#inBytes.some((term) => text.includes(term) && standsIn(term, text)) ||
      this.#phrasesInBytes.some((term) => text.includes(term) && standsAlone(term, text, true)) ||
      this.#hasUid(text)
    )
  }
}

/** A day, alone among letters or with a time of day behind it, as a DT has it, and names of files. */
const dayAndTime = /(?<!\d)(\d{8})(?:(?:[01]\d|2[0-3])(?:[0-5]\d){1,2})?(?!\d)/g

/** Numbers are filled up with zeros in front. */
function isAmong(words: ReadonlySet<string>, token: string): boolean {
  return words.has(token) || (token.startsWith('0') && words.has(token.replace(/^0+/, '')))
}

interface Clean {
  readonly vr: string
  readonly characterSets: readonly string[]
  readonly value: Buffer
}

function isPixels({ tag }: Element): boolean {
  return tag === 0x7fe00010 || tag === 0x7fe00008 || tag === 0x7fe00009
}
