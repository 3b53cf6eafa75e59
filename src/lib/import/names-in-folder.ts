import type { Dir, Dirent } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { filePath, type FilePath } from './file-path.ts'

/** A name in a folder, and what kind of thing it names. */
export interface Named {
  readonly name: FilePath
  readonly kind: Dirent
}

/** Folders of more names than this are taken as the file system lists them: a million names are never held. */
const mostSorted = 10_000
/** Names that one call brings. */
const namesAtOnce = 1024

/**
 * The names in a folder, sorted where there are not too many. No descriptor stays open while sorted ones are
 * handed out, so that deep trees need no more than wide ones.
 */
export async function* namesInFolder(folder: FilePath): AsyncGenerator<Named, void, undefined> {
  const listing = await openListing(folder)
  let held: Named[] = []
  try {
    while (held.length <= mostSorted) {
      const named = await nextOf(listing)
      if (named === undefined) break
      held.push(named)
    }
    if (held.length > mostSorted) {
      yield* held
      held = []
      for (let named = await nextOf(listing); named !== undefined; named = await nextOf(listing)) {
        yield named
      }
    }
  } finally {
    await listing.close()
  }
  yield* held.sort((a, b) => compare(a.name, b.name))
}

/** Names are bytes, and come as such: as text, what is not UTF-8 would be lost. */
function openListing(folder: FilePath): Promise<Dir> {
  const asBytes = { encoding: 'buffer' as BufferEncoding, bufferSize: namesAtOnce }
  return opendir(folder, asBytes)
}

async function nextOf(listing: Dir): Promise<Named | undefined> {
  const kind = await listing.read()
  return kind === null ? undefined : { name: filePath(kind.name as unknown as Buffer), kind }
}

function compare(a: FilePath, b: FilePath): number {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
