// How Python writes values. The original wrote its series JSON so and its rules match against that text
// (`'M', 'NORM'\]$`): users' rule files are full of it.

/** Printable ASCII without quote or backslash: nearly all there is, and asked for several times for each object. */
const plainText = /^[\x20-\x26\x28-\x5b\x5d-\x7e]*$/

/** `repr()` of a text. */
export function textLiteral(text: string): string {
  if (plainText.test(text)) return `'${text}'`
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let out = ''
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    if (character === '\\' || character === quote) out += `\\${character}`
    else if (character === '\n') out += '\\n'
    else if (character === '\r') out += '\\r'
    else if (character === '\t') out += '\\t'
    else if (code < 0x20 || (code >= 0x7f && code < 0xa1)) out += `\\x${hex(code, 2)}`
    else out += character
  }
  return `${quote}${out}${quote}`
}

/** `repr()` of bytes: `b'HC1-7;\x00'`. */
export function bytesLiteral(bytes: Buffer): string {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'"
  let out = ''
  for (const byte of bytes) {
    const character = String.fromCharCode(byte)
    if (character === '\\' || character === quote) out += `\\${character}`
    else if (character === '\n') out += '\\n'
    else if (character === '\r') out += '\\r'
    else if (character === '\t') out += '\\t'
    else if (byte < 0x20 || byte >= 0x7f) out += `\\x${hex(byte, 2)}`
    else out += character
  }
  return `b${quote}${out}${quote}`
}

/** `repr()` of a float: whole numbers end in `.0`, small and large ones have an exponent. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [digits = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power < -4 || power >= 16) {
    return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
  }
  if (power < 0) {
    const plain = digits.replace(/[-.]/g, '')
    return `${value < 0 ? '-' : ''}0.${'0'.repeat(-power - 1)}${plain}`
  }
  const plain = String(value)
  return plain.includes('.') ? plain : `${plain}.0`
}

/** `str()` of a list of texts. */
export function textList(texts: readonly string[]): string {
  return `[${texts.map(textLiteral).join(', ')}]`
}

/** `str()` of a list of numbers, given as text. */
export function numberList(numbers: readonly string[]): string {
  return `[${numbers.join(', ')}]`
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}
