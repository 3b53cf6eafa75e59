/**
 * Siemens' private headers ("CSA"), little endian: a count, then tags of a fixed 84 bytes, each with
 * items of a length in four numbers and bytes padded to four. CSA2 begins with `SV10`; CSA1 has no
 * signature, and writes each length larger by the number of items of its first tag.
 */
interface TagHead {
  readonly name: string
  readonly items: number
}

const nameBytes = 64
const tagBytes = 84
const itemHeadBytes = 16
/** Real headers have some hundred tags. */
const mostTags = 1024
/** Real tags have up to some hundred items, most of them empty. */
const mostItems = 4096

/**
 * Values by name of the tag, without the empty ones. Whatever its lengths claim, nothing outside of
 * `bytes` is read and the work is bounded by them; of a damaged header what stands before the damage counts.
 * @param wanted only these: making texts of all others would take most of the time
 */
export function readCsaHeader(
  bytes: Buffer,
  wanted?: ReadonlySet<string>,
): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>()
  const isSecond = bytes.toString('latin1', 0, 4) === 'SV10'
  let at = isSecond ? 8 : 0
  if (at + 8 > bytes.length) return found
  const tags = bytes.readUInt32LE(at)
  if (tags === 0 || tags > mostTags) return found
  at += 8
  let firstItems: number | undefined
  for (let tag = 0; tag < tags; tag++) {
    const head = readTagHead(bytes, at)
    if (head === undefined) return found
    at += tagBytes
    firstItems ??= head.items
    const isWanted = wanted?.has(head.name) ?? true
    const values: string[] = []
    for (let item = 0; item < head.items; item++) {
      if (at + itemHeadBytes > bytes.length) return found
      const length = isSecond ? bytes.readInt32LE(at + 4) : bytes.readInt32LE(at) - firstItems
      at += itemHeadBytes
      if (length < 0 || at + length > bytes.length) return found
      const text = isWanted ? textAt(bytes, at, length) : ''
      if (text !== '') values.push(text)
      at += length + ((4 - (length % 4)) % 4)
    }
    if (isWanted && !found.has(head.name)) found.set(head.name, values)
  }
  return found
}

function readTagHead(bytes: Buffer, at: number): TagHead | undefined {
  if (at + tagBytes > bytes.length) return undefined
  const items = bytes.readInt32LE(at + 76)
  if (items < 0 || items > mostItems) return undefined
  return { name: textAt(bytes, at, nameBytes), items }
}

/** Up to the first NUL, without the spaces around it. */
function textAt(bytes: Buffer, at: number, length: number): string {
  const end = bytes.subarray(at, at + length).indexOf(0)
  return bytes.toString('latin1', at, end === -1 ? at + length : at + end).trim()
}
