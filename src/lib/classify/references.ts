import { nearest } from '../text/index.ts'
import type { Problems } from './problems.ts'
import type { Definition, Entry, Reference, SemanticsName } from './rule-definition.ts'

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
  return referencesAmong(definition.entries)
}

function referencesAmong(entries: readonly Entry[]): Reference[] {
  return entries.flatMap((entry) => {
    if (entry.kind === 'reference') return [entry]
    return entry.kind === 'group' ? referencesAmong(entry.entries) : []
  })
}

/** Reports ids that are there twice or not at all, and definitions that refer to themselves. */
export function resolveReferences(
  definitions: readonly Definition[],
  problems: Problems,
  semantics: SemanticsName,
): void {
  const known = byId(definitions)
  const referred = new Set(definitions.flatMap(referencesOf).map(({ id }) => id))
  for (const definition of definitions) {
    const first = definition.id === undefined ? undefined : known.get(definition.id)
    if (first !== undefined && first !== definition) {
      const message = `the id "${first.id ?? ''}" is already that of line ${String(first.line)}`
      // Rule files in use have ids twice that nobody refers to; it does no harm.
      if (referred.has(first.id ?? '')) problems.mistake(definition.offset, message)
      else problems.warning(definition.offset, message)
    }
    for (const { id, offset } of referencesOf(definition)) {
      if (known.has(id)) continue
      const guess = nearest(id, known.keys())
      const advice = guess === undefined ? '' : `; did you mean "${guess}"?`
      problems.mistake(offset, `no definition has the id "${id}"${advice}`)
    }
  }
  for (const cycle of findCycles(definitions, known, problems)) {
    const message = `the definitions refer to themselves in a circle: ${cycle.ids.join(' → ')}`
    if (semantics === 'strict') problems.mistake(cycle.offset, message)
    else problems.warning(cycle.offset, `${message} (a circle counts as no test at all)`)
  }
}

/** More than this is a mistake of whatever program wrote the file. */
const deepestReference = 100

function findCycles(
  definitions: readonly Definition[],
  known: ReadonlyMap<string, Definition>,
  problems: Problems,
): { ids: string[]; offset: number }[] {
  const cycles: { ids: string[]; offset: number }[] = []
  const depths = new Map<Definition, number>()
  const path: Definition[] = []
  const depthOf = (definition: Definition): number => {
    const before = depths.get(definition)
    if (before !== undefined) return before
    path.push(definition)
    let depth = 0
    for (const { id, offset } of referencesOf(definition)) {
      const target = known.get(id)
      if (target === undefined) continue
      const at = path.indexOf(target)
      if (at !== -1) {
        cycles.push({ ids: [...path.slice(at), target].map((each) => each.id ?? ''), offset })
      } else if (path.length > deepestReference || depthOf(target) >= deepestReference) {
        problems.mistake(offset, 'references go on through more than 100 references')
        break
      } else depth = Math.max(depth, 1 + depthOf(target))
    }
    path.pop()
    depths.set(definition, depth)
    return depth
  }
  definitions.forEach(depthOf)
  return cycles
}
