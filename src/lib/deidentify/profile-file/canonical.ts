import type { Rule } from '../rules/rule.ts'
import { textOf } from './covering.ts'
import type { ProfileFile } from './read-profile.ts'

/**
 * What a profile means, as one text: comments, names, the order of keys and how a tag is written do not matter; the
 * order of rules does.
 */
export function canonicalProfile({ text, rules, objects, exclude }: ProfileFile): unknown {
  const { base = 'basic', options = [], uidStyle = 'keyed', verify, pixels = null, deface } = text
  return [
    base,
    [...new Set(options)].sort(),
    uidStyle,
    rules.map(canonicalRule),
    [...objects].sort(byText),
    exclude.map((entry) => Object.entries(entry).sort(byText)),
    [...new Set(verify?.extraTerms ?? [])].sort(),
    inOrder(pixels),
    // Digests of profiles without it stay what they were.
    ...(deface === undefined ? [] : [inOrder(deface)]),
  ]
}

/** With keys in one order, at every depth. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .map(([key, one]) => [key, inOrder(one)])
    .sort(byText)
}

function canonicalRule({ selectors, when, action }: Rule): unknown {
  return [
    selectors.map(({ isAnchored, around, target }) => [
      isAnchored,
      around.map((step) => (step === undefined ? null : [step.value, step.mask])),
      Object.entries(target).sort(byText),
    ]),
    when.map(({ of, is }) => [String(of), is.map(textOf).sort()] as const).sort(byText),
    Object.entries(action)
      .map(([key, value]) => [key, isPattern(value) ? value.source : (value as unknown)])
      .sort(byText),
  ]
}

function isPattern(value: unknown): value is { readonly source: string } {
  return typeof value === 'object' && value !== null && 'source' in value
}

function byText(a: readonly unknown[], b: readonly unknown[]): number {
  const [x, y] = [String(a[0]), String(b[0])]
  return x < y ? -1 : x > y ? 1 : 0
}
