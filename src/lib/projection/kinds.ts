import type { Statements } from './statements.ts'
import { typesIn, type Touched, type TouchedSeries } from './rows.ts'

/**
 * What a study or a series is asked for by (`--type`): its types and modalities. They stand in tables of their own in
 * the order of time, so that the newest of a kind are found without a look at all the others, be they few or nearly all.
 */
export function fileKinds(
  statements: Statements,
  studies: Iterable<Touched>,
  allSeries: Iterable<TouchedSeries>,
): void {
  const { seriesFiled, seriesUnfiled, studyFiled, studyUnfiled } = statements
  const changed = new Set<Touched>()
  for (const { study, row, project, before } of allSeries) {
    const was = kindsOf(before.modality, before.types)
    const is = kindsOf(row['Modality'] as string | null, row.types)
    if (!areSame(was, is)) changed.add(study)
    file({ was, is, id: row.id, project, wasTime: before.lastTime, isTime: row.lastTime }, [
      seriesUnfiled,
      seriesFiled,
    ])
  }
  for (const touched of studies) {
    const { row, project, before } = touched
    const was = new Set(typesIn(row['kinds'] as string | null))
    const isChanged = changed.has(touched) || row.types !== before.types
    const is = isChanged ? kindsOfStudy(statements, touched) : was
    file({ was, is, id: row.id, project, wasTime: before.lastTime, isTime: row.lastTime }, [
      studyUnfiled,
      studyFiled,
    ])
    if (isChanged) statements.studyKinds.run(JSON.stringify([...is]), row.id)
  }
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

/** Its own types, and what all of its series are; these are written already. */
function kindsOfStudy({ kindsOfSeries }: Statements, { row }: Touched): Set<string> {
  const kinds = new Set(typesIn(row.types))
  for (const { Modality, types } of kindsOfSeries.all(row.id) as {
    Modality: string | null
    types: string | null
  }[]) {
    for (const kind of kindsOf(Modality, types)) kinds.add(kind)
  }
  return kinds
}

function areSame(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false
  for (const one of a) if (!b.has(one)) return false
  return true
}
