import { ExitCode, FionaError } from '../error/index.ts'
import { lookUp, stateDirectory, type KnownStudy } from './look-up.ts'
import type { WaitingTimes } from './waiting.ts'
import { counted } from '../text/index.ts'

/**
 * Lines for a person who asks why a study is, or is not, complete. No identifying values.
 * @throws FionaError E_STUDY_UNKNOWN, E_UID_INVALID, E_STATE_FORMAT
 */
export async function explain(
  dataDir: string,
  StudyInstanceUID: string,
  timesOf: (project: string | undefined) => WaitingTimes,
): Promise<string[]> {
  const known = await lookUp(dataDir, StudyInstanceUID)
  if (known.length === 0) {
    throw new FionaError('E_STUDY_UNKNOWN', `no study ${StudyInstanceUID} is known`, {
      hint: `objects that were just received may still be on their way (fiona-journal cat received --study ${StudyInstanceUID}); what is known lies in ${stateDirectory(dataDir)}`,
      exitCode: ExitCode.badInput,
    })
  }
  return known.flatMap((study) => linesOf(study, timesOf(study.project)))
}

function linesOf(study: KnownStudy, times: WaitingTimes): string[] {
  const { stage, project, revision, instances, series, added, isOpen } = study
  const where = `project ${project ?? 'default'}, stage ${stage}`
  const head = isOpen ? 'open' : `complete, revision ${String(revision)}`
  return [
    `${head}: ${counted(instances, 'object')} in ${String(series)} series (${where})`,
    ...(isOpen && revision > 0
      ? [`  revision ${String(revision)} is said; ${counted(added, 'object')} came since`]
      : []),
    ...(isOpen ? waitsFor(study, times) : []),
  ]
}

function waitsFor(study: KnownStudy, times: WaitingTimes): string[] {
  const quietSeconds = study.quietSeconds(times)
  const { maxWaitSeconds } = times
  const isLonger = quietSeconds > times.quietSeconds
  const why = isLonger
    ? `as its sender pauses; quietSeconds: ${String(times.quietSeconds)}`
    : 'quietSeconds'
  const { openedAt, isReleased, mpps, missing } = study
  const since = new Date(openedAt).toISOString()
  const atLatest = new Date(openedAt + maxWaitSeconds * 1000).toISOString()
  if (isReleased)
    return ['  it is released: complete as soon as what waits in the pipe was counted']
  return [
    `  open since ${since}`,
    `  complete when no object comes for ${String(quietSeconds)} s (${why}), at the latest at ${atLatest} (maxWaitSeconds)`,
    ...(mpps === undefined
      ? ['  no modality has reported a step of it']
      : [
          `  steps reported: ${mpps.join(', ')}; ${String(missing ?? 0)} of the objects they list have not come`,
        ]),
  ]
}
