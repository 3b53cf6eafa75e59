import { isAscii } from 'node:buffer'
import { decodeText, encodeText } from '../../dicom/index.ts'
import { decodeWindows1252 } from './windows-1252.ts'

/** In what people and devices write, declared or not; those of PS3.3 C.12.1.1.2 and of the computers around. */
const labels = `utf-8 iso-8859-2 iso-8859-3 iso-8859-4 iso-8859-5 iso-8859-6 iso-8859-7 iso-8859-8
  iso-8859-15 windows-1250 windows-1251 windows-1254 windows-874 koi8-r shift_jis euc-jp gb18030 euc-kr big5`.split(
  /\s+/,
)
let decoders: readonly InstanceType<typeof TextDecoder>[] | undefined
/** With code extensions all sets can be reached. */
const extended = ['', 'ISO 2022 IR 87']
const escape = 0x1b

/** All that some receiver may see in these bytes, whatever is declared. Of ASCII, and no escapes, only itself. */
export function plausibleTexts(bytes: Buffer): Set<string> {
  const texts = new Set([bytes.toString('latin1')])
  const hasEscape = bytes.includes(escape)
  if (hasEscape) texts.add(decodeText(bytes, 'LO', extended))
  if (isAscii(bytes)) return texts
  // A letter that was cut in half is no reason to overlook the others: decoders put a mark in its place.
  decoders ??= labels.map((label) => new TextDecoder(label, { ignoreBOM: true }))
  texts.add(decodeWindows1252(bytes))
  for (const decoder of decoders) texts.add(decoder.decode(bytes))
  return texts
}

/** Those of them that a name may be: nothing unreadable, and no word of letters of two scripts. */
export function likelyTexts(bytes: Buffer): string[] {
  return [...plausibleTexts(bytes)].filter(
    (text) => !/[\x80-\x9f\ufffd\p{Co}\p{Cn}]/u.test(text) && !twoScripts.test(text),
  )
}

/** `[^\P{L}\p{Script=Latin}]` is a letter that is not Latin. */
const twoScripts = /[A-Za-z][^\P{L}\p{Script=Latin}]|[^\P{L}\p{Script=Latin}][A-Za-z]/u

const singleByteSets = [100, 101, 109, 110, 126, 127, 138, 144, 148, 166, 203].map((ir) => [
  `ISO_IR ${String(ir)}`,
])
const allSets = [
  ...singleByteSets,
  ['ISO_IR 13'],
  ['GBK'],
  ['ISO 2022 IR 149'],
  ['', 'ISO 2022 IR 87'],
]

/** The bytes that a text may stand as in values that are no text, as latin1 text. */
export function plausibleBytes(text: string): string[] {
  // East Asian sets have Greek and Cyrillic letters, too.
  const sets = /[^\u0000-\u02ff]/u.test(text) ? allSets : singleByteSets
  return [['ISO_IR 192'], ...sets].flatMap((set) => {
    const bytes = encodeText(text, 'LO', set)
    return bytes === undefined ? [] : [bytes.toString('latin1')]
  })
}
