/** One line of a table; a cell in quotes may have further lines in it. */
export interface Line {
  /** Of its beginning, from 1 on. */
  readonly number: number
  readonly cells: readonly string[]
}

/** What cannot be read, with the line where it is. */
export class TableMistake extends Error {
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** A longer line is no line of a table: an opening quote without its end, or another kind of file. */
const longestLine = 65_536

/**
 * Cells between separators (RFC 4180): in quotes with `""` for a quote, or as they are. Lines end with LF, CRLF or CR; empty ones are left out.
 * @param at where to begin in the text, and the number of that line
 * @throws TableMistake
 */
export function* linesOf(
  text: string,
  separator: string,
  { at, number: first }: { readonly at: number; readonly number: number },
): Generator<Line, void, undefined> {
  const end = text.length
  let number = first
  for (let position = at; position < end;) {
    const begin = position
    const numberOfLine = number
    const cells: string[] = []
    for (let isEnded = false; !isEnded;) {
      let cell: string
      if (text[position] === '"') {
        const closing = closingQuote(text, position, numberOfLine)
        cell = text.slice(position + 1, closing).replaceAll('""', '"')
        number += countLineEnds(cell)
        position = closing + 1
        const next = text[position]
        if (next !== undefined && next !== separator && next !== '\n' && next !== '\r') {
          throw new TableMistake(
            numberOfLine,
            'something stands behind the closing quote of a cell',
          )
        }
      } else {
        const from = position
        while (position < end && !isEndOfCell(text.charCodeAt(position), separator)) {
          position += 1
        }
        cell = text.slice(from, position)
      }
      if (position - begin > longestLine) throw tooLong(numberOfLine)
      cells.push(cell)
      isEnded = text[position] !== separator
      if (!isEnded) position += 1
    }
    if (text[position] === '\r') position += text[position + 1] === '\n' ? 2 : 1
    else if (text[position] === '\n') position += 1
    number += 1
    if (cells.some((cell) => cell.trim() !== '')) yield { number: numberOfLine, cells }
  }
}

function isEndOfCell(code: number, separator: string): boolean {
  return code === separator.charCodeAt(0) || code === 0x0a || code === 0x0d
}

function closingQuote(text: string, opening: number, line: number): number {
  for (let at = opening + 1; ; at += 2) {
    at = text.indexOf('"', at)
    if (at === -1) throw new TableMistake(line, 'a cell begins with a quote and has no closing one')
    if (at - opening > longestLine) throw tooLong(line)
    if (text[at + 1] !== '"') return at
  }
}

function countLineEnds(cell: string): number {
  let count = 0
  for (let at = cell.indexOf('\n'); at !== -1; at = cell.indexOf('\n', at + 1)) count += 1
  return count
}

function tooLong(line: number): TableMistake {
  return new TableMistake(line, `the line is longer than ${String(longestLine)} characters`)
}
