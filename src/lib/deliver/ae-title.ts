/**
 * PS3.5 6.2, AE: 1 to 16 characters, no backslash, no control characters, not only blanks.
 * @returns what is wrong with it, to stand behind its name
 */
export function aeTitleTrouble(title: string): string | undefined {
  const shown = JSON.stringify(title.slice(0, 40))
  if (title.trim() === '') return 'is missing'
  if (title.length > 16)
    return `${shown} has ${String(title.length)} characters, and may have 1 to 16`
  if (/[\\\u0000-\u001f\u007f-\uffff]/.test(title)) {
    return `${shown} has a character that is not allowed there`
  }
  return undefined
}
/** The hint beside it. */
export const aeTitleRule = 'an AE title has 1 to 16 ASCII characters without backslash (PS3.5 6.2)'
