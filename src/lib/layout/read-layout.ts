import { knownKeywords } from '../dicom/index.ts'
import { nearest } from '../text/index.ts'
import { fieldsOfRecord, hasText, layoutField } from './layout-field.ts'
import { type Layout, type Piece, fieldsOf } from './layout.ts'
import { ownersOf } from './owners.ts'
import { viewName } from './view-name.ts'

/** Why something is no layout. */
export interface NoLayout {
  readonly problem: string
}

/** What FIONA keeps in the folder of a project. */
const ownFolders = new Set(['archive', 'raw', 'participants', 'srs', 'outbox', 'review'])
/** Each of the components may have 255 bytes, a path 4096. */
const mostComponents = 10
const longestText = 1000

/** What needs no escaping wherever it stands. */
const plainText = /^[\p{L}\p{M}\p{N}_.,+=@^() -]*$/u
const extensionPattern = /\.[A-Za-z0-9]{1,10}$/

/**
 * A template of a path below the folder of a project: names between slashes, the first without a field.
 * `{Keyword}` stands for an attribute of the object, `{Keyword|text}` says what to write where it has none.
 */
export function readLayout(text: string): Layout | NoLayout {
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof Mistake) return { problem: error.message }
    throw error
  }
}

/** All of a project: each has a folder of its own. */
export function readLayouts(texts: readonly string[]): (Layout | NoLayout)[] {
  const layouts = texts.map(readLayout)
  const roots = layouts.map((each) => (isLayout(each) ? each.root.toLowerCase() : undefined))
  return layouts.map((each, at) => {
    const isSecond = isLayout(each) && roots.indexOf(each.root.toLowerCase()) < at
    return isSecond ? { problem: `another layout has the folder ${each.root} already` } : each
  })
}

export function isLayout(read: Layout | NoLayout): read is Layout {
  return 'root' in read
}

/** Stays in this file: whoever reads a layout is given it. */
class Mistake extends Error {}

function parse(text: string): Layout {
  if (text.length > longestText) throw new Mistake('is too long')
  const components = partsOf(text).map(readComponent)
  const [first = [], ...others] = components
  const file = others.pop()
  if (file === undefined) {
    throw new Mistake(
      'needs a folder of its own and a name for the file: folder/{SOPInstanceUID}.dcm',
    )
  }
  if (components.length > mostComponents) {
    throw new Mistake(`has more than ${String(mostComponents)} names, one in the other`)
  }
  const extension = extensionPattern.exec(textAtEnd(file))?.[0] ?? ''
  const owners = ownersOf(others)
  const isOfSeries = owners.includes('series') || names(others, 'SeriesInstanceUID')
  return {
    text,
    root: rootOf(first),
    directories: others,
    owners,
    file: withoutEnd(file, extension.length),
    extension,
    isFileUnique: isOfSeries && names([file], 'SOPInstanceUID'),
  }
}

function names(components: readonly (readonly Piece[])[], keyword: string): boolean {
  return components.some((pieces) => fieldsOf(pieces).some(({ name }) => name === keyword))
}

function rootOf(pieces: readonly Piece[]): string {
  const [root] = pieces
  if (typeof root !== 'string' || pieces.length > 1) {
    throw new Mistake('must begin with the name of a folder of its own, without a field')
  }
  if (ownFolders.has(root.toLowerCase())) {
    throw new Mistake(`cannot be in ${root}: FIONA keeps things of its own there`)
  }
  return root
}

/** Between the slashes: texts, fields in their braces, and braces that are alone. A slash in a field is one of its mistakes. */
function partsOf(text: string): string[][] {
  const components: string[][] = [[]]
  for (const part of text.match(/\{[^{}]*\}|\/|[^{}/]+|[{}]/g) ?? []) {
    if (part === '/') components.push([])
    else components.at(-1)?.push(part)
  }
  return components
}

function readComponent(parts: readonly string[]): Piece[] {
  const text = parts.join('')
  if (text === '') throw new Mistake('has an empty name: a slash at its beginning or end, or two')
  const pieces = parts.map((part): Piece => {
    if (part === '{' || part === '}') throw new Mistake(`has a ${part} without its other one`)
    if (part.startsWith('{')) return readField(part.slice(1, -1))
    return checked(part)
  })
  if (/^[.\- ]/.test(text)) throw new Mistake(`has a name that begins with "${text.charAt(0)}"`)
  if (/[. ]$/.test(text)) throw new Mistake(`has a name that ends with "${text.at(-1) ?? ''}"`)
  const [only] = pieces
  if (pieces.length === 1 && typeof only === 'string' && viewName(only) !== only) {
    throw new Mistake(`has a name that no file system takes everywhere: "${only}"`)
  }
  return pieces
}

function readField(text: string): Piece {
  const bar = text.indexOf('|')
  const name = (bar === -1 ? text : text.slice(0, bar)).trim()
  const missing = bar === -1 ? missingText : checked(text.slice(bar + 1))
  const field = layoutField(name)
  if (field === undefined) throw unknown(name)
  if (!hasText(field)) throw new Mistake(`asks for ${name}, which has no text for a name`)
  return { field, missing }
}

/** As the original wrote it. */
const missingText = 'unknown'

function unknown(name: string): Mistake {
  const guess = nearest(name, [...fieldsOfRecord, ...knownKeywords()])
  const hint = guess === undefined ? '' : `; did you mean "${guess}"?`
  return new Mistake(`has an unknown field "${name}"${hint}`)
}

function checked(text: string): string {
  if (text.normalize('NFC') !== text) throw new Mistake('is not in the usual form of Unicode (NFC)')
  const odd = Array.from(text).find((character) => !plainText.test(character))
  if (odd === undefined) return text
  const allowed = 'letters, digits, _ . , + = @ ^ ( ) - and blanks'
  throw new Mistake(`has ${JSON.stringify(odd)} in a name, which may have ${allowed}`)
}

function textAtEnd(pieces: readonly Piece[]): string {
  const last = pieces.at(-1)
  return typeof last === 'string' ? last : ''
}

function withoutEnd(pieces: readonly Piece[], length: number): Piece[] {
  const last = pieces.at(-1)
  if (typeof last !== 'string' || length === 0) return [...pieces]
  const rest = last.slice(0, -length)
  return rest === '' ? pieces.slice(0, -1) : [...pieces.slice(0, -1), rest]
}
