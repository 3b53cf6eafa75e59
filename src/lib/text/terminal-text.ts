// What comes from headers may hold anything, and a terminal obeys control characters: it can be made to hide
// lines, to change its title, to type. None reaches it.

// C0 and C1 controls, what changes the direction of text (Unicode TR 36), line separators.
const hidden = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u

/** One visible character for each that must not reach a terminal. */
export function visibleText(text: string): string {
  return text.replaceAll(hidden, (character) => {
    const code = character.charCodeAt(0)
    if (code < 0x20) return String.fromCharCode(0x2400 + code)
    return code === 0x7f ? '\u2421' : '\ufffd'
  })
}

/** JSON whose text, too, holds none of them: the same value to whoever parses it. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    hidden,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Columns of a terminal. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of text) width += widthOf(character)
  return width
}

/** Exactly so many columns: cut with an ellipsis, or filled up. */
export function fitText(text: string, columns: number): string {
  const width = displayWidth(text)
  if (width <= columns) return text + ' '.repeat(columns - width)
  let out = ''
  let used = 0
  for (const character of text) {
    if (used + widthOf(character) > columns - 1) break
    out += character
    used += widthOf(character)
  }
  return `${out}…${' '.repeat(Math.max(0, columns - 1 - used))}`
}

function widthOf(character: string): number {
  if (/\p{M}|\p{Cf}/u.test(character)) return 0
  return wide.test(character) ? 2 : 1
}
