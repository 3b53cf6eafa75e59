import { formatStatus } from '../dimse/index.ts'
import { visibleText } from '../text/index.ts'

/** ErrorComment is LO (PS3.7 C): no longer than that. */
const longestComment = 64

/**
 * A status, and what the peer says of it (ErrorComment), which may be anything: characters that a terminal would obey are made visible.
 * @returns `0xA700 (out of resources): "no space"`
 */
export function statusInWords(status: number, comment: string | undefined): string {
  const said = visibleText((comment ?? '').trim().slice(0, longestComment))
  return said === '' ? formatStatus(status) : `${formatStatus(status)}: "${said}"`
}
