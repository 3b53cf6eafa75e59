import { isAlias, parseDocument, visit, type Document, type LineCounter } from 'yaml'
import { refuse } from './refuse.ts'

/** A real file has a handful; each may stand for all that its anchor holds. */
const mostAliases = 100

/**
 * YAML 1.2, of which JSON is a part. No tags: a configuration has no binary values and no dates.
 * @throws FionaError E_CONFIG with every mistake of the text and its line
 */
export function readYaml(text: string, lines: LineCounter, name: string): Document {
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    resolveKnownTags: false,
    stringKeys: true,
  })
  const anchors = new Set<string>()
  const problems = [...document.errors, ...document.warnings].map(({ pos, code, message }) => ({
    at: pos[0],
    message:
      code === 'MULTIPLE_DOCS' ? 'a second document begins here; a configuration is one' : message,
  }))
  visit(document, {
    Node(_, node) {
      const at = node.range?.[0] ?? 0
      if (isAlias(node) && !anchors.has(node.source)) {
        problems.push({ at, message: `no anchor &${node.source} stands before *${node.source}` })
      } else if ('anchor' in node && typeof node.anchor === 'string') anchors.add(node.anchor)
    },
  })
  if (problems.length === 0) return document
  throw refuse(
    problems.map(({ at, message }) => `${name}:${String(lines.linePos(at).line)}: ${message}`),
  )
}

/** @throws FionaError E_CONFIG where aliases of aliases would make more of it than memory holds */
export function valueOf(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: mostAliases }) ?? {}
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
    throw refuse([`${name}:1: aliases stand for too much; write out what they mean`])
  }
}
