import type { DicomFile } from '../dicom/index.ts'
import type { Definition } from './rule-definition.ts'

/** What one semantics makes of a rule file. */
export interface Rules {
  /** A series of which no object was seen yet. */
  startSeries(): SeriesTypes
  /** Of a study, its series being what `startSeries` gave. */
  studyTypes(series: readonly SeriesTypes[], explain: boolean): Classified
  readonly order: TypeOrder
}

/** The types of one series, object by object. */
export interface SeriesTypes {
  /** Takes one more object in. */
  add(file: DicomFile, explain?: boolean): Classified
  /** Of the series as it is known so far. */
  summary(explain?: boolean): Classified
  /** How much of memory it needs, about: 1 is an entry in a map. */
  readonly weight: number
}

export interface Classified {
  readonly types: readonly string[]
  /** Why each definition did or did not hold. Values of the object stand in it. */
  readonly trace?: readonly DefinitionTrace[]
}

export interface DefinitionTrace {
  readonly type: string
  readonly id?: string
  readonly line: number
  readonly check?: 'SeriesLevel' | 'StudyLevel'
  readonly matched: boolean
  /** Of a series: for how many objects it held, and of how many. */
  readonly objects?: number
  readonly of?: number
  readonly tests?: readonly TestTrace[]
}

export interface TestTrace {
  readonly tag?: unknown
  readonly operator?: string
  readonly value?: unknown
  readonly rule?: string
  /** Of `all`, `any` and `not`. */
  readonly group?: 'all' | 'any' | 'not'
  readonly tests?: readonly TestTrace[]
  readonly negate?: true
  /** What the object has; null when it has nothing. */
  readonly found?: string | null
  /** Of a series: for how many objects. */
  readonly passed: boolean | number
  readonly note?: string
}

/** The types that a rule file can give, in its order, each once. */
export class TypeOrder {
  readonly all: readonly string[]

  constructor(definitions: readonly Definition[]) {
    this.all = [...new Set(definitions.map(({ type }) => type))]
  }

  sort(types: Iterable<string>): string[] {
    const wanted = new Set(types)
    return wanted.size === 0 ? [] : this.all.filter((type) => wanted.has(type))
  }
}

/** What names a definition in a trace. */
export function traceHead({ type, id, line, everyObject, ofStudy }: Definition) {
  return {
    type,
    ...(id === undefined ? {} : { id }),
    line,
    ...(everyObject ? { check: ofStudy ? ('StudyLevel' as const) : ('SeriesLevel' as const) } : {}),
  }
}

const longestFound = 500

export function foundText(text: string | undefined): string | null {
  if (text === undefined) return null
  return text.length <= longestFound ? text : `${text.slice(0, longestFound)}…`
}
