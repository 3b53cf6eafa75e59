import { lstatSync, readlinkSync, type Dirent } from 'node:fs'
import { basename, dirname } from 'node:path'
import { ExitCode, FionaError } from '../error/index.ts'
import { RealDirectories } from '../storage/index.ts'
import { entriesOf } from './archive-walk.ts'

/** What lies where a link should. */
export type Seen =
  | { readonly is: 'link'; readonly text: string }
  | { readonly is: 'nothing' | 'other' }
  | { readonly is: 'blocked' }

/** Looks at views, and changes nothing. What a planted link leads to is not looked at. */
export class ViewReader {
  readonly #real: RealDirectories

  constructor(dataDir: string) {
    this.#real = new RealDirectories(dataDir, ledElsewhere)
  }

  see(path: string): Seen {
    const [seen = nothing] = this.seeAll(dirname(path), [basename(path)])
    return seen
  }

  /** What lies under each of these names in one directory: it is opened once for all. */
  seeAll(directory: string, names: readonly string[]): Seen[] {
    try {
      return this.#real.within(directory, (opened) =>
        names.map((name) => seenAt(`${opened}/${name}`)),
      )
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return names.map(() => nothing)
      if (isBlocked(error)) return names.map(() => ({ is: 'blocked' }))
      throw error
    }
  }

  /** None, where there is no such directory. */
  *entries(directory: string): Generator<Dirent> {
    try {
      yield* entriesOf(this.#real, directory)
    } catch (error) {
      // What is in its place was told where its own name was met.
      if (!isBlocked(error)) throw error
    }
  }
}

const nothing: Seen = { is: 'nothing' }

function seenAt(path: string): Seen {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return nothing
  return found.isSymbolicLink() ? { is: 'link', text: readlinkSync(path) } : { is: 'other' }
}

function isBlocked(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return ['E_VIEW_BLOCKED', 'ENOTDIR', 'ELOOP'].includes(code)
}

function ledElsewhere(path: string): FionaError {
  return new FionaError('E_VIEW_BLOCKED', `a symbolic link leads out of the views at ${path}`, {
    hint: 'find out who made it, and remove it; it was not followed',
    exitCode: ExitCode.cannotCreate,
  })
}
