import type { JsonDataSet } from './read-data-sets.ts'

/** Deeper than any answer: what is deeper was made to hurt. */
const deepest = 32
const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
}

type Attributes = Readonly<Record<string, string>>
interface OpenElement {
  readonly name: string
  readonly attributes: Attributes
  readonly dataSet: Record<string, { vr: string; Value: unknown[] }>
  readonly values: unknown[]
  text: string
}

/** A tag, a comment, a processing instruction, or text up to the next one. */
const token =
  /<!--[^]*?-->|<\?[^]*?\?>|<!\[CDATA\[([^]*?)\]\]>|<(\/?)([A-Za-z_][\w:.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y

/**
 * A data set in the Native DICOM Model (PS3.19 A.1), in the shape of the JSON model. Only elements of that model
 * count; a document type, which could define entities, makes it no data set.
 * @returns undefined when it is not well-formed or no data set
 */
export function readNativeXml(text: string): JsonDataSet | undefined {
  const open: OpenElement[] = []
  let whole: JsonDataSet | undefined
  token.lastIndex = text.startsWith('\ufeff') ? 1 : 0
  while (token.lastIndex < text.length) {
    const match = token.exec(text)
    if (match === null) return undefined
    const [, cdata, slash, name, attributes = '', isEmpty, characters] = match
    const top = open.at(-1)
    if (cdata !== undefined || characters !== undefined) {
      if (top !== undefined) top.text += cdata ?? decode(characters ?? '')
      else if ((cdata ?? characters ?? '').trim() !== '') return undefined
      continue
    }
    if (name === undefined) continue
    const local = name.slice(name.indexOf(':') + 1)
    if (slash === '') {
      if (open.length === deepest || whole !== undefined) return undefined
      open.push({
        name: local,
        attributes: readAttributes(attributes),
        dataSet: {},
        values: [],
        text: '',
      })
      if (isEmpty === '') continue
    } else if (top?.name !== local) return undefined
    const closed = open.pop()
    if (closed === undefined) return undefined
    const parent = open.at(-1)
    if (parent === undefined) {
      if (closed.name !== 'NativeDicomModel') return undefined
      whole = closed.dataSet
    } else close(closed, parent)
  }
  return open.length === 0 ? whole : undefined
}

function close(
  { name, attributes, dataSet, values, text }: OpenElement,
  parent: OpenElement,
): void {
  if (name === 'Value') parent.values.push(text)
  else if (name === 'Item') parent.values.push(dataSet)
  else if (name === 'DicomAttribute') {
    const tag = (attributes['tag'] ?? '').toUpperCase()
    if (/^[0-9A-F]{8}$/.test(tag)) {
      parent.dataSet[tag] = { vr: attributes['vr'] ?? 'UN', Value: values }
    }
  }
}

function readAttributes(text: string): Attributes {
  return Object.fromEntries(
    [...text.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(
      ([, name = '', one, other]) => [name, decode(one ?? other ?? '')],
    ),
  )
}

/** Only the entities that XML has by itself. */
function decode(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{1,8}));/gi,
    (all, hex, decimal, name) => {
      if (typeof name === 'string') return entities[name] ?? all
      const code = typeof hex === 'string' ? parseInt(hex, 16) : Number(decimal)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : all
    },
  )
}
