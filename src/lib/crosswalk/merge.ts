import { ExitCode, FionaError } from '../error/index.ts'
import { type Conflict, Conflicts } from './conflicts.ts'
import type { Link } from './link.ts'
import { noteAll } from './reseal.ts'
import { Seals } from './seal.ts'
import { WhoIsWho, requireReadable } from './who-is-who.ts'

export interface Merged {
  /** Links that were in the other one. */
  readonly links: number
  readonly conflicts: readonly Conflict[]
}

const mostConflicts = 1000

/**
 * Takes over the links of another crosswalk, sealed or exported. Where it contradicts this one nothing is taken over,
 * unless that is wanted: then both stand there, and `verify` says so.
 * @throws FionaError E_CROSSWALK_CONFLICT, E_CROSSWALK_KEY, E_CROSSWALK_DAMAGED, E_CROSSWALK_MISSING, E_CROSSWALK_MODE
 */
export async function merge(
  path: string,
  other: string,
  keys: readonly [Buffer, ...Buffer[]],
  isDespiteConflicts: boolean,
): Promise<Merged> {
  const seals = new Seals(keys)
  const conflicts = new Conflicts()
  await new WhoIsWho(path, seals).each((link) => {
    conflicts.add(link)
  })
  const theirs = new WhoIsWho(other, seals)
  const found: Conflict[] = []
  let links = 0
  await theirs.each((link) => {
    links += 1
    if (found.length < mostConflicts) found.push(...conflicts.add(link))
  })
  requireReadable(other, theirs.condition)
  if (found.length > 0 && !isDespiteConflicts) throw conflicting(other, found)
  await noteAll(path, keys, unclaimed(new WhoIsWho(other, seals)))
  return { links, conflicts: found }
}

/** What was settled there is settled here: whether a counted name holds is no question of the order any more. */
async function* unclaimed(whoIsWho: WhoIsWho): AsyncGenerator<Link[], void, undefined> {
  for await (const entries of whoIsWho.batches()) {
    yield entries.flatMap((entry): Link[] => {
      if (entry.kind === 'audit') return []
      const settled = { ...entry }
      if (settled.kind === 'participant') delete (settled as { counted?: true }).counted
      return [settled]
    })
  }
}

function conflicting(other: string, found: readonly Conflict[]): FionaError {
  const first = found
    .slice(0, 5)
    .map(({ what, project, participants }) => `${what} (${project}: ${participants.join(', ')})`)
  const more =
    found.length > first.length ? `; and ${String(found.length - first.length)} more` : ''
  return new FionaError(
    'E_CROSSWALK_CONFLICT',
    `${other} contradicts the crosswalk: ${first.join('; ')}${more}; nothing was taken over`,
    {
      hint: 'find out which is right; --despite-conflicts takes over both',
      exitCode: ExitCode.badInput,
    },
  )
}
