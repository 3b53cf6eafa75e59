/** More of a text from a header is not kept: an LT has 10 kB, and nobody reads that in a list. */
export const longestText = 256
/** A rule file has some hundred types. */
const mostTypes = 1000

/** A study or a series as its table has it. */
export interface Row {
  readonly id: number
  firstTime: number | null
  lastTime: number
  counted: number
  countedBytes: number
  told: number
  toldBytes: number
  /** ClassifyType as JSON, in the order of the rules. */
  types: string | null
  [attribute: string]: string | number | null
}

/** What a batch has touched: read once, changed in memory, written once. */
export interface Touched {
  readonly row: Row
  readonly project: string
  readonly isNew: boolean
  /** As it was when the batch began. */
  readonly before: Before
}

export interface TouchedSeries extends Touched {
  readonly study: Touched
}

interface Before {
  readonly instances: number
  readonly bytes: number
  readonly lastTime: number
  readonly types: string | null
  readonly modality: string | null
}

export function asTouched(row: Row, project: string, isNew: boolean): Touched {
  const { lastTime, types } = row
  const modality = row['Modality'] as string | null | undefined
  return {
    row,
    project,
    isNew,
    before: { ...shown(row), lastTime, types, modality: modality ?? null },
  }
}

/** What a list says of it. */
export function shown({ counted, told, countedBytes, toldBytes }: Row) {
  return { instances: Math.max(counted, told), bytes: Math.max(countedBytes, toldBytes) }
}

export function fill(
  row: Row,
  keywords: readonly string[],
  from: Readonly<Record<string, unknown>>,
): void {
  for (const keyword of keywords) {
    const value = from[keyword]
    const text = Array.isArray(value) ? value.join('\\') : value
    row[keyword] = typeof text === 'string' && text !== '' ? cut(text) : null
  }
}

export function cut(text: string): string {
  return text.slice(0, longestText)
}

/** For the column `types`. */
export function typesText(types: readonly string[] = []): string | null {
  const cutOnes = [...new Set(types.slice(0, mostTypes).map(cut))]
  return cutOnes.length === 0 ? null : JSON.stringify(cutOnes)
}

export function typesIn(text: string | null): readonly string[] {
  return text === null ? [] : (JSON.parse(text) as string[])
}

export function milliseconds(time: string | undefined): number {
  const parsed = time === undefined ? Number.NaN : Date.parse(time)
  return Number.isNaN(parsed) ? 0 : parsed
}
