import { readFile } from 'node:fs/promises'
import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml'
import { isOriginalConfig, originalPlace } from './original.ts'

/** Where in the configuration file a key stands, for who finds later what is wrong with its value. */
export type Places = (keys: readonly string[]) => string | undefined

/** @param path of a file that was read without a mistake; undefined for the embedded defaults */
export async function readPlaces(path: string | undefined): Promise<Places> {
  if (path === undefined) return () => undefined
  const lines = new LineCounter()
  const document = parseDocument(await readFile(path, 'utf8'), { lineCounter: lines })
  const isOriginal = isOriginalConfig(document.toJS())
  return (keys) => {
    const pointer = keys.map((key) => `/${key}`).join('')
    const own = isOriginal ? originalPlace(pointer).split('/').slice(1) : keys
    const offset = offsetOf(document.contents, own)
    return offset === undefined ? undefined : `${path}:${String(lines.linePos(offset).line)}`
  }
}

/** Of the deepest of these keys that is there; undefined when not even the first is. */
function offsetOf(contents: Node | null, keys: readonly string[]): number | undefined {
  let node: unknown = contents
  let offset: number | undefined
  for (const key of keys) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
      if (pair === undefined || !isScalar(pair.key)) return offset
      offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else {
      const item = (node as { items?: readonly unknown[] } | null)?.items?.[Number(key)]
      if (item === undefined) return offset
      offset = (item as Partial<Node>).range?.[0] ?? offset
      node = item
    }
  }
  return offset
}
