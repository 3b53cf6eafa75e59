import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { diffusionField, DiffusionList } from './diffusion-list.ts'
import type { SeriesFields } from './series-fields.ts'

/** Bytes; ours have some two thousand, and up to 500 for each diffusion-weighted image. */
const longestSummary = 4 << 20

/** What a series JSON says; undefined where there is none, or nobody can read it. */
export function readSummary(path: string): SeriesFields | undefined {
  let text
  try {
    text = readOwnFile(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // What a link leads to is no summary of ours: the link is replaced.
    if (code === 'ENOENT' || code === 'ELOOP') return undefined
    throw error
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Somebody's editor was here: made again from the objects.
  }
  return undefined
}

/** Whether it tells of the series whose directory in `raw` this is. */
export function isSummaryOf(
  directory: string,
  fields: SeriesFields | undefined,
): fields is SeriesFields {
  return (
    fields?.['SeriesInstanceUID'] === basename(directory) &&
    fields['StudyInstanceUID'] === basename(dirname(directory)) &&
    typeof fields['SOPClassUID'] === 'string'
  )
}

/**
 * Of two processes that wrote one summary: the fields of the one that wrote first, the types of the one that has them
 * from records, and of the sender what is known.
 */
export function mergedFields(
  theirs: SeriesFields,
  ours: SeriesFields,
  knowsTypes: boolean,
): SeriesFields {
  const merged = { ...theirs }
  if (knowsTypes) merged['ClassifyType'] = ours['ClassifyType']
  const modalities = new Set([...listOf(theirs['Modality']), ...listOf(ours['Modality'])])
  if (modalities.size > 0) merged['Modality'] = [...modalities]
  if (Number(ours['SliceLocation']) < Number(theirs['SliceLocation'])) {
    merged['SliceLocation'] = ours['SliceLocation']
  }
  const diffusion = new DiffusionList(theirs[diffusionField])
  for (const entry of new DiffusionList(ours[diffusionField]).entries) diffusion.add(entry)
  if (diffusion.entries.length > 0) merged[diffusionField] = diffusion.entries
  if (!tellsSender(theirs) && tellsSender(ours)) {
    merged['IncomingConnection'] = ours['IncomingConnection']
  }
  return merged
}

/** A header can tell AE titles, never an address. */
function tellsSender({ IncomingConnection: sender }: SeriesFields): boolean {
  if (typeof sender !== 'object' || sender === null) return false
  return 'CallerIP' in sender && sender.CallerIP !== 'unknown'
}

export function listOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

/** Neither through a link, nor for ever from a pipe. */
function readOwnFile(path: string): string {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    const found = fstatSync(fd)
    return found.isFile() && found.size <= longestSummary ? readFileSync(fd, 'utf8') : ''
  } finally {
    closeSync(fd)
  }
}
