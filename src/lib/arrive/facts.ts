import type { InstanceRecord } from '../record/index.ts'

/** By DICOM keyword; `conflicts` names those whose values differ. Never changed in place: shared. */
export type Attributes = Readonly<Record<string, string | readonly string[]>>

/** The distinct connection facts of some objects. Never changed in place: shared. */
export interface Sources {
  readonly callingAET?: readonly string[]
  readonly calledAET?: readonly string[]
  readonly address?: readonly string[]
}

/** What must be the same in all objects of a study; that series and images differ is no conflict. */
const sameInStudy = [
  'PatientID',
  'PatientName',
  'PatientBirthDate',
  'AccessionNumber',
  'StudyDate',
  'StudyTime',
  'StudyDescription',
] as const
const sameInSeries = [
  ...sameInStudy,
  'SeriesDescription',
  'SeriesNumber',
  'Modality',
  'Manufacturer',
] as const
export const comparedIn = { study: sameInStudy, series: sameInSeries } as const

/**
 * The first object's value counts; what it lacked comes from the first object that has it.
 * @returns `known` itself when there is nothing new
 */
export function mergeAttributes(
  known: Attributes | undefined,
  more: Attributes | undefined,
  level: keyof typeof comparedIn,
): Attributes | undefined {
  if (known === undefined || more === undefined) return known ?? more
  let merged: Record<string, string | readonly string[]> | undefined
  for (const keyword of comparedIn[level]) {
    const value = more[keyword]
    if (value === undefined || value === '') continue
    const before = known[keyword]
    if (before === value) continue
    if (before === undefined || before === '') {
      merged ??= { ...known }
      merged[keyword] = value
      continue
    }
    const conflicts = (merged ?? known)['conflicts'] ?? []
    if (conflicts.includes(keyword)) continue
    merged ??= { ...known }
    merged['conflicts'] = [...conflicts, keyword]
  }
  return merged ?? known
}

export const noSources: Sources = {}

const connectionFacts = ['callingAET', 'calledAET', 'address'] as const

/** @returns `known` itself when there is nothing new */
export function mergeSources(known: Sources, source: InstanceRecord['source']): Sources {
  if (source === undefined) return known
  let merged = known
  for (const fact of connectionFacts) {
    const value = source[fact]
    if (value === undefined || known[fact]?.includes(value) === true) continue
    const before = known[fact]
    merged = { ...merged, [fact]: before === undefined ? [value] : [...before, value] }
  }
  return merged === known ? known : sharedSources(merged)
}

/** Senders are few, and what each study keeps of them would be a fifth of its size. */
const sharings = new Map<string, Sources>()
const mostSharings = 1000

/** The same for the same facts. */
export function sharedSources(sources: Sources): Sources {
  const key = JSON.stringify(sources)
  const known = sharings.get(key)
  if (known !== undefined) return known
  if (sharings.size >= mostSharings) sharings.clear()
  sharings.set(key, sources)
  return sources
}
