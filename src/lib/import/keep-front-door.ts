import { admitFromAnybody, entriesOfLines } from './entries-of-lines.ts'
import { FrontDoor } from './front-door.ts'
import { patience } from './patience.ts'
import { runImport, type ImportRun, type ImportSummary } from './run-import.ts'

/**
 * Takes what is written into a named pipe, until the signal, and then what is still in it. A line that
 * means nothing, or a file that is nothing, becomes an error record and a line in the log; the door stays
 * open.
 * @throws FionaError E_FRONT_DOOR
 */
export async function keepFrontDoor(
  path: string,
  run: Omit<ImportRun, 'entries' | 'patience' | 'failed' | 'tellsEachFolder'>,
  signal: AbortSignal,
): Promise<ImportSummary> {
  const { log } = run
  const door = await FrontDoor.open(path)
  log.info({ path }, 'the front door is open')
  try {
    return await runImport({
      ...run,
      entries: entriesOfLines(door.chunks(signal), {
        base: undefined,
        admit: admitFromAnybody,
        signal,
      }),
      patience: patience(log, signal),
      tellsEachFolder: true,
      failed: (error) => {
        log.warn({ code: error.code }, 'a line at the front door could not be taken; see errors')
      },
    })
  } finally {
    door.close()
  }
}
