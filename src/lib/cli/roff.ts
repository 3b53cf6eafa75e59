// Text as man(7) source. groff turns several ASCII characters into typographic ones: what a reader
// shall copy to a shell must be escaped, or it is another character on the page.

const widest = 78

/** A paragraph of prose: its spaces folded, in lines short enough to read and to compare. */
export function prose(text: string): string {
  const lines = ['']
  for (const word of text.trim().split(/\s+/)) {
    const escaped = escape(word)
    const last = lines.at(-1) ?? ''
    if (last === '') lines[lines.length - 1] = escaped
    else if (last.length + 1 + escaped.length <= widest)
      lines[lines.length - 1] = `${last} ${escaped}`
    else lines.push(escaped)
  }
  return lines.map(notARequest).join('\n')
}

/** A line as it is, to be copied: quotes stay straight. */
export function literal(text: string): string {
  return notARequest(escape(text).replaceAll("'", '\\(aq'))
}

/** The one argument of a macro. */
export function argument(text: string): string {
  return `"${escape(text).replaceAll('"', '\\(dq').replaceAll("'", '\\(aq')}"`
}

const named: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '…': '...',
  '→': '\\(->',
}

function escape(text: string): string {
  return text.replaceAll(/[\\\-`^~]|[^\n\x20-\x7e]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return named[character] ?? `\\[u${code.toString(16).toUpperCase().padStart(4, '0')}]`
  })
}

/** A line that begins with a dot or an apostrophe would be a request. */
function notARequest(line: string): string {
  return /^[.']/.test(line) ? `\\&${line}` : line
}
