import { hash } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Layout, LayoutNames } from '../layout/index.ts'
import { shownBy, type Owner } from './claim-directory.ts'
import type { Seen } from './view-reader.ts'

/**
 * What the link of an object may be called, the plain name first: where another object has that, a digest of what
 * it leads to is put behind it.
 * @param raw the name of its link in `raw`: a twin (other bytes under one UID) has `~` and 16 digits there, and here
 */
export function fileNames(layout: Layout, names: LayoutNames, owner: Owner, raw: string): string[] {
  const stem = `${names.file}${/~[0-9a-f]{16}(?=\.dcm$)/.exec(raw)?.[0] ?? ''}`
  const { extension, isFileUnique } = layout
  if (isFileUnique) return [stem + extension]
  const digest = hash('sha256', `${owner.StudyInstanceUID}/${owner.SeriesInstanceUID}/${raw}`)
  const ends = ['', ...[8, 16, 32].map((length) => `~${digest.slice(0, length)}`)]
  return ends.map((end) => stem + end + extension)
}

/**
 * The one of these names whose link is the object's own, else the first that no other object has. What
 * FIONA did not put there takes no name from anybody: whoever makes the link hears of it.
 * @param textOf what the object's link at a path would say
 * @param see what lies under each of some names in a directory
 */
export function fileOf(
  directory: string,
  names: readonly string[],
  textOf: (path: string) => string,
  see: (directory: string, names: readonly string[]) => readonly Seen[],
): string {
  const [first = ''] = names
  if (names.length === 1) return join(directory, first)
  let free: string | undefined
  for (const [at, seen] of see(directory, names).entries()) {
    const path = join(directory, names[at] ?? first)
    if (seen.is === 'link' && seen.text === textOf(path)) return path
    if (free === undefined && !isAnothers(path, seen)) free = path
  }
  return free ?? join(directory, first)
}

function isAnothers(path: string, seen: Seen): boolean {
  return seen.is === 'link' && shownBy(seen.text) !== undefined && !leadsNowhere(path)
}

/** Of what is there and may not be looked at, the answer is no. */
export function leadsNowhere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ELOOP'
  }
}
