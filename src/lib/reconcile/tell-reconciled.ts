import { isatty } from 'node:tty'
import type { Logger } from 'pino'
import { ExitCode, FionaError } from '../error/index.ts'
import { rebuildProgress } from '../organize/index.ts'
import { errorRecord } from '../record/index.ts'
import { visibleJson } from '../text/index.ts'
import {
  nothingFound,
  reconcile,
  type ReconcileCounts,
  type ReconcileOptions,
} from './reconcile.ts'
import { StudyTable } from './study-table.ts'

export interface Telling extends Omit<ReconcileOptions, 'found' | 'failed' | 'counts'> {
  /** Lines for people, a study each; else a record for each thing. */
  readonly isTable: boolean
  readonly log: Logger
  readonly print: (text: string) => Promise<void>
  readonly write: (bytes: Buffer) => Promise<void>
}

/**
 * Reconciles, and tells of it on stdout.
 * @returns the exit code
 * @throws as `reconcile`; FionaError E_FILE_MISSING when nothing is there of the studies that were named
 */
export async function tellReconciled(telling: Telling): Promise<number> {
  const { isTable, mends, studies, signal, log, print, write } = telling
  const counts = nothingFound()
  const table = new StudyTable(process.stdout.columns || 80)
  const say = (record: object): Promise<void> => write(Buffer.from(`${visibleJson(record)}\n`))
  const progress = isatty(2) && !isTable ? rebuildProgress(counts, process.stderr) : undefined
  try {
    await reconcile({
      ...telling,
      counts,
      found: async (finding) => {
        if (!isTable) await say(finding)
        else for (const line of table.add(finding)) await print(line)
      },
      failed: async (path, error) => {
        if (isTable) log.warn({ code: error.code }, error.message)
        else await say(errorRecord('fiona-import', error, { type: 'path', path }))
      },
    })
  } finally {
    progress?.close()
  }
  if (isTable) for (const line of [...table.end(), ...summary(counts, mends)]) await print(line)
  if (signal.aborted) {
    log.warn(counts, 'stopped before the end')
    return ExitCode.tryAgain
  }
  if (studies !== undefined && counts.objects === 0 && counts.gone === 0) throw noSuchStudy()
  const { objects, pruned, ...wrong } = counts
  const isWell = Object.values(wrong).every((count) => count === 0)
  if (isWell) log.info({ objects, pruned }, 'all of the archive is in the journal and in the views')
  else {
    log.warn(counts, mends ? 'mended; what is gone or foreign is left' : 'nothing was changed')
  }
  const { gone, errors, unrecorded, unseen } = counts
  const left = gone + errors + (mends ? 0 : unrecorded + unseen)
  return left > 0 ? ExitCode.someErrors : ExitCode.ok
}

/** Below the table. */
function summary(counts: ReconcileCounts, mends: boolean): string[] {
  const { objects, unrecorded, unseen, gone, foreign, errors } = counts
  const of = (count: number, what: string): string[] =>
    count === 0 ? [] : [`${count.toLocaleString('en')} ${what}`]
  const found = [
    ...of(unrecorded, mends ? 'got their record' : 'without a record'),
    ...of(unseen, mends ? 'got their views' : 'not in the views'),
    ...of(errors, 'cannot be judged: see the log'),
    ...of(gone, 'records whose file is gone'),
    ...of(foreign, 'things that are no objects'),
  ]
  const well = found.length === 0 ? 'all is well' : found.join(', ')
  const lines = [`${objects.toLocaleString('en')} objects: ${well}`]
  if (!mends && unrecorded + unseen > 0) lines.push('nothing was changed; --mend mends it')
  return lines
}

function noSuchStudy(): FionaError {
  return new FionaError('E_FILE_MISSING', 'no archive holds an object of these studies', {
    hint: 'give Study Instance UIDs; fiona ls studies knows them',
    exitCode: ExitCode.badInput,
  })
}
