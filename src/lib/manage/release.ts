import { stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { lookUp } from '../arrive/index.ts'
import type { Config } from '../config/index.ts'
import { ExitCode, FionaError } from '../error/index.ts'
import { JournalWriter, journalPath } from '../journal/index.ts'
import { nowIso } from '../record/index.ts'
import { counted } from '../text/index.ts'

export interface Release {
  readonly config: Pick<Config, 'dataDir'>
  readonly study: string
  readonly print: (text: string) => Promise<void>
  /** How long to look whether the word has taken effect. */
  readonly patienceMs?: number
}

const usualPatienceMs = 10_000
/** The first pause; each further one is twice as long, since a look reads the whole state. */
const firstPauseMs = 200

/**
 * Says that an open study is complete: a `release` record in the journal that fiona-arrive reads. From then on
 * it is safe, whatever dies.
 * @returns the exit code: 0 also where the word takes effect only when the chain runs
 * @throws FionaError E_STUDY_UNKNOWN, E_STUDY_COMPLETE, E_UID_INVALID
 */
export async function releaseStudy(release: Release): Promise<number> {
  const { config, study, print, patienceMs = usualPatienceMs } = release
  const { dataDir } = config
  const before = await lookUp(dataDir, study)
  if (!before.some(({ isOpen }) => isOpen)) throw notOpen(study, before)
  await append(dataDir, study)
  const until = performance.now() + patienceMs
  for (let pauseMs = firstPauseMs; performance.now() + pauseMs <= until; pauseMs *= 2) {
    await delay(pauseMs)
    const now = await lookUp(dataDir, study)
    const isSaid = before.every(
      ({ stage, project, isOpen, revision }) =>
        !isOpen ||
        now.some(
          (one) => one.stage === stage && one.project === project && one.revision > revision,
        ),
    )
    if (!isSaid) continue
    for (const { project, revision, instances } of now) {
      await print(
        `study ${study} is complete: revision ${String(revision)}, ${counted(instances, 'object')} (project ${project ?? 'default'})`,
      )
    }
    return ExitCode.ok
  }
  await print(
    `study ${study} is released; it is complete as soon as fiona-arrive reads the journal received (fiona-ctl status tells whether the chain runs)`,
  )
  return ExitCode.ok
}

function notOpen(study: string, known: readonly { readonly revision: number }[]): FionaError {
  const [first] = known
  return first === undefined
    ? new FionaError('E_STUDY_UNKNOWN', `no study ${study} is known`, {
        hint: `is it the StudyInstanceUID, and the data directory right? What was just received may still be on its way: fiona-journal cat received --study ${study}`,
        exitCode: ExitCode.badInput,
      })
    : new FionaError(
        'E_STUDY_COMPLETE',
        `study ${study} is complete already (revision ${String(first.revision)})`,
        {
          hint: `nothing waits to be released; fiona-journal cat organized --study ${study} --type study shows what was said`,
          exitCode: ExitCode.badInput,
        },
      )
}

/** By root it is done as the owner of the data, whose programs must be able to read the journal. */
async function append(dataDir: string, StudyInstanceUID: string): Promise<void> {
  const releasedBy = userInfo().username
  const { uid, gid } = await stat(dataDir)
  if (process.geteuid?.() === 0 && uid !== 0) {
    process.setegid?.(gid)
    process.seteuid?.(uid)
  }
  await using writer = await JournalWriter.open(journalPath(dataDir, 'received'), {
    writer: 'release',
  })
  await writer.append({ type: 'release', v: 1, time: nowIso(), StudyInstanceUID, releasedBy })
}
