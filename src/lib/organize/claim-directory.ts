import { hash } from 'node:crypto'
import { opendirSync, readlinkSync, type Dirent } from 'node:fs'
import { join } from 'node:path'
import { isUid } from '../uid/index.ts'

/** Which study and series a link of a view belongs to: it leads to `raw/<Study>/<Series>/<SOP>.dcm`. */
export interface Owner {
  readonly StudyInstanceUID: string
  readonly SeriesInstanceUID: string
}

/**
 * The directory of this name that belongs to `uid`. Where another study or series has it already, a
 * digest of the UID is put behind the name: two studies of one patient at one time, two series of one
 * number and description stay apart. The links in a directory tell whose it is; nothing is kept beside them.
 */
export function directoryOf(
  parent: string,
  name: string,
  uid: string,
  ownerOf: (directory: string) => string | undefined,
): string {
  const digest = hash('sha256', uid)
  const candidates = ['', digest.slice(0, 8), digest.slice(0, 16), digest.slice(0, 32)].map((end) =>
    join(parent, end === '' ? name : `${name}~${end}`),
  )
  const owners = candidates.map((directory) => ownerOf(directory))
  const own = owners.indexOf(uid)
  const free = owners.indexOf(undefined)
  // Two UIDs with the same 128 bits of a digest do not exist.
  return candidates[own !== -1 ? own : free] ?? join(parent, `${name}~${digest}`)
}

/** Any other link is somebody's who has no say in whose directory it is. */
const ourLink = /^(?:\.\.\/)+raw\/([0-9.]+)\/([0-9.]+)\/([0-9.]+(?:~[0-9a-f]{16})?\.dcm)$/

/** What one of our links leads to in `raw`, by its text alone. */
export interface Shown extends Owner {
  /** In the directory of the series. */
  readonly name: string
}

export function shownBy(text: string): Shown | undefined {
  const [, StudyInstanceUID, SeriesInstanceUID, name] = ourLink.exec(text) ?? []
  if (!isUid(StudyInstanceUID) || !isUid(SeriesInstanceUID) || name === undefined) return undefined
  return { StudyInstanceUID, SeriesInstanceUID, name }
}

/** Whose the links are that lie so many directories below this one; undefined when there are none. */
export function ownerBelow(directory: string, levels: number): Owner | undefined {
  for (const entry of entriesOf(directory)) {
    const path = join(directory, entry.name)
    if (levels > 0 && entry.isDirectory()) {
      const owner = ownerBelow(path, levels - 1)
      if (owner !== undefined) return owner
    } else if (levels === 0 && entry.isSymbolicLink()) {
      const owner = shownBy(readlinkSync(path))
      if (owner !== undefined) return owner
    }
  }
  return undefined
}

/** One by one: the first tells enough, however many there are. */
function* entriesOf(directory: string): Generator<Dirent> {
  let opened
  try {
    opened = opendirSync(directory, { bufferSize: 4 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Something else than a directory belongs to nobody: whoever makes one there hears of it.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return
    throw error
  }
  try {
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) yield entry
  } finally {
    opened.closeSync()
  }
}
