/**
 * The character repertoires of PS3.3 C.12.1.1.2. A graphic set is a table of characters that an
 * escape sequence makes reachable through byte values below (G0) or above (G1) 0x80 (ISO 2022,
 * PS3.5 6.1.2). Node's TextDecoder has all the tables; nothing is listed here twice.
 */
export interface GraphicSet {
  readonly side: 'G0' | 'G1'
  readonly bytesPerCharacter: 1 | 2
  /** What follows ESC to select the set. */
  readonly escape: string
  /** Bytes of this set only, as they are in the file. */
  decode(bytes: Buffer): string
}

function decoderOf(label: string): (bytes: Uint8Array) => string {
  let decoder: InstanceType<typeof TextDecoder> | undefined
  return (bytes) => (decoder ??= new TextDecoder(label, { ignoreBOM: true })).decode(bytes)
}

function singleByte(escape: string, label: string): GraphicSet {
  const decodeAll = decoderOf(label)
  // The decoders are those of the Web, which put windows code pages' characters at 0x80 to 0x9f.
  const decode = (bytes: Buffer) =>
    Array.from(bytes, (byte) =>
      byte < 0xa0 ? String.fromCharCode(byte) : decodeAll(Uint8Array.of(byte)),
    ).join('')
  return { side: 'G1', bytesPerCharacter: 1, escape, decode }
}

const latin1 = (bytes: Buffer) => bytes.toString('latin1')
const eucJP = decoderOf('euc-jp')
const eucKR = decoderOf('euc-kr')
const gbk = decoderOf('gbk')

export const ascii: GraphicSet = { side: 'G0', bytesPerCharacter: 1, escape: '(B', decode: latin1 }
/** JIS X 0201 Romaji. Yen sign and overline stay backslash and tilde, as they are used (PS3.5 6.1.2.3). */
const romaji: GraphicSet = { side: 'G0', bytesPerCharacter: 1, escape: '(J', decode: latin1 }
const katakana = singleByte(')I', 'shift_jis')
const western: GraphicSet = { side: 'G1', bytesPerCharacter: 1, escape: '-A', decode: latin1 }

/** JIS X 0208. */
const kanji: GraphicSet = {
  side: 'G0',
  bytesPerCharacter: 2,
  escape: '$B',
  decode: (bytes) => eucJP(Uint8Array.from(bytes, (byte) => byte | 0x80)),
}
/** JIS X 0212, in EUC-JP behind a 0x8f for each character. */
const supplementaryKanji: GraphicSet = {
  side: 'G0',
  bytesPerCharacter: 2,
  escape: '$(D',
  decode(bytes) {
    const euc = new Uint8Array((bytes.length / 2) * 3)
    for (let at = 0, to = 0; at + 1 < bytes.length; at += 2, to += 3) {
      euc.set([0x8f, (bytes[at] ?? 0) | 0x80, (bytes[at + 1] ?? 0) | 0x80], to)
    }
    return eucJP(euc)
  },
}
/** KS X 1001. */
const hangul: GraphicSet = { side: 'G1', bytesPerCharacter: 2, escape: '$)C', decode: eucKR }
/** GB 2312. */
const hanzi: GraphicSet = { side: 'G1', bytesPerCharacter: 2, escape: '$)A', decode: gbk }

/** By registration number: `ISO_IR 100` and `ISO 2022 IR 100` name the same set. */
const setsByRegistration: Readonly<Record<string, readonly GraphicSet[]>> = {
  6: [ascii],
  13: [romaji, katakana],
  14: [romaji],
  58: [hanzi],
  87: [kanji],
  100: [western],
  101: [singleByte('-B', 'iso-8859-2')],
  109: [singleByte('-C', 'iso-8859-3')],
  110: [singleByte('-D', 'iso-8859-4')],
  126: [singleByte('-F', 'iso-8859-7')],
  127: [singleByte('-G', 'iso-8859-6')],
  138: [singleByte('-H', 'iso-8859-8')],
  144: [singleByte('-L', 'iso-8859-5')],
  148: [singleByte('-M', 'iso-8859-9')],
  149: [hangul],
  159: [supplementaryKanji],
  166: [singleByte('-T', 'windows-874')],
  203: [singleByte('-b', 'iso-8859-15')],
}

export const allGraphicSets: readonly GraphicSet[] = Object.values(setsByRegistration).flat()

export type WholeEncoding = 'utf-8' | 'gb18030' | 'gbk'
const wholeEncodings: Readonly<Record<string, WholeEncoding>> = {
  'ISO_IR 192': 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
}
export const wholeDecoders: Readonly<Record<WholeEncoding, (bytes: Uint8Array) => string>> = {
  'utf-8': decoderOf('utf-8'),
  gb18030: decoderOf('gb18030'),
  gbk,
}

/** How the text of a data set is written. */
export type Repertoire =
  /** One encoding without escapes (PS3.5 6.1.2.5 forbids them here). */
  | { readonly whole: WholeEncoding }
  | {
      readonly whole?: undefined
      /** In force at the beginning and after each delimiter. */
      readonly initial: { readonly G0: GraphicSet; readonly G1: GraphicSet | undefined }
      /** All that may be switched to, in order of declaration. */
      readonly declared: readonly GraphicSet[]
      /** Code extensions are in force: there may be escapes. */
      readonly extended: boolean
    }

const cache = new Map<string, Repertoire>()

/** @param characterSets defined terms of Specific Character Set (0008,0005); unknown ones count as absent */
export function repertoireOf(characterSets: readonly string[]): Repertoire {
  const key = characterSets.join('\\')
  const known = cache.get(key)
  if (known !== undefined) return known
  // Few combinations exist. A hostile file may invent more: those need not be remembered.
  const repertoire = makeRepertoire(characterSets.map(canonicalTerm))
  if (cache.size < 100) cache.set(key, repertoire)
  return repertoire
}

function makeRepertoire(terms: readonly string[]): Repertoire {
  const whole = wholeEncoding(terms)
  if (whole !== undefined) return { whole }
  const sets = terms.map((term) => setsByRegistration[term] ?? [])
  const first = sets[0] ?? []
  const singleByteG0 = first.find((set) => set.side === 'G0' && set.bytesPerCharacter === 1)
  return {
    initial: { G0: singleByteG0 ?? ascii, G1: first.find((set) => set.side === 'G1') },
    declared: [...new Set(sets.flat())],
    extended: terms.length > 1,
  }
}

/**
 * Only the first term may name an encoding without escapes, but `\\ISO 2022 GBK` is written, too; what is ASCII for
 * the terms in front is the same in all of these.
 */
function wholeEncoding(terms: readonly string[]): WholeEncoding | undefined {
  const first = terms.find((term) => term !== '' && term !== '6')
  return wholeEncodings[first ?? '']
}

/** Is that a defined term of Specific Character Set, or one of its many misspellings? */
export function isKnownCharacterSet(term: string): boolean {
  const canonical = canonicalTerm(term)
  return Object.hasOwn(wholeEncodings, canonical) || Object.hasOwn(setsByRegistration, canonical)
}

/** ISO 8859 by its parts, as everybody but DICOM names them. */
const partsOf8859: Readonly<Record<string, string>> = {
  1: '100',
  2: '101',
  3: '109',
  4: '110',
  5: '144',
  6: '127',
  7: '126',
  8: '138',
  9: '148',
  11: '166',
  15: '203',
}

/** Sets that have no term of their own without code extensions (PS3.3 table C.12-4). */
const onlyExtended = new Set(['58', '87', '149', '159'])

/**
 * The same character sets in the terms of PS3.3 C.12.1.1.2, for whoever reads them to the letter. Undefined where one of
 * them is known to nobody.
 */
export function definedTermsOf(characterSets: readonly string[]): readonly string[] | undefined {
  if (!characterSets.every((term) => term.trim() === '' || isKnownCharacterSet(term))) {
    return undefined
  }
  const terms = characterSets.map(canonicalTerm)
  const whole = wholeEncoding(terms)
  if (whole !== undefined) return terms.filter((term) => term in wholeEncodings).slice(0, 1)
  const isExtended = terms.length > 1
  return terms.map((term) => {
    if (term === '') return ''
    if (isExtended || onlyExtended.has(term)) return `ISO 2022 IR ${term}`
    return term === '6' ? '' : `ISO_IR ${term}`
  })
}

/** `ISO-IR 100`, `ISO_IR_100`, `latin1`, `ISO-8859-1`, `ISO2022 IR 87`, `ISO 2022 58`: devices spell the terms in many ways. */
function canonicalTerm(term: string): string {
  const upper = term.trim().toUpperCase()
  if (upper === 'UTF-8' || upper === 'UTF8') return 'ISO_IR 192'
  if (upper === 'ASCII' || upper === 'US-ASCII') return '6'
  const part = /^(?:ISO[ _-]?8859[ _-]|LATIN[ _-]?(?=1$))(\d{1,2})$/.exec(upper)?.[1]
  if (part !== undefined) return partsOf8859[part] ?? upper
  const chinese = /^(?:ISO[ _-]?2022[ _-]?)?(GBK|GB[ _-]?18030)$/.exec(upper)?.[1]
  if (chinese !== undefined) return chinese.replace(/[ _-]/, '')
  const registration = /^ISO[ _-]?(?:2022)?[ _-]?(?:IR[ _-]?)?(\d{1,3})$/.exec(upper)?.[1]
  if (registration === undefined) return upper
  return registration === '192' ? 'ISO_IR 192' : registration
}

/**
 * Characters at which the initial sets are in force again (PS3.5 6.1.2.5.3): ends of lines, the
 * backslash between values, and the delimiters of a person name's components and groups.
 */
export function isReset(code: number, vr: string): boolean {
  if (code === 0x09 || code === 0x0a || code === 0x0c || code === 0x0d) return true
  if (code === 0x5c) return vr !== 'LT' && vr !== 'ST' && vr !== 'UT'
  return vr === 'PN' && (code === 0x5e || code === 0x3d)
}
