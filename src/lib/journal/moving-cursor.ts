import type { Cursor } from './cursor.ts'
import { listSegments } from './segment.ts'

/** By segment, the offset behind what was read of it. */
export type Moves = ReadonlyMap<string, number>

/** One behind the other: of each segment the last counts. */
export function joinMoves(...parts: readonly Moves[]): Moves {
  const [first, ...others] = parts
  if (first !== undefined && others.every(({ size }) => size === 0)) return first
  return new Map(parts.flatMap((part) => [...part]))
}

/**
 * A cursor that moves on. A journal may have thousands of segments, of which a step concerns one or two: so a step
 * is told by its moves, and the whole is written out only where it is saved.
 */
export class MovingCursor {
  readonly #offsets: Map<string, number>

  constructor(cursor: Cursor = {}) {
    this.#offsets = new Map(Object.entries(cursor))
  }

  move(moves: Moves): void {
    for (const [segment, offset] of moves) this.#offsets.set(segment, offset)
  }

  /** Segments that were pruned are nobody's any more: without this a cursor would grow for ever. */
  async forgetGone(directory: string): Promise<void> {
    // Segments that come while this looks are not known here yet, and so are not taken for gone.
    const known = [...this.#offsets.keys()]
    const present = new Set(await listSegments(directory))
    for (const segment of known) if (!present.has(segment)) this.#offsets.delete(segment)
  }

  /** As it is at this moment. */
  whole(): Cursor {
    return Object.fromEntries(this.#offsets)
  }
}
