import type { Logger } from 'pino'
import { defineTool, type FilterLogic } from '../lib/cli/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'

export default defineTool({
  name: 'fiona-arrive',
  summary: 'say when series and studies are complete',
  description: `Passes instance records on unchanged and adds a series or study record when it is complete: when no
    new object came for the quiet time, at the latest after the hard cap, and at the end of the input for
    what is still open. The series of a study come before the study.

    Where modalities report their steps (fiona-mpps), mpps records are evidence: a study of which a step is
    COMPLETED, none is in progress, and every object that they list has arrived, is complete at once (reason
    mpps). What they do not list, such as reports made later, makes another revision. Without such evidence,
    or when it lists what never comes, the quiet time decides.

    A release record (fiona-ctl release STUDY) is a person's word that nothing more is to be waited for: the
    study is complete as soon as what waits in the pipe was counted (reason released). It holds for what is
    open, in each project or in the one it names, and not for objects that come after its time.

    A sender that paused for longer than the quiet time within its last twenty studies, in more than one in ten of
    them, is given one and a half times its longest pause, and --longest-quiet-seconds at most: its next studies
    are not told in pieces.

    With arrival.settledSeconds, which is shorter, fiona-scp records the ends of associations, and a study is settled when all
    that brought its objects were released, and no series has fewer images than its header announces (Images
    in Acquisition; an object counts with its Number of Frames): then that is its quiet time, or one and a half times the longest pause of its sender.

    A project may have times of its own, by the same names: projects.X.arrival.quietSeconds, maxWaitSeconds,
    longestQuietSeconds, settledSeconds. The options stand for those of all the others. Time is measured by a clock that nobody sets; only over a restart the clock of the
    machine tells how long a study has been open.

    With --touch-dir it also touches, for each object, the files by whose age scripts for the original FIONA tell
    that something is complete: "<calling> <called> <address> scp_<StudyInstanceUID>" and "<calling> <called>
    <address> <StudyInstanceUID> <SeriesInstanceUID>", at most once a second. Characters that would end a field are left
    out; what is not known is "unknown". Whoever has done with one removes it.

    With --explain it reads no input: it says what every fiona-arrive of the data directory knows of a study, as of
    their last mark, and what an open one waits for.

    Objects that come after their study was complete make another revision of it: its counts are running
    totals, and added says what this revision brought, in the study and in each of its series. Each object is
    in exactly one revision. One that comes again passes, and neither reopens its study nor counts twice. If
    the identity or the dates differ between the objects of a study, the
    attributes of the study name them under conflicts. Where they are of several patients (PatientID), the
    record also has warnings with the code patient-conflict, and the log says so; fiona-anon holds such a study.

    Another object under a SOPInstanceUID that was counted is an object of its own, and fiona-anon holds the
    study. Whether it is another one, the sha256 of the records tells; where they have none, both files are
    read and compared, and one that cannot be read counts as another object.

    Within fiona-stage, or with --data-dir, what is open and what was said is kept on disk: killed at any
    moment, it goes on where it was. A decision is on disk before it is said. Until it is known to have been
    taken (a later mark was committed; by hand: it was written to stdout) it is said again after a restart,
    word for word. The quiet time of open studies then starts anew.

    By hand without --data-dir its memory is all there is: with the process it forgets the open studies, and
    of complete studies it remembers the last 20,000, or a million objects of them. A late object of a
    forgotten study begins again with revision 1.

    With --clock records it decides by the time of the records and not by its own: a journal read again, at any
    speed, gives the same records, byte for byte. At the end the clock runs on until all is decided
    (with --at-end keep it stands still).

    A stage ends its pipeline's input only when it stops. So within a stage the end of the input says nothing
    about studies, and what is open stays open until the stage runs again, but for what was released or proven
    just before; see --at-end. Neither does SIGTERM.`,
  reads: ['instance', 'mpps', 'release', 'association'],
  writes: ['series', 'study'],
  options: {
    'quiet-seconds': {
      type: 'number',
      min: 0,
      describe: 'a series or study with no new object for this long is complete',
      configKey: 'arrival.quietSeconds',
    },
    'max-wait-seconds': {
      type: 'number',
      min: 0,
      describe: 'a study is complete at the latest this long after its first object',
      configKey: 'arrival.maxWaitSeconds',
    },
    'longest-quiet-seconds': {
      type: 'number',
      min: 0,
      describe: 'the quiet time grows up to this for a sender that pauses (twice the quiet time)',
      configKey: 'arrival.longestQuietSeconds',
    },
    'data-dir': {
      type: 'path',
      describe: 'keep what is open below this directory, to survive a restart',
      configKey: 'dataDir',
    },
    'touch-dir': {
      type: 'path',
      describe: 'touch a file for each study and series here, for scripts of the original',
      configKey: 'arrival.touchDir',
    },
    clock: {
      type: 'choice',
      choices: ['wall', 'records'],
      default: 'wall',
      describe: 'records: time is what the records tell, for replays by hand',
    },
    explain: {
      type: 'string',
      describe: 'say what is known of the study with this StudyInstanceUID, and stop',
    },
    'at-end': {
      type: 'choice',
      choices: ['flush', 'keep'],
      describe:
        'at the end of the input, is what is open complete? (default: flush; in a stage: keep)',
    },
  },
  examples: [
    [
      'fiona-journal cat received | fiona-arrive --clock records',
      'what it would say of a journal, the same each time',
    ],
    [
      'fiona-import --in-place study/ | fiona-arrive | jq \'select(.type == "study")\'',
      'the studies in a folder',
    ],
    [
      'fiona-arrive --explain 1.2.840.1 --data-dir var',
      'is this study complete, and if not, what is it waiting for?',
    ],
    [
      'fiona-scp --data-dir var | fiona-arrive --quiet-seconds 5 --data-dir var',
      'as they come in, surviving a restart',
    ],
  ],
  files: [
    [
      '<dataDir>/state/fiona-arrive/<stage>/',
      'open studies, decisions and the objects of complete studies; the stage is hand outside of fiona-stage',
    ],
  ],
  environment: [['FIONA_STAGE', 'the stage this runs in; set by fiona-stage']],
  exitCodes: {
    65: '--explain: no such study is known',
    75: 'another fiona-arrive has taken over the same state',
  },
  seeAlso: ['fiona-mpps', 'fiona-classify', 'fiona-organize', 'fiona-stage'],
  async run({ options, config, log, filter, print }) {
    const { Arrival, byRecordClock, DurableKeeper, HeadOnly, RecordClock } =
      await import('../lib/arrive/index.ts')
    const stage = process.env['FIONA_STAGE'] || undefined
    const { arrival, dataDir, projects } = await config()
    const times = {
      quietSeconds: options.quietSeconds ?? arrival.quietSeconds,
      maxWaitSeconds: options.maxWaitSeconds ?? arrival.maxWaitSeconds,
      longestQuietSeconds: options.longestQuietSeconds ?? arrival.longestQuietSeconds,
      settledSeconds: arrival.settledSeconds,
    }
    const timesOf = (project: string | undefined) => projects[project ?? 'default']?.arrival
    if (options.explain !== undefined) {
      const { explain } = await import('../lib/arrive/explain.ts')
      const lines = await explain(options.dataDir ?? dataDir, options.explain, (project) => ({
        ...times,
        ...timesOf(project),
      }))
      for (const line of lines) await print(line)
      return
    }
    const isReplay = options.clock === 'records'
    if (isReplay && (stage !== undefined || options.dataDir !== undefined)) {
      throw new FionaError('E_USAGE', '--clock records remembers nothing and belongs in no stage', {
        hint: 'leave --data-dir out, and run it by hand: fiona-journal cat received | fiona-arrive --clock records',
        exitCode: ExitCode.usage,
      })
    }
    const clock = new RecordClock()
    const atEnd = options.atEnd ?? (stage === undefined ? 'flush' : 'keep')
    const arrivals = await Arrival.start(
      {
        ...times,
        timesOf,
        atEnd,
        deliveredBy: stage === undefined ? 'writing' : 'marks',
        now: isReplay ? () => clock.ms : () => performance.now(),
        wallClock: isReplay ? () => clock.ms : () => Date.now(),
        onWarning({ StudyInstanceUID, project, revision }, { code, where }) {
          log.warn(
            { study: StudyInstanceUID, project, revision: revision + 1, code, where },
            'objects of several patients came under one StudyInstanceUID: look at them before anybody uses the study',
          )
        },
      },
      async (restore) => {
        if (stage === undefined && options.dataDir === undefined) return new HeadOnly()
        const { inside, safeComponent } = await import('../lib/storage/index.ts')
        const directory = inside(
          options.dataDir ?? dataDir,
          'state',
          'fiona-arrive',
          safeComponent(stage ?? 'hand'),
        )
        return DurableKeeper.open(directory, restore, {
          onBroken: (bytes, copy) => {
            log.warn(
              { bytes, copy },
              'the end of the log was not whole: its objects will come again',
            )
          },
        })
      },
    )
    if (arrivals.openStudies > 0) log.info({ studies: arrivals.openStudies }, 'open studies go on')
    const logic = isReplay ? byRecordClock(arrivals, clock, atEnd) : arrivals
    const code = await filter(
      await withTouchFiles(logic, options.touchDir ?? arrival.touchDir, log),
    )
    await arrivals.close()
    return code
  },
})

async function withTouchFiles(
  logic: FilterLogic,
  directory: string | undefined,
  log: Logger,
): Promise<FilterLogic> {
  if (directory === undefined) return logic
  const { TouchFiles, touching } = await import('../lib/arrive/index.ts')
  const { makeDirectories } = await import('../lib/storage/index.ts')
  await makeDirectories(directory)
  let isTold = false
  return touching(logic, new TouchFiles(directory, () => performance.now()), (error) => {
    // Once: it would be said for each object.
    if (!isTold)
      log.warn({ err: error, directory }, 'files cannot be touched; objects count all the same')
    isTold = true
  })
}
