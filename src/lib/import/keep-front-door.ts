import { basename, join } from 'node:path'
import type { Intake } from '../intake/index.ts'
import { Lease } from '../journal/index.ts'
import type { FionaError } from '../error/index.ts'
import {
  admitFromAnybody,
  entriesOfLines,
  refusePaths,
  type Chunk,
  type LineOptions,
} from './entries-of-lines.ts'
import { FrontDoor, type DoorAccess } from './front-door.ts'
import { keepLine } from './keep-line.ts'
import { LineSpool } from './line-spool.ts'
import { patience } from './patience.ts'
import { WrittenBefore } from './written-before.ts'
import { runImport, type ImportRun, type ImportSummary } from './run-import.ts'

export interface DoorOptions {
  readonly path: string
  /** Whose door it is: what may come in depends on it. */
  readonly journal: string
  readonly takesRecordsOnly: boolean
  /** Keeps lines that mean nothing and that no error record can hold. */
  readonly intake: Intake
  readonly access: DoorAccess
  /** Where what was read, and is not done, is kept. */
  readonly stateDirectory: string
  readonly isSynced: boolean
}

/** A predecessor that is just ending is waited for. */
const waitMs = 10_000

/**
 * Takes what is written into a named pipe, until the signal, and then what is still in it. A line that
 * means nothing, or a file that is nothing, becomes an error record and a line in the log; the door stays
 * open. Killed, it goes on where it was at the next start: what was in hand is done again.
 * @param opened called when it is open, with a descriptor of the pipe: whoever keeps that open, keeps what is in it
 * @throws FionaError E_FRONT_DOOR, E_LEASE_HELD
 */
export async function keepFrontDoor(
  options: DoorOptions,
  run: Omit<ImportRun, 'entries' | 'patience' | 'failed' | 'isService' | 'reached'>,
  signal: AbortSignal,
  opened?: (descriptor: number) => void,
): Promise<ImportSummary> {
  const { path, journal, takesRecordsOnly } = options
  const { log } = run
  const directory = join(options.stateDirectory, basename(path))
  const lease = await Lease.acquire(join(directory, 'lease'), {
    what: `front door ${basename(path)}`,
    hint: 'one process reads a pipe; give the other one a pipe of another name',
    waitMs,
    signal,
  })
  const wait = patience(log, signal)
  const lines = {
    base: undefined,
    keep: (line: Buffer, reason: FionaError) =>
      wait(() => keepLine(options.intake, line, reason, { pipe: path })),
    admit: admitFromAnybody(journal),
    admitPath: takesRecordsOnly ? refusePaths(journal) : undefined,
    signal,
  }
  const take = (
    chunks: AsyncIterable<Chunk>,
    from?: Pick<LineOptions, 'beginsAt' | 'isWithinLongLine'> & Pick<ImportRun, 'reached'>,
  ): Promise<ImportSummary> =>
    runImport({
      ...run,
      entries: entriesOfLines(chunks, { ...lines, ...from }),
      isService: true,
      patience: wait,
      failed: (error) => {
        log.warn({ code: error.code }, 'a line at the front door could not be taken; see errors')
      },
      ...(from?.reached === undefined ? {} : { reached: from.reached }),
    })
  try {
    const before = new WrittenBefore(path)
    while (!signal.aborted && before.isThere()) {
      log.info({ path }, 'taking what was written before there was a pipe')
      await take(before.lines())
      before.done()
    }
    const spool = await LineSpool.open(directory, options)
    try {
      const door = await FrontDoor.open(path, options.access, spool, log)
      log.info({ path }, 'the front door is open')
      opened?.(door.descriptor)
      try {
        return await take(door.chunks(signal), {
          beginsAt: spool.position,
          isWithinLongLine: spool.isWithinLongLine,
          reached: (place, isWithinLongLine) => spool.reached(place, isWithinLongLine),
        })
      } finally {
        await door.close()
      }
    } finally {
      spool.close()
    }
  } finally {
    await lease.release()
  }
}
