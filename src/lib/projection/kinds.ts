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
  const changes = new Map<Touched, Change>()
  for (const series of allSeries) {
    const { row, before } = series
    const was = kindsOf(before.modality, before.types)
    const is = kindsOf(row['Modality'] as string | null, row.types)
    note(changes, series.study, was, is)
    file(statements.seriesKinds, series, was, is)
  }
  for (const study of studies) {
    const { row, before } = study
    if (row.types !== before.types) {
      note(changes, study, new Set(typesIn(before.types)), new Set(typesIn(row.types)))
    }
    const was = new Set(typesIn(row['kinds'] as string | null))
    const change = changes.get(study)
    const is = change === undefined ? was : kindsOfStudy(statements, study, was, change)
    file(statements.studyKinds, study, was, is)
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

function file(
  { filed, unfiled }: Statements['studyKinds'],
  { row: { id, lastTime }, project, before }: Touched,
  was: ReadonlySet<string>,
  is: ReadonlySet<string>,
): void {
  const isMoved = before.lastTime !== lastTime
  for (const kind of was) if (isMoved || !is.has(kind)) unfiled.run(kind, before.lastTime, id)
  for (const kind of is) if (isMoved || !was.has(kind)) filed.run(kind, lastTime, id, project)
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
