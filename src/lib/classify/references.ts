import { nearest } from '../text/index.ts'
import type { Problems } from './problems.ts'
import type { Definition, Reference, SemanticsName } from './rule-definition.ts'

/** Definitions by id; of several with one id, which is a mistake, the first. */
export function byId(definitions: readonly Definition[]): Map<string, Definition> {
  const found = new Map<string, Definition>()
  for (const definition of definitions) {
    if (definition.id !== undefined && !found.has(definition.id)) {
      found.set(definition.id, definition)
    }
  }
  return found
}

export function referencesOf(definition: Definition): Reference[] {
  return definition.entries.filter((entry) => entry.kind === 'reference')
}

/** Reports ids that are there twice or not at all, and definitions that refer to themselves. */
export function resolveReferences(
  definitions: readonly Definition[],
  problems: Problems,
  semantics: SemanticsName,
): void {
  const known = byId(definitions)
  for (const definition of definitions) {
    const first = definition.id === undefined ? undefined : known.get(definition.id)
    if (first !== undefined && first !== definition) {
      const message = `the id "${first.id ?? ''}" is already that of line ${String(first.line)}`
      problems.mistake(definition.offset, message)
    }
    for (const { id, offset } of referencesOf(definition)) {
      if (known.has(id)) continue
      const guess = nearest(id, known.keys())
      const advice = guess === undefined ? '' : `; did you mean "${guess}"?`
      problems.mistake(offset, `no definition has the id "${id}"${advice}`)
    }
  }
  for (const cycle of findCycles(definitions, known)) {
    const message = `the definitions refer to themselves in a circle: ${cycle.ids.join(' → ')}`
    if (semantics === 'strict') problems.mistake(cycle.offset, message)
    else problems.warning(cycle.offset, `${message} (a circle counts as no test at all)`)
  }
}

function findCycles(
  definitions: readonly Definition[],
  known: ReadonlyMap<string, Definition>,
): { ids: string[]; offset: number }[] {
  const cycles: { ids: string[]; offset: number }[] = []
  const done = new Set<Definition>()
  const path: Definition[] = []
  const visit = (definition: Definition): void => {
    if (done.has(definition)) return
    path.push(definition)
    for (const { id, offset } of referencesOf(definition)) {
      const target = known.get(id)
      if (target === undefined) continue
      const at = path.indexOf(target)
      if (at === -1) visit(target)
      else cycles.push({ ids: [...path.slice(at), target].map((each) => each.id ?? ''), offset })
    }
    path.pop()
    done.add(definition)
  }
  definitions.forEach(visit)
  return cycles
}
