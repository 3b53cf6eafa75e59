import type { Changed, StudyInQuestion } from '../source.ts'
import { Breath } from './breath.ts'
import { type KeyKeyword, keyKeywords, type Row } from './row.ts'

/**
 * The rows of a table, found by the first key that each has. A table may have a million rows: nothing is kept of a row but the row,
 * and what takes long lets others have their turn.
 */
export class RowIndex {
  /** Most keys have one row. */
  readonly #rows: Readonly<Record<KeyKeyword, Map<string, Row | Row[]>>> = {
    StudyInstanceUID: new Map(),
    AccessionNumber: new Map(),
    PatientID: new Map(),
  }
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @returns false for one that says what another has said */
  add(row: Row): boolean {
    const keyword = keyKeywords.find((one) => row.keys[one] !== undefined)
    const value = keyword === undefined ? undefined : row.keys[keyword]
    if (keyword === undefined || value === undefined) return false
    const rows = this.#rows[keyword]
    const there = rows.get(value)
    if (there === undefined) rows.set(value, row)
    else if (!Array.isArray(there)) {
      if (saysTheSame(there, row)) return false
      rows.set(value, [there, row])
    } else if (there.some((one) => saysTheSame(one, row))) return false
    else there.push(row)
    this.#size += 1
    return true
  }

  /** Those that fit the study, with all keys they have. */
  of(study: StudyInQuestion): readonly Row[] {
    return keyKeywords.flatMap((keyword) =>
      study
        .values(keyword)
        .flatMap((value) => this.#rows[keyword].get(value) ?? [])
        .filter(({ keys }) =>
          keyKeywords.every((one) => {
            const wanted = keys[one]
            return wanted === undefined || study.values(one).includes(wanted)
          }),
        ),
    )
  }

  /** In no order. */
  *[Symbol.iterator](): Generator<Row, void, undefined> {
    for (const keyword of keyKeywords) {
      for (const rows of this.#rows[keyword].values()) {
        if (Array.isArray(rows)) yield* rows
        else yield rows
      }
    }
  }

  /** The keys of all rows that are new or gone. */
  async changedSince(before: RowIndex): Promise<Changed> {
    const breath = new Breath()
    const changed = {
      StudyInstanceUID: new Set<string>(),
      AccessionNumber: new Set<string>(),
      PatientID: new Set<string>(),
    }
    for (const [these, others] of [
      [this, before],
      [before, this],
    ] as const) {
      for (const row of these) {
        if (!others.#has(row)) {
          for (const keyword of keyKeywords) {
            const value = row.keys[keyword]
            if (value !== undefined) changed[keyword].add(value)
          }
        }
        if (breath.isDue) await breath.take()
      }
    }
    return changed
  }

  #has(row: Row): boolean {
    const keyword = keyKeywords.find((one) => row.keys[one] !== undefined)
    if (keyword === undefined) return false
    const there = this.#rows[keyword].get(row.keys[keyword] ?? '')
    if (there === undefined) return false
    return Array.isArray(there)
      ? there.some((one) => saysTheSame(one, row))
      : saysTheSame(there, row)
  }
}

/** Wherever it stands. */
function saysTheSame(one: Row, other: Row): boolean {
  return (
    one.project === other.project &&
    one.participant === other.participant &&
    one.event === other.event &&
    one.date === other.date &&
    keyKeywords.every((keyword) => one.keys[keyword] === other.keys[keyword])
  )
}
