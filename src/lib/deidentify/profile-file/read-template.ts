import { nearest } from '../../text/index.ts'
import { type Placeholder, type Template, placeholders } from '../rules/rule.ts'

/** `{project}` and `{participant}-{event}`; `{{` and `}}` are braces. */
export function readTemplate(text: string): Template | { readonly problem: string } {
  const parts: (string | { readonly of: Placeholder })[] = []
  let literal = ''
  for (const [piece] of text.matchAll(/\{\{|\}\}|\{[^{}]*\}|[^]/gu)) {
    if (piece === '{{' || piece === '}}') literal += piece[0] ?? ''
    else if (piece === '{' || piece === '}') {
      return {
        problem: `a ${piece} that belongs to no placeholder; a brace is written twice: ${piece}${piece}`,
      }
    } else if (piece.length > 1 && piece.startsWith('{')) {
      const name = piece.slice(1, -1)
      const placeholder = placeholders.find((each) => each === name)
      if (placeholder === undefined) return unknownPlaceholder(name)
      if (literal !== '') parts.push(literal)
      literal = ''
      parts.push({ of: placeholder })
    } else literal += piece
  }
  if (literal !== '') parts.push(literal)
  const problem = wrongText(parts.filter((part) => typeof part === 'string').join(''))
  return problem === undefined ? parts : { problem }
}

function unknownPlaceholder(name: string): { readonly problem: string } {
  const guess = nearest(name, placeholders)
  const meant =
    guess === undefined
      ? `; there are ${placeholders.map((one) => `{${one}}`).join(', ')}`
      : `; did you mean {${guess}}?`
  return { problem: `no placeholder is called {${name}}${meant}` }
}

/** `$1-$2`: groups of a pattern, `$$` a dollar, and placeholders. */
export function readExtractTemplate(
  text: string,
  groups: number,
): readonly (string | number | { readonly of: Placeholder })[] | { readonly problem: string } {
  const parts: (string | number | { readonly of: Placeholder })[] = []
  for (const [piece] of text.matchAll(/\$(?:\d{1,2}|\$)|\$|[^$]+/gu)) {
    if (piece === '$')
      return { problem: 'a $ without the number of a group; a dollar is written twice: $$' }
    if (piece === '$$') parts.push('$')
    else if (piece.startsWith('$')) {
      const group = Number(piece.slice(1))
      if (group > groups) {
        return {
          problem: `${piece}: the pattern has ${String(groups)} ${groups === 1 ? 'group' : 'groups'}`,
        }
      }
      parts.push(group)
    } else {
      const read = readTemplate(piece)
      if ('problem' in read) return read
      parts.push(...read)
    }
  }
  return parts
}

/** What may be written whatever the character set of the object is. */
export function wrongText(text: string): string | undefined {
  if (/[\\]/.test(text)) return 'a backslash separates values; one value is written'
  const odd = /[^\x20-\x7e]/u.exec(text)?.[0]
  if (odd === undefined) return undefined
  return `${JSON.stringify(odd)} is no printable ASCII character, which every character set has`
}
