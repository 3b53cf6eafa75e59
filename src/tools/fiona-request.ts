import { resolve } from 'node:path'
import { defineTool } from '../lib/cli/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'

export default defineTool({
  name: 'fiona-request',
  summary: 'match studies to research projects',
  description: `For each study record it says which research project the study goes to, and as which participant: a request record for
    each. The study record is consumed, all others pass. Sources decide, in the order of the configuration (requests): rules by connection
    facts, attributes and types; coupling tables; REDCap (docs/redcap.md); and persons, by hand. All are asked, and all that they ask for is requested.

    What does not go together is held with the reason, and never guessed: sources that name different participants in one project, a
    participant that does not fit the pattern of the project (projects.*.requests.naming), or that is another patient there already, a
    project that is unknown or closed. A study of which no source says anything waits, and is matched again when a table changes, another source
    answers, or a person decides: then its request comes out, while the input is still open.

    The requestId is random, and the same for each revision of one study, project, participant and event. AutoID (participant: autoId) gives a patient a
    name of a pattern that nobody has in that project, the same each time. Who is who is kept as keyed hashes.

    With --data-dir or a configuration all of this is on disk (SQLite) before anything is said, and survives the process at any
    moment. Without them memory is all there is: at the end of the input a study that nothing was said of comes out as an error record, and
    the exit code is 1.

    fiona-request STUDY --project P --participant ID decides by hand, before what sources say; also before the study has come,
    and whether or not a fiona-request runs. fiona-request STUDY alone says what is known of it: where it goes, as whom, and who said so; or
    what it waits for. fiona-request waiting lists what waits or is held, since when, why, and the command that decides.
    What is held has a requestId, by which fiona ls deliveries and the journal held know it, too: in place of STUDY it says the project as
    well, and tells nothing of anybody.`,
  arguments: {
    name: 'waiting|STUDY',
    describe:
      'list what waits; or say what is known of a study, or decide about it: by its StudyInstanceUID, or the requestId of what is held',
  },
  reads: ['study'],
  writes: ['request', 'held'],
  options: {
    project: { type: 'string', describe: 'STUDY: the research project; waiting: of it alone' },
    participant: { type: 'string', describe: 'STUDY: who it is of there' },
    event: { type: 'string', describe: 'STUDY: the time point' },
    'same-patient': {
      type: 'boolean',
      describe: 'STUDY: the participant is the same person under another PatientID',
    },
    drop: {
      type: 'boolean',
      describe: 'STUDY: it does not go to the project, or, without --project, nowhere',
    },
    undo: { type: 'boolean', describe: 'STUDY: forget what was decided by hand' },
    'data-dir': { type: 'path', describe: 'where the state is kept', configKey: 'dataDir' },
    'requests-only': {
      type: 'boolean',
      describe:
        'let no instance, series, mpps, release or association record pass: nothing behind needs them',
    },
    json: { type: 'boolean', describe: 'waiting, STUDY: JSON also on a terminal' },
  },
  examples: [
    ['fiona-request --config fiona.yaml < studies.ndjson', 'what would be requested?'],
    ['fiona request waiting', 'what waits, and why?'],
    ['fiona request 1.2.840.1', 'where does it go, and who said so?'],
    [
      'fiona request 1.2.840.1 --project ABCD --participant ABCD_0001 --event baseline',
      'decide by hand',
    ],
    ['fiona request 1.2.840.1 --drop', 'it belongs nowhere'],
    ['fiona request 7Q2M0V9ZK4T1C8XB3NHD --drop', 'what is held shall not go to that project'],
  ],
  files: [
    [
      '<dataDir>/state/fiona-request/requests.sqlite',
      'studies, requests, who is who as keyed hashes (mode 0600; keep a backup)',
    ],
    [
      '<dataDir>/state/fiona-request/sources/redcap/',
      'what REDCap said last, and what waits to be written there',
    ],
    ['<dataDir>/state/fiona-request/patients.key', 'the key of these hashes (mode 0600)'],
  ],
  environment: [['FIONA_STAGE', 'the stage this runs in; set by fiona-stage']],
  exitCodes: {
    1: 'done, but a study was matched to nothing and nothing keeps it: see the error records',
    65: 'what was decided by hand is not possible',
    69: 'SQLite cannot be loaded',
    75: 'stopped by a signal without a data directory, while studies waited; each has an error record',
    78: 'a rule, pattern or table with a mistake: line and text are on stderr',
  },
  seeAlso: ['fiona-anon', 'fiona-ls', 'fiona-redcap', 'fiona-stage'],
  async run({ args, options, config, configPath, log, signal, filter, emit, sync, print, write }) {
    const settings = await config()
    const [what] = args
    const {
      decideByHand,
      followResults,
      isRequestId,
      knownOfStudy,
      linesOf,
      linesOfKnown,
      Matcher,
      openSources,
      requestDirectory,
      sourcesOf,
      StatusFile,
      Store,
      troubleOfSources,
      waitingRows,
    } = await import('../lib/request/index.ts')
    requireMeaning(what, options, isRequestId)
    const stage = process.env['FIONA_STAGE'] || undefined
    const isKept = what !== undefined || stage !== undefined || configPath !== undefined
    const dataDir = options.dataDir ?? (isKept ? settings.dataDir : undefined)
    const directory = dataDir === undefined ? undefined : requestDirectory(resolve(dataDir))
    using store = await Store.open(directory)
    const clock = () => Date.now()
    const configured = settings.requests.find(({ redcap }) => redcap !== undefined)?.redcap
    const redcaps = await import('../lib/redcap/index.ts')
    const hash = (...texts: readonly string[]) => store.patients.hash(...texts)
    const redcap =
      configured &&
      (what === undefined
        ? await redcaps.redcapSource(configured, { projects: settings.projects, hash, log })
        : redcaps.rememberedSource(configured, { hash, log }))
    const { sources, projects } = await sourcesOf({
      config: settings,
      clock,
      other: (entry) => (entry.redcap === undefined ? undefined : redcap),
      firstSeen: (source, identities) => store.firstSeen(source, identities, clock()),
    })
    const same = Object.entries({
      '--config': configPath,
      '--data-dir': options.dataDir ?? (configPath === undefined ? dataDir : undefined),
    }).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${quote(resolve(value))}`]))
    const command = ['fiona-request', ...same].join(' ')
    const ofHeld = (requestId: string) => `${command} ${requestId} --participant ID # or --drop`
    const ofStudy = (StudyInstanceUID: string) =>
      `${command} ${StudyInstanceUID} --project P --participant ID # or --drop`
    if (what === 'waiting') {
      const isTable = process.stdout.isTTY && options.json !== true
      let shown = 0
      for (const row of waitingRows(store, { ofStudy, ofHeld })) {
        if (signal.aborted) break
        if (options.project !== undefined && row.project !== options.project) continue
        shown += 1
        if (!isTable) await write(Buffer.from(`${JSON.stringify(row)}\n`))
        else for (const line of linesOf(row, clock())) await print(line)
      }
      if (isTable) await print(shown === 1 ? '1 study waits' : `${String(shown)} studies wait`)
      for (const trouble of troubleOfSources(store, sources)) log.warn(trouble)
      return ExitCode.ok
    }
    if (what !== undefined && !isDecision(options)) {
      const isTable = process.stdout.isTTY && options.json !== true
      for (const known of knownOfStudy(what, store, { ofStudy, ofHeld })) {
        if (!isTable) await write(Buffer.from(`${JSON.stringify(known)}\n`))
        else for (const line of linesOfKnown(known)) await print(line)
      }
      return ExitCode.ok
    }
    if (what !== undefined) {
      const { personWhoRuns } = await import('../lib/crosswalk/index.ts')
      // Who decides by hand goes by what was read last.
      if (dataDir !== undefined) await redcap?.load(redcaps.sourceDirectory(resolve(dataDir)))
      const {
        project,
        participant,
        event,
        samePatient = false,
        drop = false,
        undo = false,
      } = options
      const who = `by hand (${personWhoRuns()})`
      const wanted = {
        study: what,
        project,
        participant,
        event,
        samePatient,
        drop,
        undo,
        who,
      }
      await print(decideByHand(wanted, store, projects, clock()))
      return ExitCode.ok
    }
    const status =
      directory === undefined || stage === undefined ? undefined : new StatusFile(directory, log)
    const matcher = new Matcher({
      store,
      owner: stage ?? 'hand',
      projects,
      sources,
      howToDecide: ofHeld,
      clock,
      log,
      inStage: stage !== undefined,
      requestsOnly: options.requestsOnly === true,
      tellUndecided: (undecided) => status?.keep(undecided),
      sync,
    })
    const ending = new AbortController()
    await using opened = await openSources(sources, {
      directory,
      store,
      changed: (which) => {
        matcher.changed(which)
      },
      signal: AbortSignal.any([signal, ending.signal]),
      log,
    })
    void opened
    const following =
      dataDir === undefined || stage === undefined
        ? Promise.resolve()
        : followResults(resolve(dataDir), store, sources, ending.signal)
    try {
      const code = await filter(matcher)
      await matcher.close()
      const undone = matcher.unmatched()
      if (undone.length === 0) return code
      if (!signal.aborted) return code === ExitCode.ok ? ExitCode.someErrors : code
      for (const record of undone) await emit(record)
      return ExitCode.tryAgain
    } finally {
      ending.abort()
      await following
      await status?.close()
    }
  },
})

const ofDecisions = ['participant', 'event', 'samePatient', 'drop', 'undo']

function isDecision(options: Readonly<Record<string, unknown>>): boolean {
  return ['project', ...ofDecisions].some((name) => isGiven(options, name))
}

function isGiven(options: Readonly<Record<string, unknown>>, name: string): boolean {
  return options[name] !== undefined && options[name] !== false
}

/** @throws FionaError E_USAGE: a decision that is half said must not become another one. */
function requireMeaning(
  what: string | undefined,
  options: Readonly<Record<string, unknown>>,
  isRequestId: (text: string) => boolean,
): void {
  const given = (name: string) => isGiven(options, name)
  const ofStudy = ofDecisions.filter(given)
  if (what === undefined || what === 'waiting') {
    const [stray] = [...ofStudy, ...(what === undefined && given('project') ? ['project'] : [])]
    if (stray !== undefined) throw usage(`--${dashed(stray)} belongs to a STUDY`)
    return
  }
  if (!isDecision(options)) return
  if (given('drop') || given('undo')) {
    const [stray] = ofStudy.filter((name) => name !== 'drop' && name !== 'undo')
    if (stray !== undefined || ofStudy.length > 1) {
      throw usage(`--${dashed(ofStudy.join(' and --'))} are two decisions`)
    }
    return
  }
  const isProjectKnown = given('project') || isRequestId(what)
  if (!isProjectKnown || !given('participant')) {
    throw usage('a decision needs --project and --participant, or --drop')
  }
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function usage(message: string): FionaError {
  return new FionaError('E_USAGE', message, {
    hint: 'see fiona-request --help',
    exitCode: ExitCode.usage,
  })
}

/** For a shell. */
function quote(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
