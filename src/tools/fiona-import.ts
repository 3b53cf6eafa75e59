import { join } from 'node:path'
import { isatty } from 'node:tty'
import { defineTool, takeKept, tellReady } from '../lib/cli/index.ts'
import { ExitCode } from '../lib/error/index.ts'

/**
 * Copies overlap their waiting for disks: a thread of Node's pool for each (the launcher asks for so many), for syncs that
 * are under way together share one commit of the file system. Reading headers in place waits for nothing, there only lines
 * are gathered.
 */
const inFlight = { copying: { concurrency: 32 }, inPlace: { concurrency: 256 } }

export default defineTool({
  name: 'fiona-import',
  summary: 'Take DICOM files into the archive as if they had been received',
  description: `Takes files, and whatever is in folders, in the order of their names (folders of more than 10000
    files in the order of the disk). Without a PATH, or for -, it reads paths from stdin, one a line; a line that is
    a record already passes on (an instance record if its file exists), a path record is imported, and so is the
    announcement of an original FIONA: calling,called,address,folder,file.

    Each object is copied into the archive, unchanged, and its instance record is written when the object is
    on stable storage. What is stored already is told as duplicate, so an import may be repeated at any time: one
    that was stopped goes on where it was, after reading what is stored. An object that lies in the archive is never
    copied or removed: its record is written again, for example to have it classified anew.

    In folders, files that are not DICOM are passed over; the log says how many. A file that somebody named,
    and with --strict every file, becomes an error record instead. So does, always, what begins like DICOM and
    is damaged, what is empty, and what cannot be read or is no regular file.

    ZIP and tar files (also .tgz, .tar.gz) are imported member by member, and never unpacked into files of their
    names: in folders those that are called so, and any that somebody names. Members that are encrypted, links, or
    packages themselves become error records; so does a package out of which comes more than anybody packs.

    A DICOMDIR is no object. Files that it lists and its medium lacks become error records (not with --move), and
    files that it does not list are imported, too.

    Links to folders are not followed when they are met in a folder. Links to files are with --in-place;
    otherwise they are errors, because a link can lead anywhere. A PATH itself may be a link.

    With --move the source is removed when object and record are safe, and never when there was an error; a package
    when all of it is stored. With --in-place nothing is copied: the records point to the files where they are, and
    have no sha256.

    Records say nothing of a sender unless --calling-aet or --called-aet does; projects may match by both.

    With --watch it is a service that empties a folder. A file is taken when nobody has written to it for a
    while; hidden ones, and those called .part, .tmp, .filepart and the like, when they are renamed. What is no
    DICOM, or is damaged, goes to the quarantine with the reason beside it; links, pipes and what cannot be
    read stay. Empty folders are removed after a minute. Killed while it takes a file, it takes it again at the next
    start, and tells it as duplicate. Of a folder that is an inbox of the configuration (inboxes), project and
    settleSeconds hold where no option says otherwise.

    With --front-door it is a service: it makes a named pipe and takes what is written into it, line by line
    as from stdin, with absolute paths; known records are taken as if they had been made here. Owner and group may
    write into it (0620; frontDoors in the configuration). What cannot be understood goes to the journal errors with
    the reason; what is longer than 64 KiB, or no UTF-8, lies in the quarantine. Lines longer than 4096 bytes may be mixed with those of another
    writer: give them to fiona-journal append. Who writes no newline within a second has ended the line.
    When the disk is full it waits, and writers with it.
    The pipe stays when the service ends, and whoever writes then waits for its next start. What was read is kept on
    disk until it is done: killed, the service goes on where it was. What nobody has read yet the kernel keeps as
    long as any process has the pipe open, as fiona up does.

    With --records-only the door takes no paths. That of organized takes instance, series and study records, that
    of requested request records, that of outbox deidentified records; any other all that are known.

    With --reconcile nothing is imported: the archive, or in it the studies whose UIDs are given, is held against the journal
    (received unless told) and the views, and nothing is changed. Each thing found is told on stdout as a record of type
    reconcile, with project, StudyInstanceUID, path, and found: unrecorded, an object of the archive without a record in the
    journal; unseen, one whose links in the views are not as they should be; gone, a record whose file is not there;
    foreign, something that is no object of the archive. On a terminal it is a table, a line a study. An object that
    cannot be read, or lies where another one should, is an error record.

    With --mend, too, each unrecorded object gets a record in the journal, from its header and with a digest (and with
    reconciled: true), once: then the chain takes it as if it had just come. Of unseen ones the views are made. What is gone or
    foreign is for a person. A run that was stopped or killed is repeated. It is safe beside a running chain: a record may
    follow its object by --settle-seconds, and younger objects are waited for so long. An object without a record that is older than what
    fiona-journal prune removed and has its views is all right.

    On a terminal it shows how far it is, in numbers only.`,
  writes: ['instance'],
  arguments: {
    name: 'PATH',
    repeated: true,
    describe:
      'a DICOM, ZIP or tar file, or a folder; - or nothing: paths from stdin, one a line. With --reconcile: Study Instance UIDs',
  },
  options: {
    'in-place': {
      type: 'boolean',
      describe: 'copy nothing: records point to the files where they are',
    },
    move: { type: 'boolean', describe: 'remove each source when its object and record are safe' },
    strict: { type: 'boolean', describe: 'files that are not DICOM are errors in folders, too' },
    null: { type: 'boolean', short: '0', describe: 'paths on stdin end with NUL (find -print0)' },
    journal: {
      type: 'string',
      describe: 'write records into this journal, and error records into the journal errors',
    },
    'data-dir': { type: 'path', describe: 'where the archive is', configKey: 'dataDir' },
    project: {
      type: 'string',
      describe:
        'the project tree to import into, whatever projects.X.match says; with --reconcile: this one alone',
    },
    'calling-aet': { type: 'string', describe: 'what records shall say of the sender' },
    'called-aet': { type: 'string', describe: 'which of our AE titles it was sent to' },
    'front-door': {
      type: 'path',
      describe: 'make this named pipe and take what is written into it, until SIGTERM',
    },
    'records-only': {
      type: 'boolean',
      describe: 'with --front-door: no paths; for journals behind the first',
    },
    watch: {
      type: 'path',
      describe: 'move what is put into this folder into the archive, until SIGTERM',
    },
    'settle-seconds': {
      type: 'number',
      min: 0,
      describe:
        'with --watch: a file is whole when it has not changed for so long (default: 10); with --reconcile: a record may follow its object by so long (default: 30)',
    },
    reconcile: {
      type: 'boolean',
      describe: 'tell what is in the archive and not in the journal or the views; changes nothing',
    },
    mend: {
      type: 'boolean',
      describe: 'with --reconcile: append the missing records, make the missing views',
    },
    json: { type: 'boolean', describe: 'with --reconcile: JSON also on a terminal' },
  },
  examples: [
    ['fiona-import /media/cdrom', 'copy a CD into the archive; the records go to stdout'],
    ['fiona-import --journal received study.zip', 'a ZIP file into the chain'],
    [
      'fiona-import --watch /srv/inbox --journal received',
      'whatever is put into this folder, until SIGTERM',
    ],
    [
      'find /old -name "*.dcm" -print0 | fiona-import -0 --journal received',
      'a selection into the chain',
    ],
    [
      'fiona-import --in-place study/ | fiona-classify --rules r.json | jq .ClassifyType',
      'what is in this folder?',
    ],
    [
      'fiona-journal cat errors | jq -c \'select(.tool == "fiona-import").record\' | fiona-import --journal received',
      'the cause is mended: try again what could not be imported',
    ],
    ['fiona-import --reconcile', 'what is in the archive, and the chain does not know of it?'],
    ['fiona-import --reconcile --mend --project ABCD', 'mend that for one project'],
    [
      'echo /data/again/1.dcm > /run/fiona/received.pipe',
      'through the front door of a running chain',
    ],
  ],
  files: [
    ['<dataDir>/<project>/archive/', 'where the objects go'],
    ['<dataDir>/incoming/', 'objects on their way'],
    ['<dataDir>/state/front-door/', 'what was read at the front door and is not done'],
    ['<dataDir>/quarantine/', 'what came into the inbox, or as a line, and could not be taken'],
  ],
  exitCodes: {
    1: 'done, but some files were not imported: see the error records; --reconcile found what is not mended',
    65: 'there is no such archive, or none of these studies in it',
    73: 'the disk is full; what was said is stored',
    75: 'stopped by a signal before the end; run it again. Another one watches this inbox, or mends',
  },
  seeAlso: ['fiona-scp', 'fiona-arrive', 'fiona-classify', 'fiona-journal', 'fiona-organize'],
  async run({ options, args, config, configPath, log, signal, emit, sync, print, write }) {
    const { Intake, openRecordSink } = await import('../lib/intake/index.ts')
    const imports = await import('../lib/import/index.ts')
    const { findJournal, journalName, journalPath } = await import('../lib/journal/index.ts')
    const source = imports.checkCommandLine(options, args, isatty(0))
    if (options.reconcile === true) {
      const { tellReconciled } = await import('../lib/reconcile/index.ts')
      const { chooseViews } = await import('../lib/organize/index.ts')
      const dataDir = options.dataDir ?? (await config()).dataDir
      const configured = configPath === undefined ? undefined : await config()
      return tellReconciled({
        dataDir,
        // The usual one may have been lost as a whole; one that somebody named and that is not there is a slip.
        journal:
          options.journal === undefined
            ? journalPath(dataDir, 'received')
            : await findJournal(dataDir, options.journal),
        project: options.project,
        studies: args.length === 0 ? undefined : new Set(args),
        views: chooseViews({ layouts: [], layoutsOnly: undefined }, configured),
        mends: options.mend === true,
        settleMs: (options.settleSeconds ?? 30) * 1000,
        isTable: isatty(1) && options.json !== true,
        ...{ signal, log, print, write },
      })
    }
    const { dataDir: configured, projects, intake: choice, receiver, inboxes } = await config()
    const { durability, reserveBytes } = receiver
    const { journal, frontDoor, watch } = options
    const inbox = watch === undefined ? undefined : inboxes.find(({ folder }) => folder === watch)
    const project = options.project ?? inbox?.project
    const { inPlace: isInPlace = false, strict: isStrict } = options
    const dataDir = options.dataDir ?? configured

    const intake = new Intake({ dataDir, durability, reserveBytes, projects, choice })
    const realDataDir = await imports.realDataDirectory(dataDir)
    const moves = options.move === true || watch !== undefined
    const importer = new imports.Importer({
      intake,
      dataDir,
      realDataDir,
      mode: isInPlace ? 'inPlace' : moves ? 'move' : 'copy',
      source,
      project,
      isStrict: isStrict ?? false,
    })
    const sink = { dataDir, emit, sync, durability, writer: 'fiona-import' }
    const records = await openRecordSink({ ...sink, journal })
    const errors =
      journal === undefined ? records : await openRecordSink({ ...sink, journal: 'errors' })
    const copiesNothing = isInPlace || options.recordsOnly === true
    const atOnce = inFlight[copiesNothing ? 'inPlace' : 'copying']
    const run = { importer, records, errors, signal, log, ...atOnce }
    try {
      if (frontDoor !== undefined) {
        const { frontDoors } = await config()
        const door = {
          path: frontDoor,
          journal: journalName(journal ?? 'received'),
          takesRecordsOnly: options.recordsOnly === true,
          intake,
          access: await imports.doorAccess(frontDoors),
          stateDirectory: join(dataDir, 'state', 'front-door'),
          isSynced: durability === 'fsync',
        }
        const kept = takeKept()
        await imports.keepFrontDoor(door, run, signal, (descriptor) => {
          const keep = [{ name: 'pipe', descriptor }]
          tellReady({ status: `open: ${frontDoor}`, dataDir, signal, log, keep, kept })
        })
        return ExitCode.ok
      }
      if (watch !== undefined) {
        tellReady({ status: `watching ${watch}`, dataDir, signal, log })
        const settleMs = (options.settleSeconds ?? inbox?.settleSeconds ?? 10) * 1000
        await imports.watchInbox(watch, realDataDir, run, { intake, settleMs, signal })
        return ExitCode.ok
      }
      const entries = imports.entriesOfArguments(args, {
        input: process.stdin,
        isNulSeparated: options.null === true,
        signal,
      })
      const counts = imports.noCounts()
      // Not among the records, when they go to the same terminal.
      const isWatched = isatty(2) && (journal !== undefined || !isatty(1))
      const progress = isWatched
        ? imports.importProgress(counts, process.stderr, imports.countFiles(args, signal))
        : undefined
      const done = await imports
        .runImport({ ...run, entries, counts })
        .finally(() => progress?.close())
      if (done.errors > 0 && journal !== undefined) {
        log.warn({ errors: done.errors }, 'error records were written to the journal errors')
      }
      if (signal.aborted) {
        log.warn(done, 'stopped before the end')
        return ExitCode.tryAgain
      }
      return done.errors > 0 ? ExitCode.someErrors : ExitCode.ok
    } finally {
      await records.close()
      await errors.close()
    }
  },
})
