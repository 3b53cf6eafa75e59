import { Status } from '../dimse/index.ts'
import { isUid } from '../uid/index.ts'
import { Attribute, type AttributeName, fixedByCreate, requiredInCreate } from './attributes.ts'
import {
  type JsonDataSet,
  isEmpty,
  isSameValue,
  itemsOf,
  textOf,
  textsOf,
} from './json-data-set.ts'

/** PS3.3 C.4.14. Out of a final state nothing leads (PS3.4 F.7.2.2.2). */
export type StepStatus = 'IN PROGRESS' | 'COMPLETED' | 'DISCONTINUED'
const statuses: readonly string[] = ['IN PROGRESS', 'COMPLETED', 'DISCONTINUED']

/** Why a request is not done: PS3.7 annex C for the status. Comments name attributes, never values. */
export interface Refusal {
  readonly refused: number
  readonly comment: string
  /** PS3.4 table F.7.2-2. */
  readonly errorID?: number
  /** The attributes that are missing (Attribute Identifier List, PS3.7 annex C). */
  readonly tags?: readonly number[]
}
export type Ruling = { readonly dataSet: JsonDataSet } | Refusal

/** A step has some fifty attributes of its own, and private ones. Merging a million would hold up all others. */
const mostAttributes = 5000

export const tooManyAttributes: Refusal = {
  refused: Status.resourceLimitation,
  comment: 'more attributes than any step has',
}

export function isTooMany(attributes: number): boolean {
  return attributes > mostAttributes
}

/** PS3.4 table F.7.2-2: the one failure of N-SET that has an Error ID of its own. */
const noLongerUpdatable: Refusal = {
  refused: Status.processingFailure,
  errorID: 0xa710,
  comment: 'Performed Procedure Step Object may no longer be updated',
}

/** The status of a step that is kept, which was checked when it came. */
export function statusOf(dataSet: JsonDataSet): StepStatus {
  return (textOf(dataSet, Attribute.PerformedProcedureStepStatus) ?? 'IN PROGRESS') as StepStatus
}

/** N-CREATE (PS3.4 F.7.2.1): a step begins, and says so. */
export function create(asked: JsonDataSet): Ruling {
  const { PerformedProcedureStepStatus, ScheduledStepAttributesSequence } = Attribute
  const status = textsOf(asked, PerformedProcedureStepStatus).join('\\')
  // Before what is missing: a step that is reported as a whole when it is over lacks nothing else.
  if (status !== '' && status !== 'IN PROGRESS') {
    return invalid('a step is created IN PROGRESS')
  }
  return (
    missing(asked, requiredInCreate) ??
    firstRefusal(itemsOf(asked, ScheduledStepAttributesSequence), (item) =>
      missing(item, ['StudyInstanceUID']),
    ) ??
    wrongUid(asked) ?? { dataSet: asked }
  )
}

/**
 * N-SET (PS3.4 F.7.2.2): what is said anew replaces what was said before, attribute by attribute, a
 * sequence as a whole. Attributes that only N-CREATE may set are passed over when they are empty or say
 * what is known, because many modalities repeat them.
 */
export function set(step: JsonDataSet, asked: JsonDataSet): Ruling {
  if (statusOf(step) !== 'IN PROGRESS') return noLongerUpdatable
  const said = asked[Attribute.PerformedProcedureStepStatus]
  if (said !== undefined) {
    const wrong = missing(asked, ['PerformedProcedureStepStatus']) ?? wrongStatus(asked)
    if (wrong !== undefined) return wrong
  }
  const changed = fixedKeys(asked).filter((key) => !isRepeated(step, asked, key))
  if (changed.length > 0) {
    const names = changed.map((key) => fixedByCreate[key])
    return invalid(`N-SET may not change ${names.join(', ')}`)
  }
  const dataSet = merge(step, asked)
  if (isTooMany(Object.keys(dataSet).length)) return tooManyAttributes
  return wrongUid(asked) ?? incomplete(dataSet) ?? { dataSet }
}

/** Whether a request says nothing that the step does not say already: it may have come before. */
export function isRepetition(step: JsonDataSet, asked: JsonDataSet): boolean {
  return Object.entries(asked).every(([key, element]) => {
    const known = step[key]
    if (known !== undefined && isSameValue(known, element)) return true
    return Object.hasOwn(fixedByCreate, key) && isEmpty(element)
  })
}

function merge(step: JsonDataSet, asked: JsonDataSet): JsonDataSet {
  const news = Object.entries(asked).filter(([key]) => !Object.hasOwn(fixedByCreate, key))
  const merged = { ...step, ...Object.fromEntries(news) }
  return Object.fromEntries(Object.entries(merged).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function fixedKeys(asked: JsonDataSet): string[] {
  return Object.keys(asked).filter((key) => Object.hasOwn(fixedByCreate, key))
}

function isRepeated(step: JsonDataSet, asked: JsonDataSet, key: string): boolean {
  const [known, element] = [step[key], asked[key]]
  if (element === undefined || isEmpty(element)) return true
  return known !== undefined && isSameValue(known, element)
}

/**
 * What a final state needs (PS3.4 table F.7.2-1): the performed series, each with its UID, and UIDs for
 * the objects listed. A discontinued step may have none. Protocol name and end of the step, which the
 * table also wants, some modalities forget; nobody loses anything by that.
 */
function incomplete(dataSet: JsonDataSet): Refusal | undefined {
  const status = statusOf(dataSet)
  if (status === 'IN PROGRESS') return undefined
  const { PerformedSeriesSequence } = Attribute
  if (status === 'COMPLETED') {
    const none = missing(dataSet, ['PerformedSeriesSequence'])
    if (none !== undefined) return none
  }
  return firstRefusal(
    itemsOf(dataSet, PerformedSeriesSequence),
    (series) =>
      missing(series, ['SeriesInstanceUID']) ??
      firstRefusal(referencesOf(series), (reference) =>
        missing(reference, ['ReferencedSOPInstanceUID']),
      ),
  )
}

/** Images and other objects of a performed series. */
export function referencesOf(series: JsonDataSet): JsonDataSet[] {
  return [
    ...itemsOf(series, Attribute.ReferencedImageSequence),
    ...itemsOf(series, Attribute.ReferencedNonImageCompositeSOPInstanceSequence),
  ]
}

/** UIDs become names and records: one that is none is refused in whatever state. */
function wrongUid(asked: JsonDataSet): Refusal | undefined {
  return (
    firstRefusal(itemsOf(asked, Attribute.ScheduledStepAttributesSequence), (item) =>
      uid(item, 'StudyInstanceUID'),
    ) ??
    firstRefusal(
      itemsOf(asked, Attribute.PerformedSeriesSequence),
      (series) =>
        uid(series, 'SeriesInstanceUID') ??
        firstRefusal(referencesOf(series), (reference) =>
          uid(reference, 'ReferencedSOPInstanceUID'),
        ),
    )
  )
}

function uid(dataSet: JsonDataSet, name: AttributeName): Refusal | undefined {
  const texts = textsOf(dataSet, Attribute[name])
  if (texts.length === 0 || (texts.length === 1 && isUid(texts[0]))) return undefined
  return invalid(`${name} is no UID`)
}

function wrongStatus(asked: JsonDataSet): Refusal | undefined {
  const texts = textsOf(asked, Attribute.PerformedProcedureStepStatus)
  if (texts.length === 1 && statuses.includes(texts[0] ?? '')) return undefined
  return invalid('no such PerformedProcedureStepStatus')
}

/** An attribute that is absent (0x0120), or there without value (0x0121); one of another kind has none. */
function missing(dataSet: JsonDataSet, names: readonly AttributeName[]): Refusal | undefined {
  const absent = names.filter((name) => dataSet[Attribute[name]] === undefined)
  if (absent.length > 0) return lacking(Status.missingAttribute, absent)
  const empty = names.filter((name) => {
    const key = Attribute[name]
    return name.endsWith('Sequence')
      ? itemsOf(dataSet, key).length === 0
      : textOf(dataSet, key) === undefined
  })
  return empty.length > 0 ? lacking(Status.missingAttributeValue, empty) : undefined
}

function lacking(refused: number, names: readonly AttributeName[]): Refusal {
  const comment = `missing: ${names.join(', ')}`
  return refused === Status.missingAttribute
    ? { refused, comment, tags: names.map((name) => Number.parseInt(Attribute[name], 16)) }
    : { refused, comment }
}

function invalid(comment: string): Refusal {
  return { refused: Status.invalidAttributeValue, comment }
}

function firstRefusal(
  items: readonly JsonDataSet[],
  check: (item: JsonDataSet) => Refusal | undefined,
): Refusal | undefined {
  for (const item of items) {
    const refusal = check(item)
    if (refusal !== undefined) return refusal
  }
  return undefined
}
