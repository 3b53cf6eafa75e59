import type { DicomFile } from '../dicom/index.ts'
import type { InstanceRecord } from '../record/index.ts'
import type { DriftKind } from './drift.ts'
import { modalityOf, sliceLocationOf, type SeriesFields } from './series-fields.ts'
import { summaryPath } from './series-summary.ts'
import { isSummaryOf, listOf, readSummary } from './summary-file.ts'
import { linkName } from './view-paths.ts'
import type { Seen } from './view-reader.ts'

/** What is wrong with a series JSON. */
export interface SummaryDrift {
  readonly drift: DriftKind
  readonly field?: string
  readonly expected?: string
  readonly found?: string
}

/**
 * Holds the JSON of one series against its objects, which go by one after the other: none of them is kept. Only what
 * runs over all objects is compared. The other fields come from the first object that arrived, and no header
 * tells which that was, or what the types (ClassifyType) are.
 */
export class SeriesCheck {
  readonly path: string
  readonly #seen: Seen['is']
  readonly #fields: SeriesFields | undefined
  /** Those of the JSON that no object had yet, and the first of the objects that the JSON lacks. */
  readonly #unseen: Set<string>
  readonly #modalities: ReadonlySet<string>
  #lacking: string | undefined
  #leastSliceLocation: number | undefined
  #objects = 0

  /**
   * @param directory of the series in `raw`
   * @param see what lies at the path of its JSON
   */
  constructor(directory: string, see: (path: string) => Seen) {
    this.path = summaryPath(directory)
    this.#seen = see(this.path).is
    const found = this.#seen === 'other' ? readSummary(this.path) : undefined
    this.#fields = isSummaryOf(directory, found) ? found : undefined
    this.#modalities = new Set(listOf(this.#fields?.['Modality']))
    this.#unseen = new Set(this.#modalities)
  }

  object(record: InstanceRecord, file: DicomFile): void {
    // Of objects that came with other bytes under one UID the first counts.
    if (linkName(record) === `${record.SOPInstanceUID}.dcm`) this.#objects++
    const { Modality } = record.attributes ?? {}
    const texts = [Modality, modalityOf(file)].filter((text) => typeof text === 'string')
    for (const text of texts) this.#unseen.delete(text)
    if (typeof Modality === 'string' && Modality !== '') {
      if (!texts.some((text) => this.#modalities.has(text))) this.#lacking ??= Modality
    }
    const location = Number(sliceLocationOf(file) ?? NaN)
    if (Number.isFinite(location) && !(location >= (this.#leastSliceLocation ?? Infinity))) {
      this.#leastSliceLocation = location
    }
  }

  /** One that cannot be read, and had its link when it could. */
  unreadableObject(): void {
    this.#objects++
  }

  /** When all its objects have gone by. */
  *end(): Generator<SummaryDrift> {
    if (this.#seen === 'blocked') yield { drift: 'blocked' }
    else if (this.#objects === 0) {
      if (this.#seen !== 'nothing') yield { drift: 'surplus' }
    } else if (this.#seen === 'nothing') yield { drift: 'missing' }
    else if (this.#fields === undefined) yield { drift: 'unreadable' }
    else yield* this.#differences(this.#fields)
  }

  *#differences(fields: SeriesFields): Generator<SummaryDrift> {
    const { NumFiles, SliceLocation } = fields
    if (NumFiles !== String(this.#objects)) {
      yield differs('NumFiles', String(this.#objects), NumFiles)
    }
    const [unseen] = this.#unseen
    if (this.#lacking !== undefined) yield differs('Modality', this.#lacking, undefined)
    if (unseen !== undefined) yield differs('Modality', undefined, unseen)
    const least = this.#leastSliceLocation
    // Where the first object has none, the field is absent.
    if (SliceLocation !== undefined && !isLeast(SliceLocation, least)) {
      yield differs('SliceLocation', least === undefined ? undefined : String(least), SliceLocation)
    }
  }
}

function isLeast(said: unknown, least: number | undefined): boolean {
  const number = Number(said)
  return Number.isFinite(number) ? number === least : least === undefined
}

function differs(field: string, expected: string | undefined, found: unknown): SummaryDrift {
  return {
    drift: 'differs',
    field,
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found: typeof found === 'string' ? found : typeof found }),
  }
}
