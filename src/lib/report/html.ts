import { visibleText } from '../text/index.ts'

/** Text of a record as text of a page: no markup, and nothing that hides or turns round what is beside it. */
export function escaped(text: string): string {
  return visibleText(text).replace(
    /[&<>"']/g,
    (character) => `&#${String(character.charCodeAt(0))};`,
  )
}

export function linesOf(html: readonly string[]): string {
  return html.map((line) => `<div>${line}</div>`).join('')
}

/** Digits in groups of three, with narrow blanks that do not break. */
export function numberOf(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u202f')
}

export function wordFor(count: number, singular: string): string {
  return count === 1 ? singular : `${singular}s`
}

/** Of a time as records have it (UTC). */
export function dateOf(time: string): string {
  return escaped(time.slice(0, 16).replace('T', ' '))
}
