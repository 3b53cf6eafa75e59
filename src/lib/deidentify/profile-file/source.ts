import {
  type Document,
  LineCounter,
  type Node,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
} from 'yaml'
import { parseYaml, plainYaml } from '../../yaml/index.ts'
import type { Problems } from './problems.ts'

/** A key of a map, or the place of an item in a list. */
export type Key = string | number

/** A profile as it was written: what it says, and where. */
export interface Source {
  readonly value: unknown
  /** Offset of what stands under these keys, or, with `ofKey`, of the last key itself; of as many of them as are there. */
  at(keys: readonly Key[], ofKey?: boolean): number
}

/** Undefined when the text cannot be read as YAML, of which JSON is a part; `problems` knows why. */
export function readSource(text: string, problems: Problems): Source | undefined {
  const tooDeep = depthExceeded(text)
  if (tooDeep !== undefined) {
    problems.mistake(tooDeep, nestedTooDeeply)
    return undefined
  }
  try {
    const { document, problems: found } = parseYaml(text, new LineCounter(), 'a profile')
    // What is wrong with the form of a text makes what follows it look wrong, too.
    for (const { at, message } of found.slice(0, mostOfForm)) {
      problems.mistake(at, inOurWords(message))
    }
    if (found.length > 0) return undefined
    const plain = plainYaml(document)
    if (plain === undefined) {
      problems.mistake(0, 'aliases stand for too much; write out what they mean')
      return undefined
    }
    return { value: plain.value, at: (keys, ofKey = false) => offsetOf(document, keys, ofKey) }
  } catch (error) {
    // Of the parser's own recursion; it has no limit of its own.
    if (!(error instanceof RangeError)) throw error
    problems.mistake(0, nestedTooDeeply)
    return undefined
  }
}

function inOurWords(message: string): string {
  if (message.startsWith('Maximum call stack')) return nestedTooDeeply
  // What an unquoted (0019,[CREATOR],0C) looks like to YAML.
  if (message.startsWith('With stringKeys')) {
    return 'a list cannot be a key; a tag is written in quotes: "(0019,[CREATOR],0C)"'
  }
  return message
}

const nestedTooDeeply = 'it is nested too deeply'
const mostOfForm = 3
const deepest = 100

/** Where more brackets are open than any profile has: the parser takes long for very many. Quotes are not looked at. */
function depthExceeded(text: string): number | undefined {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at)
    if (character === 0x5b || character === 0x7b) depth += 1
    else if ((character === 0x5d || character === 0x7d) && depth > 0) depth -= 1
    if (depth > deepest) return at
  }
  return undefined
}

function offsetOf(document: Document, keys: readonly Key[], ofKey: boolean): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [at, key] of keys.entries()) {
    const there = isAlias(node) ? node.resolve(document) : node
    if (!isCollection(there)) return offset
    if (isMap(there)) {
      const pair = there.items.find((item) => isScalar(item.key) && item.key.value === String(key))
      if (pair === undefined) return offset
      node = ofKey && at === keys.length - 1 ? pair.key : (pair.value ?? pair.key)
    } else if (isSeq(there)) node = there.items[Number(key)]
    offset = startOf(node) ?? offset
  }
  return offset
}

function startOf(node: unknown): number | undefined {
  return (node as Partial<Node> | null | undefined)?.range?.[0]
}
