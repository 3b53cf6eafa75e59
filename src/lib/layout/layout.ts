import type { LayoutField } from './layout-field.ts'
import { viewName } from './view-name.ts'

/** A part of a name: as it stands there, or what an object has. */
export type Piece = string | { readonly field: LayoutField; readonly missing: string }

/** Whose a directory can be: two studies, or two series, that have the same names for theirs stay apart. */
export type OwnerLevel = 'study' | 'series'

/** A template that was read. */
export interface Layout {
  readonly text: string
  /** The folder that holds the view, below that of the project. */
  readonly root: string
  /** Of the directories below it, from the outermost. */
  readonly directories: readonly (readonly Piece[])[]
  readonly owners: readonly (OwnerLevel | undefined)[]
  readonly file: readonly Piece[]
  /** With its dot; empty where there is none. */
  readonly extension: string
  /** The directory is of one series and the name tells which object of it: no two objects have the same. */
  readonly isFileUnique: boolean
  /** The modality whose objects alone are seen here. */
  readonly modality?: string
}

/** What an object has for a field, untrimmed; undefined where it has nothing. */
export type LayoutValues = (field: LayoutField) => string | undefined

/** Where one object belongs below the root, before collisions. */
export interface LayoutNames {
  readonly directories: readonly string[]
  /** Without its extension. */
  readonly file: string
}

/** Bytes behind the name of a file that tell two objects apart: a twin of the archive, a digest (`claim-file`). */
const behindFile = 17 + 33

export function namesOf(layout: Layout, values: LayoutValues): LayoutNames {
  return {
    directories: layout.directories.map((pieces) => directoryName(textOf(pieces, values))),
    file: viewName(textOf(layout.file, values), behindFile + layout.extension.length),
  }
}

/** One object after the other has the same: making the name takes longer than the link. */
const knownNames = new Map<string, string>()
const mostKnown = 1000
const longestKnown = 256

function directoryName(text: string): string {
  const known = knownNames.get(text)
  if (known !== undefined) return known
  const name = viewName(text)
  if (knownNames.size >= mostKnown) knownNames.clear()
  if (text.length <= longestKnown) knownNames.set(text, name)
  return name
}

/** All fields that it asks for. */
export function fieldsOfLayout({ directories, file }: Layout): LayoutField[] {
  return [...directories, file].flatMap((pieces) => fieldsOf(pieces))
}

export function fieldsOf(pieces: readonly Piece[]): LayoutField[] {
  return pieces.flatMap((piece) => (typeof piece === 'string' ? [] : piece.field))
}

function textOf(pieces: readonly Piece[], values: LayoutValues): string {
  let text = ''
  for (const piece of pieces) {
    if (typeof piece === 'string') text += piece
    else {
      const value = values(piece.field)?.trim() ?? ''
      text += value === '' ? piece.missing : value
    }
  }
  return text
}
