import { readFileSync } from 'node:fs'
import type { ProfileOption } from '../../src/lib/deidentify/index.ts'

/**
 * PS3.15 Table E.1-1 and E.3.10-1 once more, as a public parser of the standard has them: what the engine's
 * tables are held against. Nothing of it is derived from them.
 */
export interface PublishedRow {
  readonly tag: string
  readonly name: string
  readonly keyword?: string
  readonly basic: string
  readonly options: readonly (readonly [option: ProfileOption, letter: string])[]
}

export interface PublishedPrivate {
  readonly creator: string
  readonly group: string
  readonly element: string
  readonly vr?: string
}

function read(name: string): { attributes: unknown } {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as { attributes: unknown }
}

export const publishedRows: readonly PublishedRow[] = (
  read('table-e.1-1.json').attributes as (Omit<PublishedRow, 'options'> & {
    options?: Record<string, string>
  })[]
).map(({ options = {}, ...row }) => ({
  ...row,
  options: Object.entries(options).map(
    ([option, letter]) =>
      [(option === 'retainUIDs' ? 'retainUids' : option) as ProfileOption, letter] as const,
  ),
}))

export const publishedPrivate = read('table-e.3.10-1.json')
  .attributes as readonly PublishedPrivate[]
