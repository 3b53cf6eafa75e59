import { latinSpellings } from './transliterate.ts'

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

/** What is not seen at all, soft hyphens and zero-width blanks and joiners among it (Unicode DI). */
const unseen = /\p{Default_Ignorable_Code_Point}+/gu

/**
 * Lower case, without accents and unseen characters, full-width forms narrowed (NFKD), one kind of dash
 * and apostrophe: two spellings of a name become one.
 */
export function foldText(text: string): string {
  if (isPlain(text)) return text.toLowerCase()
  const bare = text.normalize('NFKD').replace(/\p{M}/gu, '').replace(unseen, '').toLowerCase()
  return bare
    .normalize('NFC')
    .replace(/[ßæœøđðþłı]/g, (letter) => spelledOut[letter] ?? letter)
    .replace(/\p{Pd}/gu, '-')
    .replace(/[‘’ʼ]/g, "'")
}

/**
 * The folded text, and as well as others may have spelled it: `Müller` as muller and mueller, `Иванов` as
 * itself and in Latin letters. Where an unseen character may have stood for a blank, with that too.
 */
export function spellings(text: string): Set<string> {
  if (isPlain(text)) return new Set([text.toLowerCase()])
  const all = new Set<string>()
  for (const reading of new Set([text, text.replace(unseen, ' ')])) {
    const lower = reading.normalize('NFKC').replace(unseen, '').toLowerCase()
    const replaced = lower.replace(/[äöüåø]/g, (letter) => transliterated[letter] ?? letter)
    for (const each of [reading, replaced, ...latinSpellings(lower)]) all.add(foldText(each))
  }
  return all
}

/** Without what is not seen, or with something in its place. */
export function withoutUnseen(text: string, instead = ''): string {
  return isPlain(text) ? text : text.replace(unseen, instead)
}

function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7f) return false
  return true
}
