import { packageTrouble } from './trouble.ts'

/** A file in a package. */
export interface Member {
  /** As the package says it: for people, never for a file system. */
  readonly name: string
  /** Why it is not to be had; then it has no content. */
  readonly trouble?: Error
  /**
   * Its bytes, counted and checked; may be read once, before the next member is asked for, and need not be
   * read to the end. Chunks are borrowed: valid until the next.
   * @throws FionaError E_PACKAGE_DAMAGED, E_PACKAGE_BOMB
   */
  readonly content: () => AsyncIterable<Buffer>
}

export function refused(name: string, trouble: Error): Member {
  return { name, trouble, content: nothing }
}

/**
 * A name that would lead out of the folder it is unpacked into. We make no path of it, but nobody packs
 * such names by accident.
 */
export function escapes(name: string): boolean {
  const isAbsolute = /^(?:[/\\]|[A-Za-z]:)/.test(name)
  return isAbsolute || name.includes('\0') || name.split(/[/\\]/).includes('..')
}

export function hostileName(): Error {
  return packageTrouble(
    'E_PACKAGE_NAME',
    'its name would lead out of the folder it is unpacked into',
    'find out who made the package; this member was left out',
  )
}

export function notARegularFile(what: string): Error {
  return packageTrouble(
    'E_PACKAGE_TYPE',
    `it is ${what}`,
    'only regular files are imported; pack the file it stands for',
  )
}

async function* nothing(): AsyncGenerator<Buffer> {}
