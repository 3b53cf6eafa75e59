import type { Document, LineCounter } from 'yaml'
import { parseYaml, plainYaml } from '../yaml/index.ts'
import { refuse } from './refuse.ts'

/** @throws FionaError E_CONFIG with every mistake of the text and its line */
export function readYaml(text: string, lines: LineCounter, name: string): Document {
  const { document, problems } = parseYaml(text, lines, 'a configuration')
  if (problems.length === 0) return document
  throw refuse(
    problems.map(({ at, message }) => `${name}:${String(lines.linePos(at).line)}: ${message}`),
  )
}

/** @throws FionaError E_CONFIG where aliases of aliases would make more of it than memory holds */
export function valueOf(document: Document, name: string): unknown {
  const plain = plainYaml(document)
  if (plain !== undefined) return plain.value ?? {}
  throw refuse([`${name}:1: aliases stand for too much; write out what they mean`])
}
