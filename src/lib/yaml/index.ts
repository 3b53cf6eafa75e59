import { isAlias, parseDocument, visit, type Document, type LineCounter } from 'yaml'

/** A real file has a handful; each may stand for all that its anchor holds. */
const mostAliases = 100

/** What is wrong with a text, and where in it. */
export interface YamlProblem {
  /** Offset in the text. */
  readonly at: number
  readonly message: string
}

/**
 * YAML 1.2, of which JSON is a part, as people write it for us. No tags: there are no binary values and no dates.
 * @param what it is, in messages: `a configuration`
 * @throws RangeError where it is nested more deeply than the parser can follow
 */
export function parseYaml(
  text: string,
  lines: LineCounter,
  what: string,
): { readonly document: Document; readonly problems: readonly YamlProblem[] } {
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    resolveKnownTags: false,
    stringKeys: true,
  })
  const anchors = new Set<string>()
  const problems = [...document.errors, ...document.warnings].map(({ pos, code, message }) => ({
    at: pos[0],
    message: code === 'MULTIPLE_DOCS' ? `a second document begins here; ${what} is one` : message,
  }))
  visit(document, {
    Node(_, node) {
      const at = node.range?.[0] ?? 0
      if (isAlias(node) && !anchors.has(node.source)) {
        problems.push({ at, message: `no anchor &${node.source} stands before *${node.source}` })
      } else if ('anchor' in node && typeof node.anchor === 'string') anchors.add(node.anchor)
    },
  })
  return { document, problems }
}

/** The plain value; undefined where aliases of aliases would make more of it than memory holds. */
export function plainYaml(document: Document): { readonly value: unknown } | undefined {
  try {
    return { value: document.toJS({ maxAliasCount: mostAliases }) as unknown }
  } catch (error) {
    if (error instanceof ReferenceError) return undefined
    throw error
  }
}
