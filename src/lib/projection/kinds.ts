import { typesIn, type Touched, type TouchedSeries } from './rows.ts'
import type { Statements } from './statements.ts'

/**
 * What a study or a series is asked for by (`--type`): its types and modalities. They stand in tables of their own in
 * the order of time, so that the newest of a kind are found without a look at all the others, be they few or nearly all.
 * The rows of series are written already, those of studies are still to be: `kinds` of them is set here.
 */
export function fileKinds(
  statements: Statements,
  studies: Iterable<Touched>,
  allSeries: Iterable<TouchedSeries>,
): void {
  const { seriesFiled, seriesUnfiled, studyFiled, studyUnfiled } = statements
  const changes = new Map<Touched, Change>()
  for (const { study, row, project, before } of allSeries) {
    const was = kindsOf(before.modality, before.types)
    const is = kindsOf(row['Modality'] as string | null, row.types)
    note(changes, study, was, is)
    file({ was, is, id: row.id, project, wasTime: before.lastTime, isTime: row.lastTime }, [
      seriesUnfiled,
      seriesFiled,
    ])
  }
  for (const study of studies) {
    const { row, project, before } = study
    if (row.types !== before.types) {
      note(changes, study, new Set(typesIn(before.types)), new Set(typesIn(row.types)))
    }
    const was = new Set(typesIn(row['kinds'] as string | null))
    const change = changes.get(study)
    const is = change === undefined ? was : kindsOfStudy(statements, study, was, change)
    file({ was, is, id: row.id, project, wasTime: before.lastTime, isTime: row.lastTime }, [
      studyUnfiled,
      studyFiled,
    ])
    if (change !== undefined) row['kinds'] = JSON.stringify([...is])
  }
}

/** What a study itself, and each of its series, is now and was not. */
interface Change {
  readonly gained: Set<string>
  /** Something is no longer what it was: whether another one still is that, only all of them tell. */
  hasLost: boolean
}

function note(
  changes: Map<Touched, Change>,
  study: Touched,
  was: ReadonlySet<string>,
  is: ReadonlySet<string>,
): void {
  const gained = [...is].filter((kind) => !was.has(kind))
  const hasLost = was.size + gained.length > is.size
  if (gained.length === 0 && !hasLost) return
  const change = changes.get(study) ?? { gained: new Set(), hasLost: false }
  changes.set(study, change)
  for (const kind of gained) change.gained.add(kind)
  change.hasLost ||= hasLost
}

interface Filing {
  readonly was: ReadonlySet<string>
  readonly is: ReadonlySet<string>
  readonly id: number
  readonly project: string
  readonly wasTime: number
  readonly isTime: number
}

function file(
  { was, is, id, project, wasTime, isTime }: Filing,
  [unfiled, filed]: readonly [Statements['studyUnfiled'], Statements['studyFiled']],
): void {
  const isMoved = wasTime !== isTime
  for (const kind of was) if (isMoved || !is.has(kind)) unfiled.run(kind, wasTime, id)
  for (const kind of is) if (isMoved || !was.has(kind)) filed.run(kind, isTime, id, project)
}

function kindsOf(modality: string | null, types: string | null): Set<string> {
  const kinds = new Set(typesIn(types))
  if (modality !== null) kinds.add(modality)
  return kinds
}

/** Its own types, and what all of its series are. */
function kindsOfStudy(
  { kindsOfSeries }: Statements,
  { row }: Touched,
  was: ReadonlySet<string>,
  { gained, hasLost }: Change,
): Set<string> {
  if (!hasLost) return new Set([...was, ...gained])
  const kinds = new Set(typesIn(row.types))
  for (const { Modality, types } of kindsOfSeries.all(row.id) as {
    Modality: string | null
    types: string | null
  }[]) {
    for (const kind of kindsOf(Modality, types)) kinds.add(kind)
  }
  return kinds
}
