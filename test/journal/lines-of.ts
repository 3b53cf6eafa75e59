import {
  MovingCursor,
  readJournal,
  type Cursor,
  type ReadOptions,
} from '../../src/lib/journal/index.ts'
import type { AnyRecord } from '../../src/lib/record/index.ts'

/** Everything a journal holds now, and the cursor behind it. */
export async function linesOf(
  directory: string,
  options: ReadOptions = {},
): Promise<{ lines: string[]; cursor: Cursor }> {
  const lines: string[] = []
  const cursor = new MovingCursor(options.cursor)
  for await (const chunk of readJournal(directory, options)) {
    lines.push(...chunk.lines.toString().split('\n').slice(0, -1))
    cursor.move(new Map([[chunk.segment, chunk.end]]))
  }
  return { lines, cursor: cursor.whole() }
}

export async function recordsOf(directory: string): Promise<AnyRecord[]> {
  return (await linesOf(directory)).lines.map((line) => JSON.parse(line) as AnyRecord)
}
