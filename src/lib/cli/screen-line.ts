/** How a piece of a line looks; without colours it looks like any other. */
export type Style = 'bold' | 'dim' | 'good' | 'doubtful' | 'bad'
export type Span = readonly [text: string, style?: Style]
export type ScreenLine = readonly Span[]

/** SGR of ECMA-48 8.3.117. */
const codes: Readonly<Record<Style, number>> = { bold: 1, dim: 2, good: 32, doubtful: 33, bad: 31 }

/**
 * What a terminal would obey and not show: control characters (C0, DEL, C1), and what turns the direction of
 * writing. Text of a log may hold what a peer called itself.
 */
const obeyed = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/**
 * A line for a terminal: harmless, at most so many characters, and in colours if it is to have any. Characters of
 * double width are counted once: the terminal, told not to wrap, cuts what they need.
 */
export function renderLine(line: ScreenLine, columns: number, hasColours: boolean): string {
  const characters = line.map(([text, style]) => [
    Array.from(text.replace('\t', ' ').replace(obeyed, '?')),
    style,
  ]) as (readonly [string[], Style | undefined])[]
  const isLong = characters.reduce((sum, [{ length }]) => sum + length, 0) > columns
  let room = isLong ? columns - 1 : columns
  const pieces = characters.map(([text, style]) => {
    const shown = text.slice(0, room)
    room -= shown.length
    const plain = shown.join('')
    if (style === undefined || !hasColours || plain === '') return plain
    return `\u001b[${String(codes[style])}m${plain}\u001b[0m`
  })
  return `${pieces.join('')}${isLong ? '…' : ''}`
}
