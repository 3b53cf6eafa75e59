import type { FileHandle } from 'node:fs/promises'
import { entryIn } from './crosswalk-links.ts'
import { lineOf } from './crosswalk-lines.ts'
import { type IndexFile, indexPath, writeIndex } from './index-file.ts'
import { IndexRecords } from './index-records.ts'
import { type LookUpKind, handlesOf } from './link.ts'
import { linesFrom } from './line-reading.ts'
import { LinkIds } from './link-ids.ts'
import type { Seals } from './seal.ts'

/** So much is read and opened in some tens of milliseconds: nothing else waits longer. */
const sliceBytes = 1 << 18
/** A participant's links stand together, mostly: the token of each is made once for some thousand lines. */
const mostTokens = 20_000

/**
 * Makes the index of a crosswalk, from the one there is and what was appended since: some hundred lines at a time, and what
 * else the process has to do comes between.
 * @param signal stops it, and no index is written
 * @returns false where it was stopped, or a line cannot be read: nobody shall look things up without knowing that
 */
export async function extendIndex(
  path: string,
  seals: Seals,
  crosswalk: FileHandle,
  index: IndexFile | undefined,
  signal?: AbortSignal,
): Promise<boolean> {
  const { first } = seals
  const records = (await index?.records()) ?? new IndexRecords()
  const isKnown = records.count > 0 ? index : undefined
  let end = isKnown?.end ?? 0
  const ids = new LinkIds()
  const tokens = new Map<string, Buffer>()
  const tokenOf = (kind: LookUpKind, value: string): Buffer => {
    if (kind !== 'participant') return first.token(kind, value)
    let token = tokens.get(value)
    if (token === undefined) {
      if (tokens.size >= mostTokens) tokens.clear()
      tokens.set(value, (token = first.token(kind, value)))
    }
    return token
  }
  let links = isKnown?.links ?? 0
  for await (const lines of linesFrom(crosswalk, end, sliceBytes)) {
    if (signal?.aborted === true) return false
    for (const [number, text] of lines.texts.entries()) {
      const line = lineOf(text, seals)
      if (line === undefined || line.is === 'torn') continue
      const entry = entryIn(line)
      if (entry === undefined) return false
      const start = lines.starts[number] ?? 0
      const id = line.is === 'sealed' ? line.id : first.idOf(entry)
      const before = isKnown === undefined ? [] : ((await isKnown.offsetsOf(id)) ?? [])
      if (before.length === 0 && !ids.has(id)) links += 1
      ids.add(id)
      records.add(id, start)
      for (const [kind, value] of handlesOf(entry)) records.add(tokenOf(kind, value), start)
    }
    end = lines.end
  }
  if (signal?.aborted === true) return false
  await writeIndex(indexPath(path), first, crosswalk, { end, links, records })
  return true
}
