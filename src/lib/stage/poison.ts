import { FionaError } from '../error/index.ts'
import { readJournal, saveCursor, type JournalChunk } from '../journal/index.ts'
import { firstLines } from './chunk-lines.ts'
import type { Progress } from './commits.ts'
import type { RunContext } from './run-plan.ts'
import { errorsGoTo, stageError } from './sort-output.ts'

type PoisonContext = Pick<
  RunContext,
  'from' | 'lease' | 'outlets' | 'progress' | 'sort' | 'stage' | 'workers'
>

/**
 * The record at the cursor goes to the errors, and the cursor behind it: the pipeline ends whenever it gets this one.
 * @param how the pipeline ended
 * @returns false where there is none
 */
export async function moveFirstAway(context: PoisonContext, how: string): Promise<boolean> {
  const { from, stage, progress, outlets, sort, workers } = context
  const { cursor } = progress
  const chunk = await firstLine(from, progress)
  if (chunk === undefined) return false
  const why = new FionaError('E_STAGE_POISON', `this record ends the pipeline: ${how}`, {
    hint: 'mend the cause, then hand the record in again',
  })
  outlets.add(errorsGoTo(sort.diverted), stageError(sort, why, contentOf(chunk.lines)))
  outlets.seal()
  await outlets.append()
  context.lease.assertHeld()
  cursor.move(new Map([[chunk.segment, chunk.end]]))
  await saveCursor(from, stage, { cursor: cursor.whole(), seq: progress.seq, workers })
  return true
}

async function firstLine(from: string, { cursor }: Progress): Promise<JournalChunk | undefined> {
  for await (const chunk of readJournal(from, {
    cursor: cursor.whole(),
    chunkBytes: 64 * 1024,
  })) {
    return firstLines(chunk, 1)
  }
  return undefined
}

/** The record as it was, or its text when it is none. */
function contentOf(line: Buffer): unknown {
  const text = line.toString().trimEnd()
  try {
    return JSON.parse(text)
  } catch {
    return text.slice(0, 2000)
  }
}
