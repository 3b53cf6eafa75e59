import { resolve } from 'node:path'
import { defineTool } from '../lib/cli/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'

export default defineTool({
  name: 'fiona-anon',
  summary: 'de-identify studies: the privacy boundary',
  description: `Makes a copy of each study that a request or study record speaks of, without the patient's identity, and
    writes a deidentified record. By hand, instances of studies that no such record spoke of are
    de-identified at the end of the input; until then they are in memory alone, and a signal leaves an
    error record for each such study, to be replayed, and exit code 75. It is the boundary: records of the clinic
    (instance, series, study, request, mpps, release) are consumed and never passed on. In a stage no record of any other
    type passes either.
    Where the configuration has requests, only request records are answered.

    The rules are those of the Basic Application Level Confidentiality Profile (DICOM PS3.15 Annex E): each
    attribute of its table, at every depth, and all private attributes. An attribute that neither the table nor
    the data dictionary knows is removed, free text that no machine wrote is replaced. UIDs and, where no
    participant is given, the pseudonym are made with the secret of the key file and the project:
    the same input gives the same output everywhere, and without the key nobody can go back. Deflated
    objects are compressed by zlib, whose bytes may differ between its versions.

    Every output is read again and searched, outside of its pixels but in the comments of compressed ones, for
    what the study tells of the patient:
    names and their parts (three letters or more; up to four letters as a word of its own), identifiers (four
    characters or more; 4 or 5 digits in free text only), accession numbers, dates in common notations, addresses,
    telephone numbers, names of staff, the institution, the original UIDs. Shorter values say nothing and are not
    searched; a surname that is a word of imaging (Head, Phantom) counts with the given name only.

    A study is held, as a whole, if a person could be read in its pixels (BurnedInAnnotation is not NO in screen
    captures and ultrasound, or is YES anywhere, or rules say CHECKBURNEDINFO), if something is behind, in
    unused bits of or instead of the pixels that its attributes describe, if it has documents, raw data, voices or
    objects of an unknown class, if something cannot be read or is missing, or if the search found something.
    Nothing of it is in the outbox then; what was made lies in the review folder until a person decides:
    --release makes it again and lets pass what was looked at, --drop removes it; who decided, and --because, is kept
    there. What no viewer shows (what the search found, bytes beside the pixels) passes with --release-anyway only.
    review lists what waits.

    Objects that the project excludes (projects.*.exclude: modality, sopClass, classifyType) are left out and counted.

    A study appears in the outbox at once or not at all. A later revision of a study makes its new objects only; objects
    that are there already are compared with what would be made, and stay.`,
  arguments: {
    name: 'review [REQUESTID]',
    repeated: true,
    describe: 'review lists what waits for a person; with a requestId, all about one study',
  },
  reads: ['request', 'study', 'instance', 'series', 'mpps', 'release', 'association'],
  writes: ['deidentified', 'held'],
  options: {
    'key-file': {
      type: 'path',
      describe: 'the secret: 32 bytes or more, mode 0600',
      configKey: 'deidentification.keyFile',
    },
    out: {
      type: 'path',
      describe: 'where de-identified studies go (default: <dataDir>/<project>/outbox)',
    },
    profile: {
      type: 'string',
      describe: 'rules to follow; there is one: basic',
      configKey: 'projects.*.deidentify.profile',
    },
    project: { type: 'string', describe: 'research project of study and instance records' },
    participant: {
      type: 'string',
      describe: 'research identity for study and instance records (default: a keyed pseudonym)',
    },
    event: { type: 'string', describe: 'time point for study and instance records' },
    'data-dir': { type: 'path', describe: 'review folders and outboxes', configKey: 'dataDir' },
    release: { type: 'string', describe: 'let the held study of this requestId go out' },
    'release-anyway': {
      type: 'boolean',
      describe:
        'with --release: although values known of the patient, or bytes beside the pixels, were found',
    },
    drop: { type: 'string', describe: 'remove the held study of this requestId' },
    by: {
      type: 'string',
      describe: 'with --release or --drop: who decided, where that is not who runs this',
    },
    because: {
      type: 'string',
      describe: 'with --release or --drop: why; needed with --release-anyway',
    },
    json: { type: 'boolean', describe: 'review: JSON also on a terminal' },
    report: {
      type: 'choice',
      choices: ['html', 'json'],
      describe:
        'tell what was done with each study, of --project, --since, from the journal outbox',
    },
    since: { type: 'string', describe: 'report: from this time on (2026-11-24)' },
    journal: {
      type: 'string',
      describe: 'with --release: where the record goes, instead of stdout',
    },
    durability: {
      type: 'choice',
      choices: ['fsync', 'none'],
      default: 'fsync',
      describe: 'none leaves the moment of writing to the kernel',
    },
  },
  examples: [
    ['fiona-crosswalk key create key', 'make a key; keep a copy of it in a safe place'],
    [
      'fiona-import --in-place study/ | fiona-arrive | fiona-anon --key-file key --participant S001 --out out',
      'de-identify a folder',
    ],
    [
      'fiona-anon --release 7Q2M0V9ZK4T1C8XB3NHD --journal outbox --because "looked at all frames"',
      'let a held study go out after looking at it',
    ],
    ['fiona-anon review --project ABCD', 'what waits for a person?'],
    [
      'fiona-anon --report html --project ABCD --since 2026-01-01 > report.html',
      'for a data protection officer',
    ],
  ],
  files: [
    [
      '<dataDir>/<project>/outbox/<participant>/<StudyInstanceUID>/<SeriesInstanceUID>/<SOPInstanceUID>.dcm',
      'de-identified studies, by their new UIDs',
    ],
    [
      '<dataDir>/<project>/review/<requestId>/',
      'a held study: held.json (names the patient; mode 0600), objects/ (what would go out)',
    ],
    [
      '<dataDir>/crosswalk.ndjson',
      'who is who, sealed with the key (mode 0600; deidentification.crosswalk); written where a data directory is in use',
    ],
  ],
  environment: [
    ['FIONA_STAGE', 'the stage this runs in; set by fiona-stage'],
    ['FIONA_STAGE_TO', 'the journal behind it, where a held study goes when it is released'],
  ],
  exitCodes: {
    75: 'stopped by a signal while instances were collected; each of their studies has an error record',
    77: 'others may read the key file, or the study may not be released',
    78: 'no key, or a profile that is not there',
  },
  seeAlso: ['fiona-arrive', 'fiona-crosswalk', 'fiona-request', 'fiona-send', 'fiona-stage'],
  async run({ args, options, config, configPath, log, signal, filter, emit, sync, print, write }) {
    requireOneDecision(options)
    const isTable = process.stdout.isTTY && options.json !== true
    if (args.length > 0) {
      const [requestId] = reviewArguments(args)
      const { Review, listReview, showHeld } = await import('../lib/deidentify/index.ts')
      const review = new Review(resolve(options.dataDir ?? (await config()).dataDir))
      const display = { isTable, print, write }
      return requestId === undefined
        ? listReview(review, options.project, display)
        : showHeld(review, requestId, options.project, display)
    }
    if (options.report !== undefined) {
      const { writeReport } = await import('../lib/report/index.ts')
      const dataDir = resolve(options.dataDir ?? (await config()).dataDir)
      const { report: format, project, since } = options
      return writeReport(dataDir, { format, project, since, signal, write })
    }
    const { Deidentifier, exclusionOf, loadProfile, namingOf } =
      await import('../lib/deidentify/index.ts')
    const { Crosswalk, readSecrets } = await import('../lib/crosswalk/index.ts')
    if (options.profile !== undefined) loadProfile(options.profile)
    const { dataDir: configured, deidentification, projects, requests } = await config()
    const stage = process.env['FIONA_STAGE'] || undefined
    const dataDir = resolve(options.dataDir ?? configured)
    const secrets = await readSecrets({ deidentification, projects }, dataDir, options.keyFile)
    const isSite =
      configPath !== undefined || options.dataDir !== undefined || options.out === undefined
    const { project, participant, event } = options
    // Here, so that a mistake in one is told before anything goes out.
    const exclusions = new Map(
      Object.entries(projects).map(([name, { exclude }]) => [name, exclusionOf(exclude ?? [])]),
    )
    const namings = new Map(
      Object.entries(projects).map(([name, { deidentify }]) => [
        name,
        namingOf(name, deidentify?.pseudonym, deidentify?.pattern),
      ]),
    )
    const crosswalk = isSite ? await Crosswalk.open(secrets.crosswalkPath, secrets.keys) : undefined
    const deidentifier = new Deidentifier({
      keyOf: secrets.keyOf,
      namingOf: (name) => namings.get(name) ?? namingOf(name),
      uidRoot: deidentification.uidRoot,
      dataDir,
      out: options.out === undefined ? undefined : resolve(options.out),
      crosswalk,
      project,
      participant,
      event,
      inStage: stage !== undefined,
      signal,
      onlyRequests: requests.length > 0 && project === undefined && participant === undefined,
      profileOf: (name) =>
        loadProfile(options.profile ?? projects[name]?.deidentify?.profile ?? 'basic'),
      exclusionOf: (name) => exclusions.get(name) ?? exclusionOf([]),
      durable: options.durability === 'fsync',
      howToDecide: (requestId) => {
        const same = Object.entries({
          '--config': configPath,
          '--data-dir': options.dataDir ?? (configPath === undefined ? dataDir : undefined),
          '--key-file': options.keyFile,
        }).flatMap(([name, value]) =>
          value === undefined ? [] : [`${name} ${quote(resolve(value))}`],
        )
        // What is released goes where the stage would have put it.
        const journal = process.env['FIONA_STAGE_TO'] || undefined
        const released = journal === undefined ? '' : ` --journal ${quote(journal)}`
        return `${['fiona-anon', ...same].join(' ')} --release ${quote(requestId)}${released} # or --drop ${quote(requestId)}`
      },
      onDone: (facts, message) => {
        log.info(facts, message)
      },
    })
    const { by, because } = options
    const decision = {
      ...(by === undefined ? {} : { by }),
      ...(because === undefined ? {} : { because }),
    }
    try {
      if (options.drop !== undefined) {
        const { requestId } = await deidentifier.drop(options.drop, decision)
        await print(`dropped ${requestId}: what was made of it is removed, nothing was delivered`)
        return ExitCode.ok
      }
      if (options.release === undefined) {
        const code = await filter(deidentifier)
        const undone = deidentifier.leftUndone()
        for (const record of undone) await emit(record)
        if (undone.length > 0) {
          log.warn({ studies: undone.length }, 'stopped before loose instances were de-identified')
          return ExitCode.tryAgain
        }
        return code === ExitCode.ok && deidentifier.hasFailedAtEnd ? ExitCode.someErrors : code
      }
      let isHeld = false
      await deidentifier.release(
        options.release,
        options.releaseAnyway === true,
        async (record) => {
          isHeld = record.type === 'held'
          if (options.journal === undefined || isHeld) {
            await emit(record)
            await sync()
            return
          }
          const { JournalWriter, locateJournal } = await import('../lib/journal/index.ts')
          const writer = await JournalWriter.open(locateJournal(dataDir, options.journal), {
            writer: 'fiona-anon',
          })
          await writer.append(record)
          await writer.close()
        },
        decision,
      )
      return isHeld ? ExitCode.someErrors : ExitCode.ok
    } finally {
      await crosswalk?.close()
    }
  },
})

/** @throws FionaError E_USAGE: whoever decides about a study must not get another decision. */
function requireOneDecision(options: {
  readonly release: string | undefined
  readonly drop: string | undefined
  readonly releaseAnyway: boolean | undefined
  readonly journal: string | undefined
  readonly by: string | undefined
  readonly because: string | undefined
}): void {
  const { release, drop, releaseAnyway, journal, by, because } = options
  const isDecided = release !== undefined || drop !== undefined
  if (release !== undefined && drop !== undefined) {
    throw usage('--release and --drop are two decisions')
  }
  if (release === undefined && (releaseAnyway === true || journal !== undefined)) {
    throw usage('--release-anyway and --journal belong to --release')
  }
  if (!isDecided && (by !== undefined || because !== undefined)) {
    throw usage('--by and --because belong to --release or --drop')
  }
  if (releaseAnyway === true && (because ?? '').trim() === '') {
    throw usage('--release-anyway needs --because: what nobody can see passes only for a reason')
  }
}

/** @throws FionaError E_USAGE */
function reviewArguments([command, ...ids]: readonly string[]): readonly string[] {
  if (command === 'review' && ids.length < 2) return ids
  throw usage(`unexpected argument ${JSON.stringify(command === 'review' ? ids[1] : command)}`)
}

function usage(message: string): FionaError {
  return new FionaError('E_USAGE', message, {
    hint: 'see fiona-anon --help',
    exitCode: ExitCode.usage,
  })
}

/** For a shell. */
function quote(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
