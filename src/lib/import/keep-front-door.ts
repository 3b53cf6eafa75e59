import { admitFromAnybody, entriesOfLines, type Chunk } from './entries-of-lines.ts'
import { FrontDoor } from './front-door.ts'
import { patience } from './patience.ts'
import { WrittenBefore } from './written-before.ts'
import { runImport, type ImportRun, type ImportSummary } from './run-import.ts'

/**
 * Takes what is written into a named pipe, until the signal, and then what is still in it. A line that
 * means nothing, or a file that is nothing, becomes an error record and a line in the log; the door stays
 * open.
 * @param opened called when it is open
 * @throws FionaError E_FRONT_DOOR
 */
export async function keepFrontDoor(
  path: string,
  run: Omit<ImportRun, 'entries' | 'patience' | 'failed' | 'isService'>,
  signal: AbortSignal,
  opened?: () => void,
): Promise<ImportSummary> {
  const { log } = run
  const take = (lines: AsyncIterable<Chunk>): Promise<ImportSummary> =>
    runImport({
      ...run,
      entries: entriesOfLines(lines, { base: undefined, admit: admitFromAnybody, signal }),
      isService: true,
      patience: patience(log, signal),
      failed: (error) => {
        log.warn({ code: error.code }, 'a line at the front door could not be taken; see errors')
      },
    })
  const before = new WrittenBefore(path)
  while (!signal.aborted && before.isThere()) {
    log.info({ path }, 'taking what was written before there was a pipe')
    await take(before.lines())
    before.done()
  }
  const door = await FrontDoor.open(path)
  log.info({ path }, 'the front door is open')
  opened?.()
  try {
    return await take(door.chunks(signal))
  } finally {
    door.close()
  }
}
