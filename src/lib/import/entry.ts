import type { FionaError } from '../error/index.ts'
import type { AnyRecord } from '../record/index.ts'
import type { FilePath } from './file-path.ts'
import type { PathFacts } from './path-record.ts'

/** A file that may be a DICOM object, or a package of them. */
export interface FileEntry extends PathFacts {
  readonly kind: 'file'
  /** Real: no component of it is a symbolic link, at the time it was found. */
  readonly path: FilePath
  /** Met in a folder, where other things may lie, too; otherwise somebody means this very file. */
  readonly isWalked: boolean
  /** The symbolic link that led here, where one did. */
  readonly link?: FilePath
}

/** What an import is given, in order, one at a time. */
export type Entry =
  | FileEntry
  | { readonly kind: 'record'; readonly record: AnyRecord }
  /** A link to a folder: not followed, for it may lead in circles or out of what was meant. */
  | { readonly kind: 'linkedFolder'; readonly path: FilePath }
  | { readonly kind: 'emptyFolder'; readonly path: FilePath }
  /** All of a folder that somebody named was found. */
  | { readonly kind: 'folderEnd' }
  /** Of a service: all that came before that place of its input was said. */
  | { readonly kind: 'lineEnd'; readonly place: number; readonly isWithinLongLine: boolean }
  | { readonly kind: 'trouble'; readonly error: FionaError; readonly input: unknown }
