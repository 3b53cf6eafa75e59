import { nearest } from '../text/index.ts'
import { type JsonNode, type JsonObject, plainValue } from './json-source.ts'
import type { Problems } from './problems.ts'
import type { SemanticsName } from './rule-definition.ts'

/** A piece of the file, short enough for a message. */
export function shown(node: JsonNode): string {
  const text = JSON.stringify(plainValue(node))
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`
}

/**
 * Keys that nobody knows are notes, and notes are welcome. A key that looks like a slip of the
 * hand is not: what it was meant to say would silently be missing. Nor is a key that stands there twice.
 */
export function checkKeys(
  node: JsonObject,
  known: readonly string[],
  problems: Problems,
  semantics: SemanticsName,
): void {
  const gravity = semantics === 'strict' ? 'mistake' : 'warning'
  const offsets = new Map<string, number>()
  for (const { key, offset } of node.members) {
    const first = offsets.get(key)
    if (first === undefined) offsets.set(key, offset)
    else {
      const message = `the key "${key}" stands in line ${String(problems.lineOf(first))} already; only the last one counts`
      problems[known.includes(key) ? gravity : 'warning'](offset, message)
    }
    if (known.includes(key) || key.length < 4) continue
    const guess = nearest(key, known)
    if (guess === undefined) continue
    const message = `unknown key "${key}"; did you mean "${guess}"?`
    problems[gravity](offset, message)
  }
}

/** Number of a text as Python's float() reads it; undefined where it is none. */
export function numberOf(text: string): number | undefined {
  const trimmed = text.trim()
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(trimmed)) return Number(trimmed)
  const special = /^([+-]?)(?:inf(?:inity)?|(nan))$/i.exec(trimmed)
  if (special === null) return undefined
  if (special[2] !== undefined) return Number.NaN
  return special[1] === '-' ? -Infinity : Infinity
}
