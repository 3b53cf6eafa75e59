/** Letters that are written with several in plain Latin, and do not fall apart by decomposition. */
const spelledOut: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ı: 'i',
}
/** How Germans and Scandinavians write letters that their keyboard lacks. */
const transliterated: Readonly<Record<string, string>> = {
  ä: 'ae',
  ö: 'oe',
  ü: 'ue',
  å: 'aa',
  ø: 'oe',
}

/** Lower case, without accents, full-width forms narrowed: two spellings of a name become one. */
export function foldText(text: string): string {
  if (isPlain(text)) return text.toLowerCase()
  const bare = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().normalize('NFC')
  return bare.replace(/[ßæœøđðþłı]/g, (letter) => spelledOut[letter] ?? letter)
}

/** The folded text, and as well as others may have spelled it. */
export function spellings(text: string): Set<string> {
  const lower = text.normalize('NFC').toLowerCase()
  const replaced = lower.replace(/[äöüåø]/g, (letter) => transliterated[letter] ?? letter)
  return new Set([foldText(text), foldText(replaced)])
}

function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false
  return true
}
