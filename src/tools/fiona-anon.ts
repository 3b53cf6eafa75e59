import { resolve } from 'node:path'
import { type OptionDeclarations, type ToolContext, defineTool } from '../lib/cli/index.ts'
import type { DicomFile } from '../lib/dicom/index.ts'
import type { DecisionOptions, Site } from '../lib/deidentify/index.ts'
import { ExitCode } from '../lib/error/index.ts'

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

    Without --profile, or one of the project, the rules are those of the Basic Application Level Confidentiality Profile (DICOM PS3.15 Annex E): each
    attribute of its table, at every depth, and all private attributes. An attribute that neither the table nor
    the data dictionary knows is removed, free text that no machine wrote is replaced. UIDs and, where no
    participant is given, the pseudonym are made with the secret of the key file and the project:
    the same input gives the same output everywhere, and without the key nobody can go back. Deflated
    objects are compressed by zlib, whose bytes may differ between its versions.

    Every output is read again and searched, outside of its pixels but in the comments of compressed ones, for
    what the study tells of the patient:
    names and their parts (three letters or more; up to four letters as a word of its own), identifiers (four
    characters or more; 4 or 5 digits in free text only), accession numbers, dates in common notations, addresses,
    telephone numbers, names of staff, the institution, the original UIDs. Shorter values are searched in attributes that say
    who somebody is, and nowhere else; a surname that is a word of imaging (Head, Phantom) counts with the given name only.

    A study is held, as a whole, if a person could be read in its pixels (BurnedInAnnotation is not NO in screen
    captures and ultrasound, or is YES anywhere, or rules say CHECKBURNEDINFO), if a face could be recognized (RecognizableVisualFeatures is not
    NO, and the profile has no command that removes it, or that fails), if something is behind, in
    unused bits of or instead of the pixels that its attributes describe, if it has documents, raw data, voices or
    objects of an unknown class, if something cannot be read or is missing, or if the search found something.
    Nothing of it is in the outbox then; what was made lies in the review folder until a person decides:
    --release makes it again and lets pass what was looked at, --drop removes it; who decided, and --because, is kept
    there. What no viewer shows (what the search found, bytes beside the pixels, damaged pixels), and pixels that were to be
    masked or faces that were to be removed, pass with --release-anyway only. review lists what waits.

    Objects that the project excludes (projects.*.exclude: modality, sopClass, classifyType) are left out and counted.

    A study with a StudyInstanceUID that was given here (the crosswalk knows it) comes back from processing. It goes on as it is, with profile:
    returned, if every object says that it is of that participant and the search finds nothing of the patient; else it is held.

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
      describe:
        'where de-identified studies go (default: <dataDir>/<project>/outbox; what comes back: returned beside it)',
    },
    profile: {
      type: 'string',
      describe: 'rules to follow: basic, or a profile file',
      configKey: 'projects.*.deidentify.profile',
    },
    'i-know': {
      type: 'boolean',
      describe: 'take a profile with base none, by which what no rule names goes out as it is',
      configKey: 'projects.*.deidentify.iKnow',
    },
    lint: { type: 'path', describe: 'tell what is wrong, or weak, in a profile file, and stop' },
    convert: {
      type: 'path',
      describe:
        "write a profile that says what the original FIONA's anonymizeTags.json, or lines of --tagchange and --regtagchange, say, and stop",
    },
    explain: {
      type: 'path',
      describe:
        'on a terminal: show what becomes of each element of a DICOM file, and why, and stop',
    },
    'classify-type': {
      type: 'string',
      describe:
        'with --explain: the types that the series has, with commas between (default: what classification.rules give the object alone)',
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
        'with --release: although values known of the patient, bytes beside the pixels or damaged pixels were found, or pixels were not masked, or faces not removed',
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
    reason: { type: 'string', describe: 'review: only studies held for this reason' },
    report: {
      type: 'choice',
      choices: ['html', 'json'],
      describe:
        'tell what was done with each study, of --project, --since, from the journal outbox',
    },
    since: { type: 'string', describe: 'report: from this time on (2026-11-24)' },
    journal: {
      type: 'string',
      describe:
        'with --release: where the record goes (default: the journal behind the stage that held it, else stdout)',
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
    ['fiona-anon --lint profiles/abcd.yaml', 'is the profile right, and what does it let pass?'],
    [
      'fiona-anon --explain image.dcm --profile profiles/abcd.yaml',
      'what becomes of each element of an object, and why?',
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
    78: 'no key, or a profile that is not there or has mistakes: line, column and text are on stderr',
  },
  seeAlso: ['fiona-arrive', 'fiona-crosswalk', 'fiona-request', 'fiona-send', 'fiona-stage'],
  async run(context) {
    const { args, options, config, signal, print, write } = context
    const deidentify = await import('../lib/deidentify/index.ts')
    const { decisionOf, lookAtProfiles, openSite, requireOneDecision } = deidentify
    requireOneDecision(options)
    const dataDirectory = async () => resolve(options.dataDir ?? (await config()).dataDir)
    if (args.length > 0) {
      const { Review, listReview, reviewArguments, showHeld } = deidentify
      const [requestId] = reviewArguments(args)
      const review = new Review(await dataDirectory())
      const display = { isTable: process.stdout.isTTY && options.json !== true, print, write }
      return requestId === undefined
        ? listReview(review, options, display)
        : showHeld(review, requestId, options.project, display)
    }
    if (options.report !== undefined) {
      const { writeReport } = await import('../lib/report/index.ts')
      const { report: format, project, since } = options
      return writeReport(await dataDirectory(), { format, project, since, signal, write })
    }
    const classify = async (file: DicomFile) => {
      const { RuleSet } = await import('../lib/classify/index.ts')
      const { rules: path, semantics } = (await config()).classification
      const rules = await RuleSet.load(path, semantics)
      return { types: rules.typesOf(file), by: `types by ${rules.name}, of this object alone` }
    }
    const looked = await lookAtProfiles(options, { config, print, classify })
    if (looked !== undefined) return looked
    const decision = decisionOf(options)
    const site = await openSite(options, context)
    try {
      if (options.drop !== undefined) {
        const { requestId } = await site.deidentifier.drop(options.drop, decision)
        await print(`dropped ${requestId}: what was made of it is removed, nothing was delivered`)
        return ExitCode.ok
      }
      return options.release === undefined
        ? await deidentifyAll(site, context)
        : await releaseOne(site, options.release, { ...options, decision }, context)
    } finally {
      await site.close()
    }
  },
})

type Context = Pick<ToolContext<OptionDeclarations>, 'filter' | 'emit' | 'log' | 'sync'>

async function deidentifyAll({ deidentifier }: Site, { filter, emit, log }: Context) {
  const code = await filter(deidentifier)
  const undone = deidentifier.leftUndone()
  for (const record of undone) await emit(record)
  if (undone.length > 0) {
    log.warn({ studies: undone.length }, 'stopped before loose instances were de-identified')
    return ExitCode.tryAgain
  }
  return code === ExitCode.ok && deidentifier.hasFailedAtEnd ? ExitCode.someErrors : code
}

/** @returns 1 where it is held again */
async function releaseOne(
  { deidentifier, dataDir }: Site,
  requestId: string,
  options: DecisionOptions & { readonly decision: Parameters<Site['deidentifier']['drop']>[1] },
  { emit, sync, print }: Context & Pick<ToolContext<OptionDeclarations>, 'print'>,
): Promise<number> {
  let isHeld = false
  await deidentifier.release(
    requestId,
    options.releaseAnyway === true,
    async (record, stageJournal) => {
      isHeld = record.type === 'held'
      // Whoever forgets where it belongs has not lost it.
      const journal = options.journal ?? stageJournal
      if (isHeld && process.stdout.isTTY) {
        await print(`${requestId} is held again: fiona-anon review ${requestId} shows why`)
        return
      }
      if (journal === undefined || isHeld) {
        await emit(record)
        await sync()
        return
      }
      const { JournalWriter, locateJournal } = await import('../lib/journal/index.ts')
      const writer = await JournalWriter.open(locateJournal(dataDir, journal), {
        writer: 'fiona-anon',
      })
      await writer.append(record)
      await writer.close()
      await print(`released ${requestId}: its record is in the journal ${journal}`)
    },
    options.decision,
  )
  return isHeld ? ExitCode.someErrors : ExitCode.ok
}
