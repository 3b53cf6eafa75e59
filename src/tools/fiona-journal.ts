import type { ReadOptions } from '../lib/journal/index.ts'
import { defineTool } from '../lib/cli/index.ts'
import { ExitCode, FionaError } from '../lib/error/index.ts'

/** Each command with the options that mean something to it. */
const commands = {
  append: ['record'],
  cat: ['study', 'type', 'since', 'until', 'from-cursor'],
  follow: ['study', 'type', 'since', 'until', 'from-cursor', 'from-end', 'all'],
  stat: ['json'],
  prune: ['older-than-days', 'unread', 'dry-run', 'json'],
  repair: ['json', 'dry-run'],
  retry: ['to', 'stage', 'code', 'study', 'since', 'until', 'again', 'dry-run', 'json'],
} as const
type Command = keyof typeof commands

export default defineTool({
  name: 'fiona-journal',
  summary: 'append to, read, watch, measure and tidy up journals',
  description: `A journal is a directory of NDJSON files, its segments: the truth about what happened. Each program that
    writes into it has segments of its own, so several may at once, and no lock outlives a killed one. Each
    reader has a cursor. A journal is given by its name (below dataDir), by a path (anything with a slash)
    or by a file: URL.

    append takes NDJSON from stdin, or the records in the files given with --record, and prints nothing.
    When it exits with 0 everything is on stable storage. A line that is no record is refused with its
    number on stderr; the others are taken, and the exit code is 65.

    cat prints all records: those of one writer in their order, segments in the order they were begun.
    follow waits for more, beginning with what comes from now on, or with everything that is there (--all).
    Both print only what fits when --study, --type, --since or --until is given. With --from-cursor they
    begin where the named reader has come to: what it still has to do.

    stat counts writers, segments, lines and bytes, and for each reader what it has before it; without a
    name, for every journal of the data directory.

    prune removes whole segments that every reader has passed and that nobody wrote to for
    --older-than-days. The newest segment of a living writer stays, and so does everything in a journal that
    has no readers, unless --unread is given. A reader that is gone for good holds back all that came after
    it: remove its cursor.

    repair moves what a killed writer left behind its last whole line into a file beside the segment, and
    says so. Readers do not need it: they never read half a line. A damaged line in the middle is moved there,
    too, and blanks take its place: no position changes. A segment whose writer has closed it has a seal, a file
    that sha256sum -c reads; repair says when a segment is no longer what was sealed, and seals what a dead writer left.

    retry hands the records that error records hold in again, each to the journal that the stage in question
    reads, or to --to. A note of type retried beside the error sees to it that each is handed in once; what
    fails again is a new error. Errors that hold no record stay and are counted.`,
  arguments: {
    name: 'COMMAND NAME|PATH|URL',
    required: true,
    repeated: true,
    describe: `${Object.keys(commands).join(', ')}; and the journal (several for stat, prune, repair, retry)`,
  },
  options: {
    'data-dir': { type: 'path', describe: 'where journals are', configKey: 'dataDir' },
    record: { type: 'strings', describe: 'append: a file with records, in place of stdin' },
    study: { type: 'string', describe: 'cat, follow, retry: records with this StudyInstanceUID' },
    type: { type: 'string', describe: 'cat, follow: records of this type' },
    since: { type: 'string', describe: 'cat, follow, retry: records from this time on (ISO 8601)' },
    until: { type: 'string', describe: 'cat, follow, retry: records before this time (ISO 8601)' },
    'from-cursor': { type: 'string', describe: 'cat, follow: begin where this reader has come to' },
    'from-end': {
      type: 'boolean',
      describe: 'follow: begin with what comes from now on (default)',
    },
    all: { type: 'boolean', describe: 'follow: begin with everything that is there' },
    json: { type: 'boolean', describe: 'stat, prune, repair, retry: one JSON object a journal' },
    'older-than-days': {
      type: 'number',
      min: 0,
      describe: 'prune: keep what was written to within this time (default: 30)',
    },
    unread: { type: 'boolean', describe: 'prune: where there are no readers, go by age alone' },
    'dry-run': {
      type: 'boolean',
      describe: 'prune, repair, retry: only say what would be done',
    },
    to: { type: 'string', describe: 'retry: hand all in to this journal' },
    stage: { type: 'string', describe: 'retry: only what failed in this stage' },
    code: { type: 'string', describe: 'retry: only errors with this code' },
    again: { type: 'boolean', describe: 'retry: also what has been handed in again before' },
  },
  examples: [
    ['fiona-journal cat received --study 1.2.3 | jq .path', 'the objects of a study'],
    ['fiona-journal follow sent', 'watch deliveries'],
    ['fiona-journal stat', 'what waits where?'],
    [
      'fiona-journal retry errors --stage organize --dry-run',
      'the cause is mended: what would be handed in again?',
    ],
    ['fiona-journal retry errors --code E_DICOM_PARSE', 'hand it in again'],
    ['fiona-journal prune received --older-than-days 90 --dry-run', 'what could go?'],
  ],
  exitCodes: { 65: 'no such journal or reader, or a line that is no record' },
  files: [
    ['<dataDir>/journal/<name>/*.ndjson', 'the segments'],
    [
      '<dataDir>/journal/<name>/*.sha256',
      'their seals: sha256sum -c tells whether one has changed',
    ],
    ['<dataDir>/journal/<name>/cursors/<reader>.json', 'how far each reader has come'],
    ['<dataDir>/journal/<name>/writers/', 'which process writes which segments'],
  ],
  seeAlso: ['fiona-stage', 'fiona-scp'],
  async run({ args, options, config, log, signal, print, write }) {
    const command = commandOf(args[0], options)
    const journal = await import('../lib/journal/index.ts')
    const dataDir = options.dataDir ?? (await config()).dataDir
    const names = args.slice(1)
    if (names.length === 0 && command === 'stat')
      names.push(...(await journal.listJournals(dataDir)))
    const [first] = names
    if (first === undefined) {
      if (command === 'stat') return ExitCode.ok
      throw usage(`${command} needs a journal: a name, a path or a URL`)
    }

    switch (command) {
      case 'append': {
        onlyOne(command, names)
        const { appendFiles, appendInput } = await import('../lib/journal/append-records.ts')
        await using writer = await journal.JournalWriter.open(
          journal.locateJournal(dataDir, first),
          {
            writer: 'append',
          },
        )
        const refuse = (where: string, { message }: FionaError): void => {
          process.stderr.write(`error: ${where} is ${message}\n`)
        }
        const refused =
          options.record.length > 0
            ? await appendFiles(writer, options.record, refuse)
            : await appendInput(writer, process.stdin, signal, refuse)
        return refused > 0 ? ExitCode.badInput : ExitCode.ok
      }
      case 'cat':
        onlyOne(command, names)
        return show(await journal.findJournal(dataDir, first), {})
      case 'follow': {
        onlyOne(command, names)
        if (options.all === true && options.fromEnd === true) {
          throw usage('--all and --from-end exclude each other')
        }
        const found = await journal.findJournal(dataDir, first).catch((error: unknown) => {
          if (!(error instanceof FionaError) || error.code !== 'E_JOURNAL_MISSING') throw error
          log.warn(`${error.message}; waiting for it`)
          return journal.locateJournal(dataDir, first)
        })
        return show(found, { follow: true, fromEnd: options.all !== true })
      }
      case 'retry': {
        const { retriedText } = await import('../lib/journal/report.ts')
        for (const name of names) {
          const path = await journal.findJournal(dataDir, name)
          const retried = await journal.retryErrors(path, {
            dataDir,
            to: options.to,
            stage: options.stage,
            code: options.code,
            questions: {
              study: options.study,
              sinceMs: timeOf('since', options.since),
              untilMs: timeOf('until', options.until),
            },
            again: options.again,
            dryRun: options.dryRun,
            signal,
          })
          const about = { journal: journal.journalName(name), path }
          await print(
            options.json === true
              ? JSON.stringify({ ...about, dryRun: options.dryRun === true, ...retried })
              : retriedText(about.journal, retried, options.dryRun === true),
          )
        }
        return ExitCode.ok
      }
      case 'stat':
      case 'prune':
      case 'repair': {
        const { prunedText, repairedText, statTable } = await import('../lib/journal/report.ts')
        const reports: Parameters<typeof statTable>[0][number][] = []
        for (const name of names) {
          const path = await journal.findJournal(dataDir, name)
          const about = { journal: journal.journalName(name), path }
          if (command === 'stat') {
            const stat = await journal.journalStat(path)
            if (options.json === true) await print(JSON.stringify({ ...about, ...stat }))
            else reports.push({ ...about, ...stat })
          } else if (command === 'prune') {
            const pruned = await journal.pruneJournal(path, {
              olderThanMs: (options.olderThanDays ?? 30) * 86_400_000,
              unread: options.unread,
              dryRun: options.dryRun,
            })
            await print(
              options.json === true
                ? JSON.stringify({ ...about, dryRun: options.dryRun === true, ...pruned })
                : prunedText(about.journal, pruned, options.dryRun === true),
            )
          } else {
            const repaired = await journal.repairJournal(path, { dryRun: options.dryRun })
            await print(
              options.json === true
                ? JSON.stringify({ ...about, repaired })
                : repairedText(about.journal, repaired, options.dryRun === true),
            )
          }
        }
        if (reports.length > 0) await print(statTable(reports))
        return ExitCode.ok
      }
    }

    async function show(directory: string, how: ReadOptions): Promise<number> {
      const filter = journal.lineFilter({
        study: options.study,
        type: options.type,
        sinceMs: timeOf('since', options.since),
        untilMs: timeOf('until', options.until),
      })
      const reader = options.fromCursor
      const cursor = reader === undefined ? undefined : await cursorOf(directory, reader)
      const chunks = journal.readJournal(directory, { ...how, cursor, signal })
      for await (const { lines } of chunks) {
        const shown = filter === undefined ? lines : filter(lines)
        if (shown.length > 0) await write(shown)
      }
      return ExitCode.ok
    }

    async function cursorOf(directory: string, reader: string): Promise<Record<string, number>> {
      const saved = await journal.loadCursor(directory, reader)
      if (saved !== undefined) return saved.cursor
      const readers = await journal.listReaders(directory)
      throw new FionaError('E_READER_MISSING', `no reader is called ${reader} here`, {
        hint:
          readers.length > 0 ? `there are: ${readers.join(', ')}` : 'nobody has saved a cursor yet',
        exitCode: ExitCode.badInput,
      })
    }
  },
})

/** @throws FionaError E_USAGE for a word that is no command, and for an option that means nothing to it */
function commandOf(word: string | undefined, options: Readonly<Record<string, unknown>>): Command {
  if (word === undefined || !Object.hasOwn(commands, word)) {
    throw usage(
      `${JSON.stringify(word ?? '')} is no command; there are ${Object.keys(commands).join(', ')}`,
    )
  }
  const command = word as Command
  const known: readonly string[] = commands[command]
  for (const name of new Set(Object.values(commands).flat())) {
    const value = options[name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())]
    const isGiven = Array.isArray(value) ? value.length > 0 : value !== undefined
    if (isGiven && !known.includes(name)) throw usage(`--${name} means nothing to ${command}`)
  }
  return command
}

function onlyOne(command: Command, names: readonly string[]): void {
  if (names.length > 1) throw usage(`${command} takes one journal, not ${names.length}`)
}

function timeOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = /^\d{4}-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return time
  throw usage(
    `--${option} must be a time such as 2026-11-24 or 2026-11-24T13:01:05Z, not ${JSON.stringify(text)}`,
  )
}

function usage(message: string): FionaError {
  return new FionaError('E_USAGE', message, {
    hint: 'run fiona-journal --help',
    exitCode: ExitCode.usage,
  })
}
