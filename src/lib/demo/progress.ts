import type { AnyRecord } from '../record/index.ts'

interface Row {
  received: number
  series: Map<string, SeriesEntry>
  types: Set<string>
  isComplete: boolean
}
interface SeriesEntry {
  readonly Modality?: string
  readonly SeriesDescription?: string
  readonly ClassifyType?: readonly string[]
  readonly instances?: number
}

/**
 * Follows the demonstration's own studies through the journals. Behind the privacy boundary nothing
 * says which study a record came from, so there the records themselves are counted: every object
 * received must come out again, delivered or held.
 */
export class Progress {
  #studies = new Map<string, Row>()
  #deidentified = new Map<string, AnyRecord>()
  #held: AnyRecord[] = []
  #transfers = new Map<string, AnyRecord>()
  #errors: string[] = []
  #expected = 0
  #wake: () => void = () => undefined

  /** @param studies the StudyInstanceUID of each object that will be sent */
  follow(studies: readonly string[]): void {
    this.#expected = studies.length
    for (const study of studies) {
      if (!this.#studies.has(study)) {
        this.#studies.set(study, {
          received: 0,
          series: new Map(),
          types: new Set(),
          isComplete: false,
        })
      }
    }
  }

  see(journal: string, record: AnyRecord): void {
    const row = this.#studies.get(String(record['StudyInstanceUID']))
    if (journal === 'received' && record.type === 'instance' && row !== undefined) row.received++
    if (journal === 'organized' && record.type === 'study' && row !== undefined) {
      row.isComplete = true
      for (const type of list(record['ClassifyType'])) row.types.add(String(type))
      for (const entry of list(record['series']) as (SeriesEntry & {
        SeriesInstanceUID: string
      })[]) {
        row.series.set(entry.SeriesInstanceUID, entry)
      }
    }
    if (record.type === 'deidentified') this.#deidentified.set(String(record['requestId']), record)
    if (record.type === 'held') this.#held.push(record)
    if (record.type === 'transfer') this.#transfers.set(String(record['requestId']), record)
    if (journal === 'errors') this.#errors.push(String(record['message']))
    this.#wake()
  }

  /** Resolves when every object is delivered or held. @throws when `signal` fires before */
  async finished(signal: AbortSignal): Promise<void> {
    while (!this.#isFinished()) {
      await new Promise<void>((resolve, reject) => {
        this.#wake = resolve
        signal.addEventListener(
          'abort',
          () => {
            reject(signal.reason as Error)
          },
          { once: true },
        )
        if (signal.aborted) reject(signal.reason as Error)
      })
    }
  }
}
